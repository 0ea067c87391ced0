"""When was the service last at work? One row says so, and nothing is armed while that is long ago."""

from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from ..database import insert_or_update
from ..models import Heartbeat

NAME = "service"
EVERY = timedelta(seconds=20)
# So long without a sign of life, and nobody knows any more what has happened meanwhile: the machine slept, or the
# database is an older one from a backup.
GAP = timedelta(minutes=15)


def beat_at() -> ScalarSelect[datetime]:
    """The last sign of life; none: it has never been at work with this database."""
    return select(Heartbeat.at).where(Heartbeat.name == NAME).scalar_subquery()


def is_broken(beaten_at: datetime | None, now: datetime) -> bool:
    """A clock that went back by as much is no better than one that went on: neither says how long it was."""
    return beaten_at is not None and abs(now - beaten_at) > GAP


def is_due(beaten_at: datetime | None, now: datetime) -> bool:
    return beaten_at is None or abs(now - beaten_at) >= EVERY


def lock(session: Session) -> datetime | None:
    """The last sign of life, locked. Before the service's row, so that nobody waits in a circle."""
    return session.scalar(select(Heartbeat.at).where(Heartbeat.name == NAME).with_for_update())


def mark(session: Session, now: datetime) -> None:
    """At work at this instant."""
    mark = insert_or_update(Heartbeat).values(name=NAME, at=now)
    session.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"at": now}))
