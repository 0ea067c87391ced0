"""How long are messages kept? Those of a mailing that ended long ago go; what they count to stays in the books.

Folding is marked first (`folded_at`), and from then on nothing of the mailing is sent again. Then its messages go,
with their attempts, a thousand at a time. Whoever is killed meanwhile leaves the rest to the next one.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from .. import clock
from ..database import db, end_reading, retrying, transaction
from ..models import Attempt, AuditLine, Mailing, Message, Service, State, Status
from . import audit, books, bulk, mailings
from .audit import Thing

logger = logging.getLogger(__name__)

# Of one transaction: some 50 ms on SQLite.
AT_ONCE = 1_000
# Mailings that one look finds.
MAILINGS_AT_ONCE = 50
# So long one run works, so that other things in the background have their turn.
WORKING_SECONDS = 10.0
ENDED = (State.FINISHED, State.CANCELLED)
# What is not settled, and what a person has to decide about, is kept.
NOT_OVER = (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


def run(
    message_days: int,
    audit_days: int,
    seconds: float = WORKING_SECONDS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Remove what is older than so many days; 0: keep it. False: there is more to do."""
    until = clock.monotonic() + seconds

    def is_over() -> bool:
        return is_stopping() or clock.monotonic() > until

    if message_days and not _fold_some(timedelta(days=message_days), is_over):
        return False
    return not audit_days or _drop_lines(timedelta(days=audit_days), is_over)


def _fold_some(age: timedelta, is_over: Callable[[], bool]) -> bool:
    """The oldest first. A frequency cap that looks further back keeps them for so long."""
    before = clock.database_now(db.session()) - max(age, timedelta(days=_frequency_days()))
    last: tuple[datetime, int] | None = None
    while found := db.session.execute(_old(before, last)).all():
        end_reading()
        for mailing_id, finished_at in found:
            if _fold(mailing_id, before) and not _empty(mailing_id, is_over):
                return False
            if is_over():
                return False
            last = (finished_at, mailing_id)
    return True


def _frequency_days() -> int:
    return db.session.scalar(select(Service.frequency_days).where(Service.id == 1)) or 0


def _old(before: datetime, last: tuple[datetime, int] | None) -> Select[int, datetime]:
    query = select(Mailing.id, Mailing.finished_at).where(_is_old(before))
    if last is not None:
        at, number = last
        query = query.where(or_(Mailing.finished_at > at, and_(Mailing.finished_at == at, Mailing.id > number)))
    return query.order_by(Mailing.finished_at, Mailing.id).limit(MAILINGS_AT_ONCE)  # type: ignore[return-value]


def _is_old(before: datetime) -> ColumnElement[bool]:
    has_ended = and_(Mailing.state.in_(ENDED), Mailing.started_at.is_not(None))
    return and_(Mailing.emptied_at.is_(None), Mailing.finished_at < before, has_ended)


def _fold(mailing_id: int, before: datetime) -> bool:
    """Mark it, under its lock. False: it was opened again, is asked about, or is to be left out by another."""
    with transaction() as session:
        mailings.lock(session, mailing_id)
        mailing = session.scalar(select(Mailing).where(Mailing.id == mailing_id, _is_old(before)))
        if mailing is None:
            return False
        if mailing.folded_at is not None:
            return True
        counts = books.of(mailing_id).counts
        if any(counts[status] for status in NOT_OVER) or _is_left_out_soon(session, mailing_id):
            return False
        mailing.folded_at = clock.database_now(session)
        after = {"count": sum(counts.values())}
        audit.note(session, None, "fold", Thing.MAILING, mailing_id, after=after)
    logger.info("mailing folded", extra={"mailing_id": mailing_id})
    return True


def _is_left_out_soon(session: Session, mailing_id: int) -> bool:
    """A launched mailing that has not selected all of its clients leaves out those of this one."""
    other = aliased(Mailing)
    needs_it = and_(other.excluded_mailing_id == mailing_id, other.fanned_out_at.is_(None))
    launched = other.state.in_((State.SCHEDULED, State.RUNNING, State.PAUSED))
    return bool(session.scalar(select(exists().where(needs_it, launched))))


def _empty(mailing_id: int, is_over: Callable[[], bool]) -> bool:
    """False: time was up first."""
    while retrying(lambda: _remove_some(mailing_id)):
        if is_over():
            return False
    return True


def _remove_some(mailing_id: int) -> int:
    """Under the mailing's lock, so that two at once take turns; the last of them marks that nothing is left."""
    with transaction() as session:
        mailings.lock(session, mailing_id)
        some = select(Message.id).where(Message.mailing_id == mailing_id).order_by(Message.phone).limit(AT_ONCE)
        ids = session.scalars(some).all()
        session.execute(delete(Attempt).where(bulk.any_of(Attempt.message_id.expression, ids)))
        session.execute(delete(Message).where(bulk.any_of(Message.id.expression, ids)))
        if not ids:
            now = clock.database_now(session)
            session.execute(update(Mailing).where(Mailing.id == mailing_id).values(emptied_at=now))
        return len(ids)


def _drop_lines(age: timedelta, is_over: Callable[[], bool]) -> bool:
    """Old lines of the audit log; that they went is noted once a run. False: time was up first."""
    before = clock.database_now(db.session()) - age
    is_first = True
    while _drop_some(before, is_first):
        is_first = False
        if is_over():
            return False
    return True


def _drop_some(before: datetime, is_first: bool) -> int:
    with transaction() as session:
        some = select(AuditLine.id).where(AuditLine.at < before).order_by(AuditLine.at, AuditLine.id)
        ids = session.scalars(some.limit(AT_ONCE)).all()
        if ids:
            with audit.permitted(session):
                session.execute(delete(AuditLine).where(bulk.any_of(AuditLine.id.expression, ids)))
            if is_first:
                audit.note(session, None, "drop_old_lines", Thing.SERVICE, after={"before": before})
        return len(ids)
