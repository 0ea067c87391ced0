"""Which kinds of input do several forms share?"""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import StringField

# A field that has no limit of its own in the domain.
LONGEST_INPUT = 2000


class Form(FlaskForm):  # type: ignore[misc]
    """Field errors are codes or domain Problems; templates/components/reasons.html finds the words."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Texts only: Flask-WTF would also take files and JSON, whose numbers and lists no field expects."""
            return request.form or None if formdata is not None and form.is_submitted() else None


class TrimmedField(StringField):  # type: ignore[misc]
    """One line, without the spaces and the invisible NUL that come along when pasting."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text.replace("\0", "").strip()[:LONGEST_INPUT]
