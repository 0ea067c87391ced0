"""Which global stop does somebody want to take back?"""

from datetime import UTC, datetime

from .fields import Form, TrimmedField

# No stop began then: whoever says nothing that can be read has seen none.
NEVER = datetime.min.replace(tzinfo=UTC)


class GoOnForm(Form):
    stop = TrimmedField()

    def seen(self) -> datetime:
        """When the stop began that stood on the page."""
        try:
            return datetime.fromisoformat(self.stop.data or "").astimezone(UTC)
        except (ValueError, OverflowError):
            return NEVER
