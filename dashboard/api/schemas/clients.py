"""What is a client, to a program?"""

from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load

from ... import phone, zones
from ...domain import client_rules as rules
from ...domain.client_order import Sort
from .fields import (
    COMMON,
    COUNT,
    CURSOR,
    LIMIT,
    MOMENT,
    NUMBER,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    Text,
    Truth,
    TruthInAddress,
    Whole,
)

LARGEST_BATCH = 1_000
EXAMPLE = {
    "phone_number": "+7 (999) 123-45-67",
    "tags": ["vip"],
    "timezone": "Europe/Moscow",
    "attributes": {"name": "Анна"},
}
# Of an answer to it.
WITHOUT_CONSENT = {"consent_source": None, "consent_at": None}
EXAMPLE_OF_VERDICTS = {
    "created": 1,
    "failed": 1,
    "results": [
        {"id": 1, "errors": []},
        {
            "id": None,
            "errors": [
                {
                    "field": "phone_number",
                    "code": "phone_invalid",
                    "detail": "This is no phone number",
                }
            ],
        },
    ],
}

TAG = {"minLength": 1, "maxLength": rules.TAG_LENGTH}


class OperatorCode(Text):
    """Three digits; taken as a number, too."""

    described = {"type": ["string", "integer"], "pattern": "^[0-9]{3}$", "minimum": 100, "maximum": 999}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Attributes(fields.Dict):
    """Texts by name."""

    default_error_messages = {**COMMON, "invalid": "not_an_object"}

    def __init__(self, **kwargs: Any) -> None:
        values = Text(metadata={"maxLength": rules.ATTRIBUTE_LENGTH})
        kwargs["metadata"] = {"maxProperties": rules.ATTRIBUTES_PER_CLIENT} | kwargs.get("metadata", {})
        super().__init__(keys=Text(), values=values, **kwargs)


class ClientInput(Body):
    """`tag: "x"` is another way to write `tags: ["x"]`."""

    phone_number = Text(
        required=True,
        metadata={
            "description": "In any notation",
            "minLength": 1,
            "maxLength": phone.LONGEST_INPUT,
            "example": EXAMPLE["phone_number"],
        },
    )
    operator_code = OperatorCode(
        load_default=None, allow_none=True, metadata={"description": "Taken from the phone if not given"}
    )
    tags = ListOf(
        Text(metadata=TAG),
        load_default=list,
        metadata={"maxItems": rules.TAGS_PER_CLIENT, "example": ["vip"]},
    )
    tag = Text(
        load_only=True,
        allow_none=True,
        metadata={"description": "One tag, instead of `tags`", **TAG, "example": "vip"},
    )
    timezone = Text(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "IANA name or offset, like GMT+3; the user's own if not given",
            "maxLength": zones.LONGEST_INPUT,
            "example": "Europe/Moscow",
        },
    )
    attributes = Attributes(load_default=dict, metadata={"example": {"name": "Анна"}})
    consent_source = Text(
        load_default=None,
        allow_none=True,
        metadata={"maxLength": rules.CONSENT_SOURCE_LENGTH, "example": "Contract 17"},
    )
    consent_at = Instant(load_default=None, allow_none=True, metadata={"example": "2026-01-15T09:30:00+03:00"})

    @pre_load
    def _one_tag(self, data: Any, **_more: Any) -> Any:
        if isinstance(data, dict) and "tag" in data and "tags" in data:
            raise ValidationError("tag_and_tags", "tag")
        return data

    @post_load
    def _as_list(self, data: dict[str, Any], **_more: Any) -> dict[str, Any]:
        if "tag" in data:
            tag = data.pop("tag")
            data["tags"] = [] if tag is None else [tag]
        return data


class Client(Body):
    id = Whole(metadata={**NUMBER, "example": 1})
    owner_id = Whole(metadata={**NUMBER, "description": "The user who added it", "example": 1})
    phone_number = Text(attribute="phone", metadata={"pattern": "^7[0-9]{10}$", "example": "79991234567"})
    operator_code = Text(metadata={"pattern": "^[0-9]{3}$", "example": "999"})
    tags = ListOf(Text(), metadata={"example": ["vip"]})
    timezone = Text(metadata={"example": "Europe/Moscow"})
    attributes = Attributes(metadata={"example": {"name": "Анна"}})
    consent_source = Text(allow_none=True, metadata={"example": "Contract 17"})
    consent_at = Instant(allow_none=True, metadata={"example": "2026-01-15T06:30:00+00:00"})
    stop_listed_at = Instant(allow_none=True, metadata={"description": "Since when the phone is on the stop list"})
    stop_list_source = Text(allow_none=True)
    created_at = Instant(metadata={"example": MOMENT})
    updated_at = Instant(metadata={"example": MOMENT})


class ClientPage(Body):
    items = ListOf(Inner(Client))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"description": "If not, there are more than `total`", "example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class ClientQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    order = Choice(Sort, load_default=Sort.OLDEST, metadata={"description": "In which order"})
    search = Text(metadata={"description": "A phone in any notation, or its beginning or last digits"})
    phone = Text(metadata={"description": "The whole phone in any notation; not together with `search`"})
    tag = Text(metadata={"description": "Who bear this tag", "example": "vip"})
    operator_code = Text(metadata={"description": "Digits 2 to 4 of the phone", "example": "999"})
    timezone = Text(metadata={"description": "An IANA name or an offset", "example": "Europe/Moscow"})
    stop_listed = TruthInAddress(metadata={"description": "Whose phone is on the stop list, or is not"})


class Row(fields.Raw):
    """Whatever it is, the batch is taken, and the row's own verdict says what is wrong with it."""

    described = {"anyOf": [{"$ref": "#/components/schemas/ClientInput"}, {}]}


class ClientBatch(Body):
    clients = ListOf(
        Row(allow_none=True),
        required=True,
        metadata={
            "description": "Each as it is added by itself; what is not so is told in its verdict",
            "minItems": 1,
            "maxItems": LARGEST_BATCH,
            "example": [EXAMPLE, {"phone_number": "12345"}],
        },
    )


class FieldFault(Body):
    """What is wrong with one field."""

    field = Text(metadata={"description": "A path into what was sent", "example": "phone_number"})
    code = Text(metadata={"description": "For programs", "example": "phone_invalid"})
    detail = Text(metadata={"description": "For people", "example": "This is no phone number"})


class Verdict(Body):
    id = Whole(allow_none=True, metadata={**NUMBER, "description": "null: it was not added", "example": 1})
    errors = ListOf(Inner(FieldFault), metadata={"example": []})


class ClientBatchResult(Body):
    created = Whole(metadata={**COUNT, "example": 1})
    failed = Whole(metadata={**COUNT, "example": 0})
    results = ListOf(
        Inner(Verdict), metadata={"description": "One for each client that was sent, in the same order"}
    )
