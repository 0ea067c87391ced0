"""What time is it? The only place that asks."""

import time
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def now() -> datetime:
    """This machine's clock, aware UTC."""
    return datetime.now(UTC)


def database_now(session: Session) -> datetime:
    """The clock that decides where two machines could disagree, aware UTC.

    PostgreSQL answers for every host (clock_timestamp: the instant of the question, not the transaction's
    start). SQLite lives on one host, whose clock is the only one there is.
    """
    if session.get_bind().dialect.name != "postgresql":
        return now()
    answer = session.scalar(select(func.clock_timestamp()))
    assert isinstance(answer, datetime)
    return answer.astimezone(UTC)


def monotonic() -> float:
    """Seconds on a clock that never jumps, for measuring durations in this process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    time.sleep(seconds)
