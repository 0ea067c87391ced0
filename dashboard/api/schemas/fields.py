"""What may stand in a request? Marshmallow's fields, whose complaints are codes that templates put into words."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

COMMON = {"required": "field_missing", "null": "field_null", "validator_failed": "field_invalid"}


class Body(Schema):
    """Of a request or an answer; a field that nobody knows is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "field_unknown", "type": "body_not_object"}


class Text(fields.String):
    default_error_messages = {**COMMON, "invalid": "not_text", "invalid_utf8": "not_text"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ValidationError("control_character")
        return text


class Whole(fields.Integer):
    default_error_messages = {**COMMON, "invalid": "not_whole", "too_large": "not_whole"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)


class InAddress(fields.Integer):
    """A whole number in a query, where everything is text."""

    default_error_messages = {**COMMON, "invalid": "not_whole", "too_large": "not_whole"}


class Truth(fields.Boolean):
    default_error_messages = {**COMMON, "invalid": "not_true_or_false"}


class Choice(fields.Enum[Any]):
    default_error_messages = {**COMMON, "unknown": "not_a_choice"}

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, by_value=True, **kwargs)


class ListOf(fields.List[Any]):
    default_error_messages = {**COMMON, "invalid": "not_a_list"}


class Inner(fields.Nested):
    default_error_messages = {**COMMON, "type": "not_an_object"}


class Instant(fields.AwareDateTime):
    """ISO 8601, answered in UTC."""

    default_error_messages = {
        **COMMON,
        "invalid": "not_a_moment",
        "invalid_awareness": "not_a_moment",
        "format": "not_a_moment",
    }
