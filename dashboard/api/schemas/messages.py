"""What is a message, to a program?"""

from ...domain.unknown_outcomes import Decision
from ...models import Status
from .fields import Body, Choice, InAddress, Inner, Instant, ListOf, Text, Truth, Whole


class Attempt(Body):
    at = Instant()
    verdict = Text(metadata={"example": "accepted"})
    reason = Text(metadata={"example": "ok"})
    http_status = Whole(allow_none=True, metadata={"example": 200})
    code = Whole(allow_none=True, metadata={"example": 0})
    excerpt = Text(metadata={"description": "The beginning of the gateway's answer"})
    duration_ms = Whole(allow_none=True, metadata={"example": 48})


class MessageRow(Body):
    id = Whole(metadata={"description": "The msgId that the gateway is told", "example": 70001})
    mailing_id = Whole(metadata={"example": 7})
    client_id = Whole(allow_none=True, metadata={"example": 1})
    phone_number = Text(attribute="phone", metadata={"example": "79991234567"})
    operator_code = Text(metadata={"example": "999"})
    timezone = Text(metadata={"example": "Europe/Moscow"})
    status = Choice(Status)
    reason = Text(allow_none=True, metadata={"example": "timeout"})
    tries = Whole(metadata={"example": 1})
    created_at = Instant()
    send_after = Instant(allow_none=True, metadata={"description": "It waits by itself, and not before"})
    settled_at = Instant(allow_none=True)


class Message(MessageRow):
    text = Text(allow_none=True, metadata={"description": "As it was sent, or will be"})
    has_own_text = Truth()
    attempts = ListOf(Inner(Attempt))


class MessagePage(Body):
    items = ListOf(Inner(MessageRow))
    total = Whole(allow_none=True, metadata={"description": "Where it is known without counting"})
    total_is_exact = Truth()
    next = Text(allow_none=True, metadata={"description": "A short or empty page may have one, too"})


class OfMailing(Body):
    limit = InAddress(load_default=50, metadata={"description": "From 1 to 500"})
    cursor = Text()
    status = Choice(Status)
    reason = Text()
    operator_code = Text()
    timezone = Text()
    phone = Text(metadata={"description": "In any notation, its beginning, or some digits of it"})
    since = Instant(metadata={"description": "Settled then or later"})
    until = Instant(metadata={"description": "Settled before"})


class MessageQuery(OfMailing):
    mailing_id = InAddress()
    client_id = InAddress()


class NewMessage(Body):
    mailing_id = Whole(required=True, metadata={"example": 7})
    client_id = Whole(required=True, metadata={"example": 1})


class MessageChange(Body):
    text = Text(metadata={"description": "While it is queued"})
    resolve = Choice(Decision, metadata={"description": "An unknown outcome: take it for sent, or resend"})
    end_at = Instant(load_default=None, allow_none=True, metadata={"description": "If the end is over"})


class OfStatus(Body):
    status = Choice(Status)
    limit = InAddress(load_default=50)
    cursor = Text()
