"""How did the last days end? Outcomes by day and status, over all mailings that one may see."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlalchemy import func, select

from .. import clock
from ..database import db, snapshot
from ..models import WAITING, Dimension, HourTally, Mailing, Status, Tally
from . import tallies
from .permissions import Actor, visible

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
        begins = day_begins(days[0], zone)
        sums = _by_hour(actor, begins) if _has_whole_hours(days, zone) else _by_minute(actor, begins)
        found: Counter[tuple[Status, date]] = Counter()
        for at, status, change in sums:
            found[status, at.astimezone(zone).date()] += change
    seen = {status for status, _day in found}
    statuses = [status for status in Status if status in seen and status not in WAITING]
    return Days(days, {status: [found[status, day] for day in days] for status in statuses})


def day_begins(day: date, zone: tzinfo) -> datetime:
    """Aware UTC; where the clock jumps over midnight, after the jump."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _has_whole_hours(days: list[date], zone: tzinfo) -> bool:
    """Almost every zone; in India and Nepal a day begins in the middle of an hour of UTC."""
    return all(day_begins(day, zone).minute == 0 for day in days)


def _by_hour(actor: Actor, since: datetime) -> Sums:
    sums = (
        select(HourTally.hour, HourTally.status, func.sum(HourTally.change))
        .join(Mailing, Mailing.id == HourTally.mailing_id)
        .where(HourTally.hour >= tallies.hour_key(since), visible(Mailing.owner_id, actor))
        .group_by(HourTally.hour, HourTally.status)
    )
    for key, status, change in db.session.execute(sums):
        if change:
            yield tallies.hour_of(key), Status(status), int(change)


def _by_minute(actor: Actor, since: datetime) -> Sums:
    sums = (
        select(Tally.key, Tally.status, func.sum(Tally.change))
        .join(Mailing, Mailing.id == Tally.mailing_id)
        .where(Tally.dimension == Dimension.MINUTE, Tally.key >= tallies.minute_key(since))
        .where(visible(Mailing.owner_id, actor))
        .group_by(Tally.key, Tally.status)
    )
    for key, status, change in db.session.execute(sums):
        if change:
            yield tallies.minute_of(key), Status(status), int(change)
