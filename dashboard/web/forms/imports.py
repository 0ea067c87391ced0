"""Which file is sent in, and what do its columns hold?"""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import CombinedMultiDict
from wtforms import BooleanField, RadioField, SelectField

from ...domain.imports import Column, Columns, ImportView, Mapping, MappingDraft, Meaning
from ...models import KnownPhones
from .fields import Form, TrimmedField

MEANINGS = [meaning.value for meaning in Meaning]


class FileForm(Form):
    class Meta(Form.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Its texts, and the file."""
            is_sent = formdata is not None and form.is_submitted()
            return CombinedMultiDict((request.files, request.form)) if is_sent else None

    file = FileField()


class MappingForm(Form):
    """`mapping_form` adds `meaning_0`, `name_0` and so on, two for each column."""

    has_header = BooleanField()
    known = RadioField(choices=[choice.value for choice in KnownPhones], default=KnownPhones.UPDATE.value)
    timezone = TrimmedField()

    @property
    def width(self) -> int:
        return sum(name.startswith("meaning_") for name in self._fields)

    @property
    def columns(self) -> list[tuple[Any, Any]]:
        """Of each column the two fields."""
        return [(self[f"meaning_{at}"], self[f"name_{at}"]) for at in range(self.width)]

    def mapping(self) -> Mapping:
        """What cannot be a meaning is none."""
        columns = [_column(meaning.data, name.data or "") for meaning, name in self.columns]
        return Mapping(bool(self.has_header.data), tuple(columns))

    def draft(self) -> MappingDraft:
        known = self.known.data if self.known.data in list(KnownPhones) else KnownPhones.UPDATE
        return MappingDraft(self.mapping(), KnownPhones(known), self.timezone.data or "")

    def show(self, view: ImportView, mapping: Mapping) -> None:
        """Fill in what is known."""
        self.has_header.data = mapping.has_header
        self.known.data = view.known.value
        self.timezone.data = view.timezone
        for (meaning, name), column in zip(self.columns, mapping.columns, strict=True):
            meaning.data, name.data = column.meaning.value, column.name


def mapping_form(columns: Columns) -> MappingForm:
    """A form for a file of so many columns."""
    fields: dict[str, Any] = {}
    for at in range(columns.layout.width):
        fields[f"meaning_{at}"] = SelectField(choices=MEANINGS)
        fields[f"name_{at}"] = TrimmedField()
    form: MappingForm = type("MappingFormOfFile", (MappingForm,), fields)()
    return form


def _column(meaning: str, name: str) -> Column:
    known = Meaning(meaning) if meaning in MEANINGS else Meaning.IGNORE
    return Column(known, name if known is Meaning.ATTRIBUTE else "")
