"""What would this mailing do if it were launched as it stands? For the form as one types, and for programs.

Whom it reaches and how they read it, how many parts it takes and what they cost, zone by zone when, and what a
person should know before pressing the button. The draft may be unfinished: what cannot be told yet is None.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from sqlalchemy import select

from .. import clock
from ..database import db
from ..models import Client, RateUnit, StopListEntry, Tag, TimeBasis, client_tags
from . import audience, forecast_warnings, headcount, limits, mailing_drafts, mailings, parts
from .audience import Audience
from .forecast_warnings import Caution
from .headcount import Headcount
from .limits import Limits
from .mailing_drafts import MailingDraft
from .parts import Counting
from .permissions import Actor
from .personalisation import placeholders, render, without_placeholders
from .plan import Plan, lay_out
from .timing import Timetable, Window

# Whose texts are filled in and measured; the parts of all are estimated from theirs.
MEASURED = 1_000
SAMPLE_SIZE = 5
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Recipient:
    id: int
    phone: str
    timezone: str
    values: Mapping[str, Any]
    is_listed: bool


@dataclass(frozen=True, slots=True)
class SampleClient:
    phone: str
    timezone: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The text as the first recipient will read it."""

    phone: str
    text: str
    parts: int


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`missing` of those counted lack a value. Where nobody has one: a name close to it that some have, or those
    that most have.
    """

    name: str
    missing: int
    is_unknown: bool
    suggestion: str | None
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """`parts` of all who are not left out. `cost` is None while nobody has set a price.

    `measured_on`: the texts of so many were measured and the rest estimated from them; None: it is exact.
    """

    parts: int
    cost: Decimal | None
    currency: str
    measured_on: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`counted.is_whole` is false where there are more; then bill and plan are those of the counted ones alone.

    `counting` is of the text as it is read, `own_counting` of what was typed alone, without values.
    """

    is_chosen: bool
    counted: Headcount
    sample: Sequence[SampleClient]
    reading: Reading | None
    counting: Counting
    own_counting: Counting
    placeholders: Sequence[Placeholder]
    bill: Bill
    plan: Plan | None
    per_second: float
    warnings: Sequence[Caution]

    @property
    def has_rate(self) -> bool:
        return math.isfinite(self.per_second)


def of(draft: MailingDraft, owner_id: int, *, whole: bool = False) -> Forecast:
    """`whole`: count everybody, up to seconds for a million; else at most `headcount.AT_ONCE` are looked at."""
    wanted, text = draft.audience(owner_id), draft.text.strip()
    names = placeholders(text)
    counted = headcount.take(wanted, names, whole=whole)
    recipients = _first(wanted, None if counted.is_whole else headcount.AT_ONCE) if counted.total else []
    readers = _readers(recipients, names)
    bounds, now = limits.current(), clock.database_now(db.session())
    reading = _reading(text, readers)
    bill = _bill(text, names, readers, counted, bounds)
    per_second = _per_second(draft, bounds, bill.parts / max(1, counted.total_ready))
    plan = _plan(draft, counted, per_second, now)
    return Forecast(
        is_chosen=wanted.is_chosen,
        counted=counted,
        sample=_sample(recipients[:SAMPLE_SIZE]),
        reading=reading,
        counting=parts.counting(reading.text if reading else without_placeholders(text)),
        own_counting=parts.counting(without_placeholders(text)),
        placeholders=_placeholders(names, counted, recipients),
        bill=bill,
        plan=plan,
        per_second=per_second,
        warnings=forecast_warnings.of(draft, wanted, counted, bill.parts, plan, bounds, now),
    )


def cautions_of(actor: Actor, mailing_id: int) -> list[Caution]:
    """Before a saved mailing is scheduled or approved; everybody whom it addresses counts. Raises NotFound."""
    mailing = mailings.get(actor, mailing_id)
    found = of(mailing_drafts.of(mailing), mailing.owner_id, whole=True)
    return [each for each in found.warnings if not (mailing.awaits_approval and each.code == "approval_needed")]


def first_reading(draft: MailingDraft, owner_id: int) -> Reading | None:
    """None: the audience is empty, or all of those looked at would be left out."""
    text = draft.text.strip()
    names = placeholders(text)
    return _reading(text, _readers(_first(draft.audience(owner_id)), names))


