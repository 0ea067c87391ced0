"""What is sent to decide about unknown outcomes? Which ones, how, and where needed a new end."""

from datetime import datetime

from wtforms import HiddenField

from ... import zones
from ...domain.errors import Invalid, Problem
from .fields import Form, TrimmedField


class DecisionForm(Form):
    # The zone in which the page was drawn: it counts even if the user has chosen another one meanwhile.
    timezone = HiddenField()
    # The page from which somebody came, to which they return.
    back = HiddenField()
    ends_at = TrimmedField()

    def ends_at_read(self) -> datetime | None:
        """Aware, in the form's zone; None if nothing was typed. Raises Invalid for what cannot be read."""
        typed = self.ends_at.data or ""
        if not typed:
            return None
        try:
            local = datetime.fromisoformat(typed)
            zone = zones.zone(zones.normalise(self.timezone.data or ""))
        except (ValueError, zones.ZoneError):
            raise Invalid([Problem("ends_at", "time_invalid")]) from None
        return local.replace(tzinfo=zone)
