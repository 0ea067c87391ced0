"""How did the day go? A letter to every active administrator at its end, once, whoever else is at it.

The row of the day is written in one transaction with the letters: of two workers, or two schedulers, one gets it.
A day reaches from one digest's time to the next, by the clock of the set zone, so that nothing falls between two.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, insert_or_ignore, snapshot, transaction
from ..models import (
    BreakerOpening,
    Dimension,
    HourTally,
    Mailing,
    PauseReason,
    Role,
    Service,
    State,
    Status,
    Tally,
    User,
)
from ..models import Digest as DigestRow
from . import mails, starting, statistics, tallies, unknown_counts
from .watching import token_expiry

logger = logging.getLogger(__name__)

KIND = "digest"
# A service that slept at its time catches up for so long; after that the next digest is near.
CATCH_UP = timedelta(hours=12)
# Letters nobody could send by then would tell of yesterday's yesterday.
LASTS = timedelta(days=1)
# Mailings that are named; of the rest it is said how many.
MOST = 30
# Of what the gateway was asked for: a day with more failures is told of, unless there was hardly anything.
FAILING_SHARE, FEWEST = 0.05, 10
COUNTED = (Status.SENT, Status.FAILED, Status.UNKNOWN, Status.EXPIRED, Status.SKIPPED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Finished:
    id: int
    title: str
    state: State
    total: int
    sent: int
    failed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Missed:
    """`waits`: it still waits for a person to say whether it is wanted."""

    id: int
    title: str
    late_minutes: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """Instants are ISO 8601. `failed_share`: of what the gateway was asked for, if it is worth telling.

    `unknown`: outcomes nobody knows, of all times; `openings`: how often the breaker opened, and why.
    """

    day: str
    messages: dict[str, int]
    finished: list[Finished]
    more_finished: int
    failed_share: float | None
    unknown: int
    missed: list[Missed]
    openings: dict[str, int]
    breaker_open: bool
    stopped_at: str | None
    token_at: str | None
    token_is_over: bool

    @property
    def anomalies(self) -> int:
        found = (self.failed_share, self.unknown, self.openings, self.breaker_open, self.stopped_at, self.token_at)
        return sum(map(bool, found)) + len(self.missed)


def write_due(at: time, zone: tzinfo, token_expires_at: datetime | None = None) -> bool:
    """Write the letters of the day that has ended, if nobody has. True: letters wait to be sent."""
    with snapshot() as session:
        now = clock.database_now(session)
        day = last_day(now, at, zone)
        is_written = session.get(DigestRow, day) is not None
    until = ends(day, at, zone)
    if is_written or now - until > CATCH_UP:
        return False
    return write(of(day, at, zone, token_expires_at), day, until)


def last_day(now: datetime, at: time, zone: tzinfo) -> date:
    """The last one whose digest is due."""
    today = now.astimezone(zone).date()
    return today if ends(today, at, zone) <= now else today - timedelta(days=1)


def ends(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(clock.now().tzinfo)


def write(digest: Digest, day: date, until: datetime) -> bool:
    """Once for each day: False for whoever comes second, and where nobody reads it."""
    params = {"digest": asdict(digest) | {"anomalies": digest.anomalies}}
    with transaction() as session:
        row = insert_or_ignore(DigestRow).values(day=day, written_at=clock.database_now(session))
        if session.scalar(row.returning(DigestRow.day)) is None:
            return False
        # Who was there before it ended: a new installation is not told of a day without it.
        readers = (
            select(User.id, User.email)
            .where(User.role == Role.ADMINISTRATOR, User.is_active, User.created_at <= until)
            .order_by(User.id)
        )
        found = session.execute(readers).all()
        for reader in found:
            mails.post(session, KIND, reader.email, user_id=reader.id, params=params, lasts=LASTS)
    logger.info("digest written", extra={"day": digest.day, "readers": len(found), "anomalies": digest.anomalies})
    return bool(found)


def of(day: date, at: time, zone: tzinfo, token_expires_at: datetime | None = None) -> Digest:
    """What there is to say of the day that ends then."""
    since, until = ends(day - timedelta(days=1), at, zone), ends(day, at, zone)
    with snapshot() as session:
        service = session.get_one(Service, 1, populate_existing=True)
        messages = _messages(session, since, until)
        finished = _finished(session, since, until)
        expiry = token_expiry(token_expires_at, clock.database_now(session))
        return Digest(
            day=day.isoformat(),
            messages={status.value: messages[status] for status in COUNTED},
            finished=finished[:MOST],
            more_finished=max(0, len(finished) - MOST),
            failed_share=_failed_share(messages),
            unknown=_unknown(session),
            missed=_missed(session, since, until),
            openings=_openings(session, since, until),
            breaker_open=service.breaker_opened_at is not None,
            stopped_at=service.stopped_at.isoformat() if service.stopped_at else None,
            token_at=expiry.at.isoformat() if expiry else None,
            token_is_over=expiry is not None and expiry.is_over,
        )


def _messages(session: Session, since: datetime, until: datetime) -> dict[Status, int]:
    """By the minute, for the mailings that had outcomes in these hours."""
    hours = HourTally.hour.between(tallies.hour_key(since), tallies.hour_key(until))
    active = select(HourTally.mailing_id).where(hours).distinct()
    query = (
        select(Tally.status, func.sum(Tally.change))
        .where(Tally.mailing_id.in_(active), Tally.dimension == Dimension.MINUTE)
        .where(Tally.key >= tallies.minute_key(since), Tally.key < tallies.minute_key(until))
        .group_by(Tally.status)
    )
    return dict.fromkeys(Status, 0) | {Status(status): int(n) for status, n in session.execute(query)}


def _failed_share(messages: dict[Status, int]) -> float | None:
    asked = messages[Status.SENT] + messages[Status.FAILED] + messages[Status.UNKNOWN]
    failed = messages[Status.FAILED]
    return failed / asked if asked >= FEWEST and failed >= asked * FAILING_SHARE else None


def _finished(session: Session, since: datetime, until: datetime) -> list[Finished]:
    """Cancelled ones, too, if they had begun."""
    query = (
        select(Mailing.id, Mailing.title, Mailing.state)
        .where(Mailing.state.in_((State.FINISHED, State.CANCELLED)), Mailing.started_at.is_not(None))
        .where(Mailing.finished_at >= since, Mailing.finished_at < until)
        .order_by(Mailing.finished_at, Mailing.id)
    )
    rows = session.execute(query).all()
    counts = statistics.counts_of([row.id for row in rows[:MOST]])
    return [_one(row, counts.get(row.id, {})) for row in rows]


def _one(row: AnyRow, counts: dict[Status, int]) -> Finished:
    sent, failed, unknown = (counts.get(each, 0) for each in (Status.SENT, Status.FAILED, Status.UNKNOWN))
    return Finished(row.id, row.title, row.state, sum(counts.values()), sent, failed, unknown)


def _unknown(session: Session) -> int:
    found = unknown_counts.by_mailing()
    return int(session.scalar(select(func.coalesce(func.sum(found.c.n), 0))) or 0)


def _missed(session: Session, since: datetime, until: datetime) -> list[Missed]:
    """Started in these hours, and so late that a person was asked, or should have been."""
    query = (
        select(Mailing)
        .where(Mailing.started_at >= since, Mailing.started_at < until)
        .order_by(Mailing.started_at, Mailing.id)
        .execution_options(populate_existing=True)
    )
    found = []
    for mailing in session.scalars(query):
        late = (mailing.started_at or since) - starting.due_since(mailing)
        if late > starting.MISSED_START:
            waits = mailing.state is State.PAUSED and mailing.pause_reason is PauseReason.MISSED_START
            found.append(Missed(mailing.id, mailing.title, round(late.total_seconds() / 60), waits))
    return found[:MOST]


def _openings(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    query = (
        select(BreakerOpening.reason, func.count().label("n"))
        .where(BreakerOpening.at >= since, BreakerOpening.at < until)
        .group_by(BreakerOpening.reason)
    )
    return {row.reason: row.n for row in session.execute(query)}
