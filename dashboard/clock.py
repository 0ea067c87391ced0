"""What time is it? The only place that asks, but for what waits for the database."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, null, select
from sqlalchemy.orm import Session

# Clocks that differ by less are taken for the same: so long an answer may be on its way.
SAME = timedelta(seconds=0.5)


def now() -> datetime:
    """This machine's clock, aware UTC."""
    return datetime.now(UTC)


def database_now(session: Session) -> datetime:
    """The clock that decides where two machines could disagree, aware UTC.

    PostgreSQL answers for every host (clock_timestamp: the instant of the question, not the transaction's
    start). SQLite lives on one host, whose clock is the only one there is.
    """
    return now() if _is_local(session) else told(session.scalar(select(func.clock_timestamp())))


class Reading(NamedTuple):
    """What the clock that decides said, and between which two instants of this process (monotonic seconds)."""

    now: datetime
    asked: float
    answered: float


def reading(session: Session) -> Reading:
    """`database_now`, for what has to happen at its instants here: the question may have taken its time."""
    asked = monotonic()
    return Reading(database_now(session), asked, monotonic())


def behind(session: Session) -> timedelta:
    """By how much this machine's clock is behind the one that decides; less than half a second is nothing."""
    if _is_local(session):
        return timedelta()
    asked_at = now()
    decided = database_now(session)
    found = decided - asked_at
    return found if abs(found) > SAME else timedelta()


def told_by(session: Session) -> ColumnElement[Any]:
    """The same, as a column beside others, to be read by `told`."""
    return null() if _is_local(session) else func.clock_timestamp()


def told(answer: datetime | None) -> datetime:
    return answer.astimezone(UTC) if answer else now()


def _is_local(session: Session) -> bool:
    return session.get_bind().dialect.name != "postgresql"


def monotonic() -> float:
    """Seconds on a clock that never jumps, for measuring durations in this process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    time.sleep(seconds)
