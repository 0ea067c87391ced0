"""Which file is sent in, and what is to be done with it?"""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import CombinedMultiDict
from wtforms import RadioField, ValidationError

from ...domain.imports import ImportDraft
from ...models import KnownPhones
from .fields import Form, TrimmedField


class ImportForm(Form):
    class Meta(Form.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Its texts, and the file."""
            is_sent = formdata is not None and form.is_submitted()
            return CombinedMultiDict((request.files, request.form)) if is_sent else None

    file = FileField()
    known = RadioField(choices=[choice.value for choice in KnownPhones], default=KnownPhones.UPDATE.value)
    timezone = TrimmedField()

    def validate_file(self, field: Any) -> None:
        if not field.data:
            raise ValidationError("file_missing")

    def draft(self) -> ImportDraft:
        return ImportDraft(
            filename=self.file.data.filename or "",
            known=KnownPhones(self.known.data),
            timezone=self.timezone.data or "",
        )
