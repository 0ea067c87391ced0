"""What is a webhook, to the program that sets it up?"""

from ...domain.webhooks.posting import Ending
from ...models import WEBHOOK_CHOICES, DeliveryState, OffReason, WebhookKind
from .fields import CURSOR, LIMIT, MOMENT, Body, Choice, InAddress, Inner, Instant, ListOf, Text, Truth, Whole

EXAMPLE = {
    "url": "https://crm.example.com/hooks/vestnik",
    "events": ["mailing.finished", "messages.settled"],
    "description": "CRM",
    "is_on": True,
}
_EVENTS = "Any of " + ", ".join(f"`{kind}`" for kind in WEBHOOK_CHOICES)


class WebhookInput(Body):
    url = Text(required=True, metadata={"description": "HTTPS, and not into a private network"})
    events = ListOf(Choice(WebhookKind), required=True, metadata={"description": _EVENTS})
    description = Text(load_default="", metadata={"example": "CRM"})
    is_on = Truth(load_default=True, metadata={"description": "While off, nothing is told"})


class Webhook(Body):
    id = Whole(metadata={"example": 1})
    url = Text(metadata={"example": EXAMPLE["url"]})
    events = ListOf(Choice(WebhookKind), metadata={"example": EXAMPLE["events"]})
    description = Text(metadata={"example": "CRM"})
    is_on = Truth()
    off_reason = Choice(OffReason, allow_none=True, metadata={"description": "Why it is off"})
    off_at = Instant(allow_none=True)
    failing_since = Instant(
        allow_none=True,
        metadata={"description": "Since then no delivery has succeeded; after three days it is off"},
    )
    rotated_at = Instant(allow_none=True, metadata={"description": "For a day after, the old secret signs, too"})
    created_at = Instant(metadata={"example": MOMENT})


class MadeWebhook(Webhook):
    secret = Text(metadata={"description": "Shown this once", "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class Secret(Body):
    secret = Text(metadata={"description": "Shown this once", "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class WebhookPage(Body):
    items = ListOf(Inner(Webhook))
    total = Whole()
    total_is_exact = Truth()
    next = Text(allow_none=True)


class Delivery(Body):
    id = Whole(metadata={"example": 1})
    event_id = Text(attribute="event", metadata={"description": "The `webhook-id`", "example": "msg_1f0c"})
    event = Choice(WebhookKind, attribute="kind", metadata={"example": "mailing.finished"})
    state = Choice(DeliveryState)
    tries = Whole(metadata={"example": 1})
    created_at = Instant(metadata={"example": MOMENT})
    next_try_at = Instant(allow_none=True)
    tried_at = Instant(allow_none=True, metadata={"description": "The last time; so of what follows"})
    duration_ms = Whole(allow_none=True, metadata={"example": 120})
    ending = Choice(Ending, allow_none=True)
    http_status = Whole(allow_none=True, metadata={"example": 200})
    answer = Text(metadata={"description": "Its first 500 characters"})


class DeliveryPage(Body):
    items = ListOf(Inner(Delivery))
    total = Whole()
    total_is_exact = Truth()
    next = Text(allow_none=True)


class DeliveryQuery(Body):
    limit = InAddress(load_default=50, metadata=LIMIT)
    cursor = Text(metadata=CURSOR)
