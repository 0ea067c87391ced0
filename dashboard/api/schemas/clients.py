"""What is a client, to a program?"""

from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load

from ...domain.client_order import Sort
from .fields import COMMON, Body, Choice, InAddress, Inner, Instant, ListOf, Text, Truth, Whole

LARGEST_BATCH = 1_000
EXAMPLE = {
    "phone_number": "+7 (999) 123-45-67",
    "tags": ["vip"],
    "timezone": "Europe/Moscow",
    "attributes": {"name": "Анна"},
}


class OperatorCode(Text):
    """Three digits; taken as a number, too."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Attributes(fields.Dict):
    """Texts by name."""

    default_error_messages = {**COMMON, "invalid": "not_an_object"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(), values=Text(), **kwargs)


class ClientInput(Body):
    """`tag: "x"` is another way to write `tags: ["x"]`."""

    phone_number = Text(
        required=True, metadata={"description": "In any notation", "example": "+7 (999) 123-45-67"}
    )
    operator_code = OperatorCode(
        load_default=None, allow_none=True, metadata={"description": "Taken from the phone if not given"}
    )
    tags = ListOf(Text(), load_default=list, metadata={"example": ["vip"]})
    tag = Text(load_only=True, allow_none=True, metadata={"description": "One tag", "example": "vip"})
    timezone = Text(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "IANA name or offset, like GMT+3; the user's own if not given",
            "example": "Europe/Moscow",
        },
    )
    attributes = Attributes(load_default=dict, metadata={"example": {"name": "Анна"}})
    consent_source = Text(load_default=None, allow_none=True, metadata={"example": "Contract 17"})
    consent_at = Instant(load_default=None, allow_none=True)

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
    id = Whole(metadata={"example": 1})
    owner_id = Whole(metadata={"example": 1})
    phone_number = Text(attribute="phone", metadata={"example": "79991234567"})
    operator_code = Text(metadata={"example": "999"})
    tags = ListOf(Text(), metadata={"example": ["vip"]})
    timezone = Text(metadata={"example": "Europe/Moscow"})
    attributes = Attributes(metadata={"example": {"name": "Анна"}})
    consent_source = Text(allow_none=True)
    consent_at = Instant(allow_none=True)
    stop_listed_at = Instant(allow_none=True, metadata={"description": "Since when the phone is on the stop list"})
    stop_list_source = Text(allow_none=True)
    created_at = Instant()
    updated_at = Instant()


class ClientPage(Body):
    items = ListOf(Inner(Client))
    total = Whole(metadata={"description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"description": "If not, there are more than `total`", "example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class ClientQuery(Body):
    limit = InAddress(load_default=50, metadata={"description": "From 1 to 500"})
    cursor = Text(metadata={"description": "As `next` has it"})
    order = Choice(Sort, load_default=Sort.OLDEST)
    search = Text(metadata={"description": "A phone in any notation, or its beginning or last digits"})
    phone = Text(metadata={"description": "The whole phone in any notation"})
    tag = Text()
    operator_code = Text()
    timezone = Text()
    stop_listed = Truth()


class ClientBatch(Body):
    clients = ListOf(fields.Raw(), required=True, metadata={"description": "1,000 at most", "example": [EXAMPLE]})


class Verdict(Body):
    id = Whole(allow_none=True)
    errors = ListOf(fields.Dict())


class ClientBatchResult(Body):
    created = Whole(metadata={"example": 998})
    failed = Whole(metadata={"example": 2})
    results = ListOf(
        Inner(Verdict), metadata={"description": "One for each client that was sent, in the same order"}
    )
