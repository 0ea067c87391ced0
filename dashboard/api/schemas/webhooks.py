"""What is a webhook, to the program that sets it up?"""

from ...domain.webhooks import endpoints
from ...domain.webhooks.posting import Ending
from ...models import WEBHOOK_CHOICES, DeliveryState, OffReason, WebhookKind
from .fields import (
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
    Whole,
)

EXAMPLE = {
    "url": "https://crm.example.com/hooks/vestnik",
    "events": ["mailing.finished", "messages.settled"],
    "description": "CRM",
    "is_on": True,
}
OFF = {"is_on": False, "off_reason": "person", "off_at": MOMENT}
# In what an answer differs where it is told anew, or for the first time.
AGAIN = {"state": "waiting", "tries": 0, "next_try_at": MOMENT}
NOT_TRIED = dict.fromkeys(("tried_at", "duration_ms", "ending", "http_status")) | {"answer": ""}
_EVENTS = "Any of " + ", ".join(f"`{kind}`" for kind in WEBHOOK_CHOICES)


class WebhookInput(Body):
    url = Text(
        required=True,
        metadata={"description": "HTTPS, and not into a private network", "example": EXAMPLE["url"]},
    )
    events = ListOf(
        Choice(WebhookKind), required=True, metadata={"description": _EVENTS, "example": EXAMPLE["events"]}
    )
    description = Text(load_default="", metadata={"maxLength": endpoints.LONGEST_DESCRIPTION, "example": "CRM"})
    is_on = Truth(load_default=True, metadata={"description": "While off, nothing is told", "example": True})


class Webhook(Body):
    id = Whole(metadata={**NUMBER, "example": 1})
    url = Text(metadata={"example": EXAMPLE["url"]})
    events = ListOf(Choice(WebhookKind), metadata={"example": EXAMPLE["events"]})
    description = Text(metadata={"example": "CRM"})
    is_on = Truth(metadata={"example": True})
    off_reason = Choice(OffReason, allow_none=True, metadata={"description": "Why it is off", "example": None})
    off_at = Instant(allow_none=True, metadata={"example": None})
    failing_since = Instant(
        allow_none=True,
        metadata={"description": "Since then no delivery has succeeded; after three days it is off"},
    )
    rotated_at = Instant(
        allow_none=True, metadata={"description": "For a day after, the old secret signs, too", "example": None}
    )
    created_at = Instant(metadata={"example": MOMENT})


class MadeWebhook(Webhook):
    secret = Text(metadata={"description": "Shown this once", "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class Secret(Body):
    secret = Text(metadata={"description": "Shown this once", "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class WebhookPage(Body):
    items = ListOf(Inner(Webhook))
    total = Whole(metadata={**COUNT, "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page", "example": None})


class Delivery(Body):
    id = Whole(metadata={"example": 1})
    event_id = Text(attribute="event", metadata={"description": "The `webhook-id`", "example": "msg_1f0c"})
    event = Choice(WebhookKind, attribute="kind", metadata={"example": "mailing.finished"})
    state = Choice(DeliveryState, metadata={"example": "delivered"})
    tries = Whole(metadata={**COUNT, "example": 1})
    created_at = Instant(metadata={"example": MOMENT})
    next_try_at = Instant(allow_none=True, metadata={"example": None})
    tried_at = Instant(
        allow_none=True, metadata={"description": "The last time; so of what follows", "example": MOMENT}
    )
    duration_ms = Whole(allow_none=True, metadata={"example": 120})
    ending = Choice(Ending, allow_none=True, metadata={"example": "ok"})
    http_status = Whole(allow_none=True, metadata={"example": 200})
    answer = Text(metadata={"description": "Its first 500 characters", "example": "thanks"})


class DeliveryPage(Body):
    items = ListOf(Inner(Delivery))
    total = Whole(metadata={**COUNT, "example": 1})
    total_is_exact = Truth(metadata={"example": True})
    next = Text(allow_none=True, metadata={"description": "The address of the next page", "example": None})


class DeliveryQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
