"""What may stand in a request? Marshmallow's fields, whose complaints are codes that templates put into words.

What a field is in JSON Schema, where apispec cannot tell, its `described` says (see openapi/described).
"""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from ...zones import YEARS_TOLD

WHOLE = re.compile(r"-?[0-9]{1,30}")
# JSON can write halves of surrogate pairs, which nothing can encode.
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
# As examples have it, one for all: an example must not change with the day on which it is written.
MOMENT = "2030-03-01T06:00:00+00:00"
# When a mailing begins there, and what comes of it.
STARTED, SETTLED = "2030-03-01T07:00:00+00:00", "2030-03-01T07:00:01+00:00"
# Of a page of a list.
LIMIT = {"description": "How many a page may have", "minimum": 1, "maximum": 500, "example": 50}
CURSOR = {"description": "Where the page begins, as `next` of the one before has it", "maxLength": 1000}
# PostgreSQL's INTEGER: what is greater is nobody's number.
LARGEST_ID = 2_147_483_647
# A number of a client, a mailing or a user.
NUMBER = {"minimum": 1, "maximum": LARGEST_ID}
COUNT = {"minimum": 0, "example": 0}
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
        if HALF_A_PAIR.search(text):
            raise self.make_error("invalid_utf8")
        return text


class Whole(fields.Integer):
    default_error_messages = {**COMMON, "invalid": "not_whole", "too_large": "not_whole"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)


class InAddress(fields.Integer):
    """A whole number in a query, where everything is text: digits, and nothing else that Python would read."""

    default_error_messages = {**COMMON, "invalid": "not_whole", "too_large": "not_whole"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not WHOLE.fullmatch(value):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class Number(Whole):
    """Of a client, a mailing or a user; what fits no column is nobody's, as 0 is."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return _somebodys(super()._deserialize(value, attr, data, **kwargs))


class NumberInAddress(InAddress):
    """The same in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return _somebodys(super()._deserialize(value, attr, data, **kwargs))


def _somebodys(number: int) -> int:
    return number if 0 < number <= LARGEST_ID else 0


class Truth(fields.Boolean):
    """`true` or `false` and nothing that might stand for them: no 1, no "yes"."""

    default_error_messages = {**COMMON, "invalid": "not_true_or_false"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class TruthInAddress(fields.Boolean):
    """`true` or `false`, in a query."""

    default_error_messages = {**COMMON, "invalid": "not_true_or_false"}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value not in ("true", "false"):
            raise self.make_error("invalid")
        return value == "true"


class Choice(fields.Enum[Any]):
    described = {"type": "string"}
    default_error_messages = {**COMMON, "unknown": "not_a_choice"}

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, by_value=True, **kwargs)


class ListOf(fields.List[Any]):
    default_error_messages = {**COMMON, "invalid": "not_a_list"}


class Inner(fields.Nested):
    default_error_messages = {**COMMON, "type": "not_an_object"}


class Instant(fields.AwareDateTime):
    """ISO 8601, answered in UTC; in a year that every zone can tell."""

    default_error_messages = {
        **COMMON,
        "invalid": "not_a_moment",
        "invalid_awareness": "not_a_moment",
        "format": "not_a_moment",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        instant = super()._deserialize(value, attr, data, **kwargs)
        if instant.year not in YEARS_TOLD:
            raise self.make_error("invalid")
        return instant