def _first(wanted: Audience, most: int | None = None) -> list[Recipient]:
    """Of all, or of at most so many who are looked at."""
    is_bounded = most is not None and wanted.has_exclusions
    ids = audience.addressed(wanted) if is_bounded else audience.client_ids(wanted, at_once=True)
    columns = (Client.id, Client.phone, Client.timezone, Client.attributes, StopListEntry.phone.is_not(None))
    query = ids.outerjoin(StopListEntry, StopListEntry.phone == Client.phone).with_only_columns(*columns)
    if is_bounded:
        some = query.add_columns(audience.is_left_out(wanted).label("out")).limit(most).subquery()
        query = select(*list(some.c)[:-1]).where(~some.c.out)
    rows = db.session.execute(query.order_by(query.selected_columns.id).limit(MEASURED))
    return [Recipient(*row) for row in rows]


def _readers(recipients: Sequence[Recipient], names: Sequence[str]) -> list[Recipient]:
    """Whom it really reaches: not on the stop list, and with a value for each placeholder."""
    return [each for each in recipients if not each.is_listed and all(each.values.get(name) for name in names)]


def _sample(recipients: Sequence[Recipient]) -> list[SampleClient]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    bearers = select(client_tags.c.client_id, Tag.name).join(Tag, Tag.id == client_tags.c.tag_id)
    ids = [each.id for each in recipients]
    for client_id, name in db.session.execute(bearers.where(client_tags.c.client_id.in_(ids)).order_by(Tag.name)):
        names[client_id].append(name)
    return [SampleClient(each.phone, each.timezone, tuple(names[each.id])) for each in recipients]


def _reading(text: str, readers: Sequence[Recipient]) -> Reading | None:
    if not text or not readers:
        return None
    read = render(text, _texts(readers[0]))
    return Reading(readers[0].phone, read, parts.count(read))


def _texts(recipient: Recipient) -> dict[str, str]:
    return {name: str(value) for name, value in recipient.values.items()}


def _placeholders(
    names: tuple[str, ...], counted: Headcount, recipients: Sequence[Recipient]
) -> list[Placeholder]:
    known = Counter(name for each in recipients for name, value in each.values.items() if value)
    found = []
    for name in names:
        is_unknown = bool(counted.total) and counted.missing[name] == counted.total
        close = get_close_matches(name.casefold(), known, n=1, cutoff=0.5) if is_unknown else []
        commonest = tuple(each for each, _n in known.most_common(MOST_NAMES)) if is_unknown else ()
        found.append(Placeholder(name, counted.missing[name], is_unknown, next(iter(close), None), commonest))
    return found


def _bill(
    text: str, names: tuple[str, ...], readers: Sequence[Recipient], counted: Headcount, bounds: Limits
) -> Bill:
    ready = counted.total_ready
    if not text:
        total, measured_on = 0, None
    elif not names:
        total, measured_on = parts.count(text) * ready, None
    else:
        measured = sum(parts.count(render(text, _texts(each))) for each in readers)
        is_exact = len(readers) >= ready
        total = measured if is_exact else round(measured / max(1, len(readers)) * ready)
        measured_on = None if is_exact else len(readers)
    price = bounds.price_per_part
    return Bill(total, None if price is None else price * total, bounds.currency, measured_on)


def _per_second(draft: MailingDraft, bounds: Limits, parts_each: float) -> float:
    """Messages, by the stricter of its own rate and the installation's."""
    rates = [(draft.rate_limit, draft.rate_unit), (bounds.rate_limit, bounds.rate_unit)]
    return min(
        (limit / (max(1.0, parts_each) if unit is RateUnit.PARTS else 1.0) for limit, unit in rates if limit),
        default=math.inf,
    )


def _plan(draft: MailingDraft, counted: Headcount, per_second: float, now: datetime) -> Plan | None:
    timetable = timetable_of(draft)
    return None if timetable is None else lay_out(counted.ready, timetable, per_second, now)


def timetable_of(draft: MailingDraft) -> Timetable | None:
    """None while its times are unfinished."""
    by_client = draft.time_basis is TimeBasis.CLIENT
    starts, ends = (draft.starts_wall, draft.ends_wall) if by_client else (draft.starts_at, draft.ends_at)
    has_half_window = (draft.window_from is None) != (draft.window_to is None)
    if starts is None or ends is None or ends <= starts or has_half_window:
        return None
    window = None
    if draft.window_from is not None and draft.window_to is not None and draft.window_from != draft.window_to:
        window = Window(draft.window_from, draft.window_to)
    return Timetable(starts, ends, window)
