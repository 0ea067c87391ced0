"""What holds all mailings back at once?"""

from ...models import StopReason
from .fields import MOMENT, Body, Choice, Instant, Text


class Sending(Body):
    """Null where nothing holds."""

    stopped_at = Instant(
        allow_none=True, metadata={"description": "Since when everything is stopped", "example": MOMENT}
    )
    stopped_by = Text(
        allow_none=True, metadata={"description": "The user who has stopped everything", "example": None}
    )
    stop_reason = Choice(
        StopReason,
        allow_none=True,
        metadata={
            "description": "Why the service itself has stopped everything: it had not been at work for long while"
            " messages waited (asleep), or its database came from a backup (restored)",
            "example": "restored",
        },
    )
    known_until = Instant(
        allow_none=True,
        metadata={
            "description": "After a sleep or a restore: what has left since then is not known here",
            "example": MOMENT,
        },
    )
    breaker_opened_at = Instant(
        allow_none=True, metadata={"description": "Since when the gateway takes no messages", "example": None}
    )
    breaker_reason = Text(allow_none=True, metadata={"description": "What it answered", "example": None})
    probe_at = Instant(
        allow_none=True,
        metadata={"description": "Before then no message tries whether it takes them again", "example": None},
    )
