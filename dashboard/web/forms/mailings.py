"""What is typed for a mailing? Start and end are read on the clock of the zone that the form itself names."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from secrets import token_hex
from typing import Any

from wtforms import BooleanField, HiddenField, SelectMultipleField, TextAreaField
from wtforms.fields.core import Field

from ... import clock, zones
from ...domain.errors import Problem
from ...domain.mailing_drafts import MailingDraft
from ...models import Mailing
from .fields import Form, TrimmedField

# As <input type="datetime-local"> and <input type="time"> send them, seconds only if there are any.
LOCAL_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
WALL_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
# More than the domain allows, so that it can say by how much; what nobody types by hand is cut off.
LONGEST_TEXT = 20_000
MOST_CHOICES = 1_000

LIMITS = ("rate_limit", "rate_unit", "canary_size", "budget_parts")

# A new mailing begins like this: soon, until tomorrow evening, and nobody is woken.
SOON = timedelta(minutes=10)
DAY_OPENS, DAY_CLOSES = time(9), time(21)


class TextField(TextAreaField):  # type: ignore[misc]
    """Lines end as the gateway counts them, with one character."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text.replace("\r\n", "\n").replace("\0", "")[:LONGEST_TEXT]


class ChoicesField(SelectMultipleField):  # type: ignore[misc]
    """Any of many. What was chosen stays on offer, even if the last client who had it is gone."""

    def __init__(self, **bound: Any) -> None:
        super().__init__(choices=[], validate_choice=False, **bound)

    def process_formdata(self, valuelist: list[Any]) -> None:
        values = (str(value).replace("\0", "") for value in valuelist[:MOST_CHOICES])
        self.data = list(dict.fromkeys(value for value in values if value))

    def offer(self, values: list[str]) -> None:
        self.choices = [(value, value) for value in sorted({*values, *(self.data or [])})]


class MailingForm(Form):
    version = HiddenField()
    # Names a form for a new mailing, so that sending it twice makes one.
    form_key = HiddenField()
    # The zone in which the page was drawn: it counts even if the user has chosen another one meanwhile.
    timezone = HiddenField()
    title = TrimmedField()
    text = TextField()
    starts_at = TrimmedField()
    ends_at = TrimmedField()
    window_from = TrimmedField()
    window_to = TrimmedField()
    tags = ChoicesField()
    operator_codes = ChoicesField()
    everybody = BooleanField()

    def draft(self, kept: Mailing | None) -> MailingDraft:
        """Call validate() first: what cannot be read becomes None and an error beside its field."""
        zone = self.zone()
        return MailingDraft(
            title=self.title.data or "",
            text=self.text.data or "",
            starts_at=_instant(self.starts_at, zone, kept.starts_at if kept else None),
            ends_at=_instant(self.ends_at, zone, kept.ends_at if kept else None),
            window_from=_wall_time(self.window_from),
            window_to=_wall_time(self.window_to),
            tags=tuple(self.tags.data or ()),
            operator_codes=tuple(self.operator_codes.data or ()),
            everybody=bool(self.everybody.data),
            # Not in the form, so they stay as they are.
            **{name: getattr(kept, name) for name in LIMITS if kept},
        )

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
    zone = zones.zone(timezone)
    return {
        "version": str(mailing.version),
        "timezone": timezone,
        "title": mailing.title,
        "text": mailing.text,
        "starts_at": _local_text(mailing.starts_at, zone),
        "ends_at": _local_text(mailing.ends_at, zone),
        "window_from": mailing.window_from and _shortest(mailing.window_from.isoformat()),
        "window_to": mailing.window_to and _shortest(mailing.window_to.isoformat()),
        "tags": list(mailing.tags),
        "operator_codes": list(mailing.operator_codes),
        "everybody": mailing.everybody,
    }


def contents_of_new(timezone: str) -> dict[str, Any]:
    """What the form proposes."""
    zone = zones.zone(timezone)
    soon = clock.now() + SOON
    starts_at = soon - timedelta(minutes=soon.minute % 5, seconds=soon.second, microseconds=soon.microsecond)
    evening = datetime.combine(starts_at.astimezone(zone).date() + timedelta(days=1), DAY_CLOSES)
    return {
        "form_key": token_hex(16),
        "timezone": timezone,
        "starts_at": _local_text(starts_at, zone),
        "ends_at": _shortest(evening.isoformat()),
        "window_from": DAY_OPENS.isoformat("minutes"),
        "window_to": DAY_CLOSES.isoformat("minutes"),
    }


def _local_text(instant: datetime, zone: tzinfo) -> str:
    return _shortest(instant.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat())


def _shortest(text: str) -> str:
    """Without seconds, unless there are any."""
    return text.removesuffix(":00") if text.count(":") == 2 else text


def _instant(field: Field, zone: tzinfo, kept: datetime | None) -> datetime | None:
    """Aware UTC. What was not touched stays exactly as it was, be it the second of two equal times."""
    typed = field.data or ""
    if not typed:
        return None
    if kept is not None and typed == _local_text(kept, zone):
        return kept
    try:
        local = datetime.fromisoformat(typed) if LOCAL_TIME.fullmatch(typed) else None
    except ValueError:
        local = None
    if local is None:
        _refuse(field, Problem(field.name, "time_invalid"))
        return None
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        _refuse(field, Problem(field.name, "time_skipped"))
        return None
    return instant


def _wall_time(field: Field) -> time | None:
    typed = field.data or ""
    if not typed:
        return None
    try:
        if WALL_TIME.fullmatch(typed):
            return time.fromisoformat(typed)
    except ValueError:
        pass
    _refuse(field, Problem(field.name, "time_invalid"))
    return None


def _refuse(field: Field, problem: Problem) -> None:
    field.errors = [*field.errors, problem]
