"""How did the last days end? Outcomes by day and status, over all mailings that one may see."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain

from sqlalchemy import func, select

from .. import clock
from ..database import db, snapshot
from ..models import WAITING, Dimension, HourTally, Mailing, Status, Tally
from . import tallies
from .permissions import Actor, visible
from .statistics import Counts

DAYS = 30

Sums = Iterator[tuple[datetime, Status, int]]


@dataclass(frozen=True, slots=True)
class Days:
    """`series[status][i]` belongs to `days[i]`, a day of the asker's zone; the last one is today.

    Only statuses that occurred, in the order of the ledger.
    """

    days: list[date]
    series: dict[Status, list[int]]


def last_days(actor: Actor, zone: tzinfo, count: int = DAYS) -> Days:
    """From kept counts: a few dozen rows a mailing, however large it was."""
    with snapshot() as session:
        today = clock.database_now(session).astimezone(zone).date()
        days = [today - timedelta(days=back) for back in reversed(range(count))]
        found = _outcomes(actor, days, zone)
    seen = {status for status, _day in found}
    statuses = [status for status in Status if status in seen]
    return Days(days, {status: [found[status, day] for day in days] for status in statuses})


def today(actor: Actor, now: datetime, zone: tzinfo) -> Counts:
    """Outcomes of the day that it is in this zone, zeros included. Joins the reader's snapshot."""
    day = now.astimezone(zone).date()
    found = _outcomes(actor, [day], zone)
    return {status: found[status, day] for status in Status if status not in WAITING}


def _outcomes(actor: Actor, days: list[date], zone: tzinfo) -> Counter[tuple[Status, date]]:
    """From the first of these days on: of whole hours by the hour, of others by the minute."""
    begins = [day_begins(day, zone) for day in days]
    # Almost nowhere any; in India and Nepal a day begins in the middle of an hour of UTC.
    split = [tallies.hour_key(at) for at in begins if at.minute]
    sums = _by_hour(actor, begins[0], split)
    if split:
        sums = chain(sums, _by_minute(actor, begins[0], split))
    found: Counter[tuple[Status, date]] = Counter()
    for at, status, change in sums:
        if status not in WAITING:
            found[status, at.astimezone(zone).date()] += change
    return found


def day_begins(day: date, zone: tzinfo) -> datetime:
    """Aware UTC; where the clock jumps over midnight, after the jump."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _by_hour(actor: Actor, since: datetime, split: list[str]) -> Sums:
    """Of whole hours, without those that belong to two days."""
    sums = (
        select(HourTally.hour, HourTally.status, func.sum(HourTally.change))
        .join(Mailing, Mailing.id == HourTally.mailing_id)
        .where(HourTally.hour >= tallies.hour_key(since), HourTally.hour.not_in(split))
        .where(visible(Mailing.owner_id, actor))
        .group_by(HourTally.hour, HourTally.status)
    )
    for key, status, change in db.session.execute(sums):
        if change:
            yield tallies.hour_of(key), Status(status), int(change)


def _by_minute(actor: Actor, since: datetime, split: list[str]) -> Sums:
    """Of the hours that belong to two days, for the few mailings that had outcomes in them."""
    some = select(HourTally.hour, HourTally.mailing_id).where(HourTally.hour.in_(split)).distinct().subquery()
    sums = (
        select(Tally.key, Tally.status, func.sum(Tally.change))
        .join(Mailing, Mailing.id == Tally.mailing_id)
        .join(some, some.c.mailing_id == Tally.mailing_id)
        .where(Tally.dimension == Dimension.MINUTE, Tally.key.between(some.c.hour + ":00", some.c.hour + ":59"))
        .where(Tally.key >= tallies.minute_key(since), visible(Mailing.owner_id, actor))
        .group_by(Tally.key, Tally.status)
    )
    for key, status, change in db.session.execute(sums):
        if change:
            yield tallies.minute_of(key), Status(status), int(change)
