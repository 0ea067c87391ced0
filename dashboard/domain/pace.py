"""How fast does a running mailing go, and when will it be done?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from ..database import db
from ..models import Dimension, Mailing, Status, Tally
from . import estimates, statistics, tallies
from .statistics import Series

ONE_MINUTE = timedelta(minutes=1)
# A rate over less than this says nothing.
SHORTEST_SPAN = timedelta(seconds=5)
# What a call to the gateway ends in; what was skipped or has expired never cost any time.
CALLED = (Status.SENT, Status.FAILED, Status.UNKNOWN)


def rates(mailings: Sequence[Mailing], now: datetime) -> dict[int, int | None]:
    """Messages a minute over the last whole minutes and the present one; None where it is too early to tell."""
    since = _since(now)
    sums = (
        select(Tally.mailing_id, func.sum(Tally.change))
        .where(Tally.mailing_id.in_([mailing.id for mailing in mailings]))
        .where(Tally.dimension == Dimension.MINUTE, Tally.key >= tallies.minute_key(since))
        .where(Tally.status.in_(CALLED))
        .group_by(Tally.mailing_id)
    )
    called = dict(db.session.execute(sums).all())
    return {mailing.id: _rate(called.get(mailing.id, 0), mailing, since, now) for mailing in mailings}


def rate_in(recent: Series, mailing: Mailing, now: datetime) -> int | None:
    """The same of one mailing, from minutes that have been read already."""
    since = _since(now)
    called = sum(
        counts[number]
        for status, counts in recent.series.items()
        if status in CALLED
        for number, minute in enumerate(recent.minutes)
        if minute >= since
    )
    return _rate(called, mailing, since, now)


def _since(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) - statistics.RATE_MINUTES * ONE_MINUTE


def _rate(called: int, mailing: Mailing, since: datetime, now: datetime) -> int | None:
    span = now - max(since, mailing.started_at or now)
    return round(called / (span / ONE_MINUTE)) if span >= SHORTEST_SPAN else None


def estimated_end(mailing: Mailing, waiting: int, rate: int | None, now: datetime) -> datetime | None:
    """To the minute; None where it cannot be told. `estimates.of` says why."""
    if not rate or not waiting:
        return None
    by_zone = statistics.by_status(mailing.id, Dimension.ZONE)
    return estimates.of(mailing, by_zone, rate, now).end_at
