"""What does a line of the audit log say, and by what are lines found?"""

from marshmallow import fields

from ...domain.audit import Thing
from ...origin import Via
from .fields import (
    COUNT,
    CURSOR,
    LIMIT,
    MOMENT,
    Body,
    Choice,
    InAddress,
    Inner,
    Instant,
    ListOf,
    NumberInAddress,
    Text,
    Truth,
    Whole,
)

SAID = {"description": "What differs, by name; null where there was or is nothing", "type": "object"}


class Line(Body):
    id = Whole(metadata={"example": 1207})
    at = Instant(metadata={"example": MOMENT})
    actor_id = Whole(allow_none=True, metadata={"description": "null: nobody had signed in", "example": 7})
    actor_name = Text(allow_none=True, metadata={"description": "As it was then", "example": "ann"})
    via = Choice(Via, metadata={"example": "api"})
    token_id = Whole(allow_none=True, metadata={"example": 3})
    ip = Text(allow_none=True, metadata={"example": "192.0.2.7"})
    request_id = Text(allow_none=True, metadata={"description": "X-Request-ID", "example": "4f1d0c9a2b7e"})
    verb = Text(metadata={"example": "mailing.pause"})
    object_type = Text(metadata={"example": "mailing"})
    object_id = Whole(allow_none=True, metadata={"example": 12})
    before = fields.Raw(allow_none=True, metadata={**SAID, "example": None})
    after = fields.Raw(allow_none=True, metadata={**SAID, "example": {"reason": "operator"}})


class LinePage(Body):
    items = ListOf(Inner(Line))
    total = Whole(metadata={**COUNT, "description": "Counted up to a bound", "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page"})


class Query(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    actor_id = NumberInAddress(metadata={"description": "Of whom"})
    object_type = Choice(Thing, metadata={"description": "To what kind of thing", "example": "mailing"})
    object_id = InAddress(metadata={"description": "To which one; of the stop list its phone"})
    verb = Text(metadata={"description": "What was done", "example": "mailing.pause"})
    since = Instant(metadata={"description": "Not before"})
    until = Instant(metadata={"description": "Before"})
