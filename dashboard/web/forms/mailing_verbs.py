"""What is typed for a mailing that is under way or over? Its limits, and what is to be sent again until when."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from wtforms import HiddenField

from ... import clock, zones
from ...domain.errors import Problem
from ...models import Mailing, RateUnit, TimeBasis
from .fields import Form, TrimmedField
from .mailing_fields import ChoicesField, OneOfField, instant, local_text, refuse, shortest, wall, whole_number


class LimitsForm(Form):
    rate_limit = TrimmedField()
    rate_unit = OneOfField()
    budget_parts = TrimmedField()

    def numbers(self) -> tuple[int | None, RateUnit, int | None]:
        """What cannot be read becomes None and an error beside its field."""
        unit = RateUnit(self.rate_unit.data) if self.rate_unit.data in list(RateUnit) else RateUnit.MESSAGES
        return whole_number(self.rate_limit), unit, whole_number(self.budget_parts)


class ResendForm(Form):
    reasons = ChoicesField()
    ends_at = TrimmedField()
    # The zone in which the page was drawn, where the end is not the clients' own.
    timezone = HiddenField()

    def end(self, mailing: Mailing) -> datetime | None:
        """Aware, or naive for a mailing by the clients' clocks; None: as it is."""
        if mailing.time_basis is TimeBasis.CLIENT:
            return wall(self.ends_at)
        return instant(self.ends_at, _zone(self.timezone.data or ""), mailing.ends_at)

    def chosen(self) -> list[str]:
        if not self.reasons.data:
            refuse(self.reasons, Problem("reasons", "reasons_unchosen"))
        return list(self.reasons.data or [])


def limits_of(mailing: Mailing) -> dict[str, Any]:
    return {
        "rate_limit": str(mailing.rate_limit or ""),
        "rate_unit": mailing.rate_unit.value,
        "budget_parts": str(mailing.budget_parts or ""),
    }


def resend_of(mailing: Mailing, timezone: str, reasons: list[str]) -> dict[str, Any]:
    """Its own end while that lies ahead; else tomorrow at the same hour."""
    now = clock.now()
    days = max(0, (now - mailing.ends_at).days + 1) if mailing.ends_at <= now else 0
    days += 1 if days else 0
    later = timedelta(days=days)
    if mailing.ends_wall is not None:
        text = shortest((mailing.ends_wall + later).replace(microsecond=0).isoformat())
    else:
        text = local_text(mailing.ends_at + later, _zone(timezone))
    return {"reasons": reasons, "ends_at": text, "timezone": timezone}


def _zone(name: str) -> tzinfo:
    """A name that somebody has meddled with is none: UTC."""
    try:
        return zones.zone(zones.normalise(name))
    except zones.ZoneError:
        return zones.zone("UTC")
