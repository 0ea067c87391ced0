"""What is typed for a mailing? Start and end are read on the clock of the zone that the form itself names."""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo
from secrets import token_hex
from typing import Any

from wtforms import BooleanField, HiddenField

from ... import clock, zones
from ...domain.mailing_drafts import MailingDraft
from ...models import Mailing, RateUnit, TimeBasis
from .fields import Form, TrimmedField
from .mailing_fields import (
    ChoicesField,
    OneOfField,
    TextField,
    instant,
    local_text,
    shortest,
    wall,
    wall_time,
    whole_number,
)

# A new mailing begins like this: soon, until tomorrow evening, and nobody is woken.
SOON = timedelta(minutes=10)
DAY_OPENS, DAY_CLOSES = time(9), time(21)
# The domain's names of what stands in one field, by whichever clock it is read.
FIELD_OF = {"starts_wall": "starts_at", "ends_wall": "ends_at"}


class MailingForm(Form):
    version = HiddenField()
    # Names a form for a new mailing, so that sending it twice makes one.
    form_key = HiddenField()
    # The zone in which the page was drawn: it counts even if the user has chosen another one meanwhile.
    timezone = HiddenField()
    title = TrimmedField()
    text = TextField()
    time_basis = OneOfField()
    starts_at = TrimmedField()
    ends_at = TrimmedField()
    window_from = TrimmedField()
    window_to = TrimmedField()
    tags = ChoicesField()
    operator_codes = ChoicesField()
    everybody = BooleanField()
    excluded_tags = ChoicesField()
    excluded_mailing_id = OneOfField()
    rate_limit = TrimmedField()
    rate_unit = OneOfField()
    canary_size = TrimmedField()
    budget_parts = TrimmedField()

    def draft(self, kept: Mailing | None) -> MailingDraft:
        """Call validate() first: what cannot be read becomes None and an error beside its field."""
        return MailingDraft(
            title=self.title.data or "",
            text=self.text.data or "",
            **self._times(kept),
            window_from=wall_time(self.window_from),
            window_to=wall_time(self.window_to),
            tags=tuple(self.tags.data or ()),
            operator_codes=tuple(self.operator_codes.data or ()),
            everybody=bool(self.everybody.data),
            excluded_tags=tuple(self.excluded_tags.data or ()),
            excluded_mailing_id=self._excluded_mailing_id(),
            rate_limit=whole_number(self.rate_limit),
            rate_unit=RateUnit.PARTS if self.rate_unit.data == RateUnit.PARTS else RateUnit.MESSAGES,
            canary_size=whole_number(self.canary_size),
            budget_parts=whole_number(self.budget_parts),
        )

    def _times(self, kept: Mailing | None) -> dict[str, Any]:
        if self.time_basis.data == TimeBasis.CLIENT:
            walls = {"starts_wall": wall(self.starts_at), "ends_wall": wall(self.ends_at)}
            return {"time_basis": TimeBasis.CLIENT, "starts_at": None, "ends_at": None, **walls}
        zone = self.zone()
        is_same = kept is not None and kept.time_basis is TimeBasis.INSTANT
        return {
            "starts_at": instant(self.starts_at, zone, kept.starts_at if kept and is_same else None),
            "ends_at": instant(self.ends_at, zone, kept.ends_at if kept and is_same else None),
        }

    def _excluded_mailing_id(self) -> int | None:
        """0, which no mailing has, if somebody has meddled with it."""
        typed = self.excluded_mailing_id.data or ""
        return None if not typed else int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) else 0

    def zone(self) -> tzinfo:
        """A name that somebody has meddled with is none: UTC, as the page will then say."""
        try:
            self.timezone.data = zones.normalise(self.timezone.data or "")
        except zones.ZoneError:
            self.timezone.data = "UTC"
        return zones.zone(self.timezone.data)

    def form_key_read(self) -> str | None:
        key = self.form_key.data or ""
        return key if re.fullmatch(r"[0-9a-f]{32}", key) else None

    def version_read(self) -> int:
        """Which version the page showed; 0, which no mailing has, if that cannot be told."""
        text = self.version.data or ""
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def contents_of(mailing: Mailing, timezone: str) -> dict[str, Any]:
    """What the form shows of a mailing that exists."""
    return {
        "version": str(mailing.version),
        "timezone": timezone,
        "title": mailing.title,
        "text": mailing.text,
        **_times_of(mailing, zones.zone(timezone)),
        "window_from": mailing.window_from and shortest(mailing.window_from.isoformat()),
        "window_to": mailing.window_to and shortest(mailing.window_to.isoformat()),
        "tags": list(mailing.tags),
        "operator_codes": list(mailing.operator_codes),
        "everybody": mailing.everybody,
        "excluded_tags": list(mailing.excluded_tags),
        "excluded_mailing_id": _number_text(mailing.excluded_mailing_id),
        "rate_limit": _number_text(mailing.rate_limit),
        "rate_unit": mailing.rate_unit.value,
        "canary_size": _number_text(mailing.canary_size),
        "budget_parts": _number_text(mailing.budget_parts),
    }


def _times_of(mailing: Mailing, zone: tzinfo) -> dict[str, str]:
    if mailing.starts_wall is not None and mailing.ends_wall is not None:
        starts, ends = (shortest(at.isoformat()) for at in (mailing.starts_wall, mailing.ends_wall))
    else:
        starts, ends = local_text(mailing.starts_at, zone), local_text(mailing.ends_at, zone)
    return {"time_basis": mailing.time_basis.value, "starts_at": starts, "ends_at": ends}


def _number_text(number: int | None) -> str:
    return "" if number is None else str(number)


def contents_of_new(timezone: str) -> dict[str, Any]:
    """What the form proposes."""
    zone = zones.zone(timezone)
    soon = clock.now() + SOON
    starts_at = soon - timedelta(minutes=soon.minute % 5, seconds=soon.second, microseconds=soon.microsecond)
    evening = datetime.combine(starts_at.astimezone(zone).date() + timedelta(days=1), DAY_CLOSES)
    return {
        "form_key": token_hex(16),
        "timezone": timezone,
        "time_basis": TimeBasis.INSTANT.value,
        "starts_at": local_text(starts_at, zone),
        "ends_at": shortest(evening.isoformat()),
        "window_from": DAY_OPENS.isoformat("minutes"),
        "window_to": DAY_CLOSES.isoformat("minutes"),
        "rate_unit": RateUnit.MESSAGES.value,
    }


def contents_of_unsaved(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """What was typed, as the browser sent it, however unfinished."""
    many = {"tags", "operator_codes", "excluded_tags"}
    contents: dict[str, Any] = {name: list(fields.get(name, [])) for name in many}
    contents |= {name: values[0] for name, values in fields.items() if name not in many and values}
    return contents | {"everybody": "everybody" in fields}
