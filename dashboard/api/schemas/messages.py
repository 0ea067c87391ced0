"""What is a message, to a program?"""

from ...domain.mailing_drafts import LONGEST_TEXT
from ...domain.pages import Order
from ...domain.unknown_outcomes import Decision
from ...models import Status
from .fields import (
    COUNT,
    CURSOR,
    LIMIT,
    MOMENT,
    NUMBER,
    SETTLED,
    STARTED,
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

# One that waits, and where it has been given another text.
QUEUED = {"status": "queued", "tries": 0, "settled_at": None, "attempts": []}
CHANGED = {"text": "Dear Anna, the sale ends today."}


class Attempt(Body):
    at = Instant(metadata={"example": SETTLED})
    verdict = Text(metadata={"example": "accepted"})
    reason = Text(metadata={"example": "ok"})
    http_status = Whole(allow_none=True, metadata={"example": 200})
    code = Whole(allow_none=True, metadata={"example": 0})
    excerpt = Text(
        metadata={
            "description": "How the gateway's answer begins",
            "example": '{"code": 0, "message": "OK"}',
        }
    )
    duration_ms = Whole(allow_none=True, metadata={"example": 48})


class MessageRow(Body):
    id = Whole(metadata={"description": "The msgId that the gateway is told", "example": 70001})
    mailing_id = Whole(metadata={**NUMBER, "example": 7})
    client_id = Whole(allow_none=True, metadata={**NUMBER, "example": 1})
    phone_number = Text(attribute="phone", metadata={"example": "79991234567"})
    operator_code = Text(metadata={"example": "999"})
    timezone = Text(metadata={"example": "Europe/Moscow"})
    status = Choice(Status, metadata={"example": "sent"})
    reason = Text(allow_none=True, metadata={"description": "Why it has failed, was skipped, …"})
    tries = Whole(metadata={**COUNT, "example": 1})
    created_at = Instant(metadata={"example": STARTED})
    send_after = Instant(allow_none=True, metadata={"description": "It waits by itself, and not before"})
    settled_at = Instant(allow_none=True, metadata={"example": SETTLED})


class Message(MessageRow):
    text = Text(
        allow_none=True,
        metadata={
            "description": "As it was sent, or will be",
            "example": "Dear Anna, everything is cheaper until Sunday.",
        },
    )
    has_own_text = Truth(metadata={"description": "Not its mailing's", "example": False})
    attempts = ListOf(Inner(Attempt))


class MessagePage(Body):
    items = ListOf(Inner(MessageRow))
    total = Whole(
        allow_none=True, metadata={**COUNT, "description": "Where it is known without counting", "example": 1}
    )
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "A short or empty page may have one, too"})


class OfMailing(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
    status = Choice(Status, metadata={"description": "Which have this status"})
    reason = Text(metadata={"description": "Why they have it", "example": "timeout"})
    operator_code = Text(metadata={"description": "Digits 2 to 4 of the phone", "example": "999"})
    timezone = Text(metadata={"description": "As it was when the message was made", "example": "Europe/Moscow"})
    phone = Text(metadata={"description": "In any notation, its beginning, or some digits of it"})
    since = Instant(metadata={"description": "Settled then or later", "example": MOMENT})
    until = Instant(metadata={"description": "Settled before", "example": MOMENT})


class MessageQuery(OfMailing):
    order = Choice(
        Order,
        load_default=Order.NEWEST,
        metadata={"description": "Which mailings come first; the messages of one go by phone"},
    )
    mailing_id = NumberInAddress(metadata={**NUMBER, "description": "Of this mailing", "example": 7})
    client_id = NumberInAddress(metadata={**NUMBER, "description": "To this client", "example": 1})


class NewMessage(Body):
    mailing_id = Whole(required=True, metadata={**NUMBER, "example": 7})
    client_id = Whole(required=True, metadata={**NUMBER, "example": 1})


class MessageChange(Body):
    text = Text(metadata={"description": "While it is queued", "minLength": 1, "maxLength": LONGEST_TEXT})
    resolve = Choice(Decision, metadata={"description": "An unknown outcome: take it for sent, or resend"})
    end_at = Instant(load_default=None, allow_none=True, metadata={"description": "If the end is over"})


class OfStatus(Body):
    status = Choice(Status, metadata={"description": "Which have this status"})
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
