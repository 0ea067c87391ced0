"""Does the service begin after a long sleep, or with a restored database? Then it waits for a person.

What a database says is true only while those who send write into it. After a gap nobody knows which of the waiting
messages have left meanwhile (a backup knows nothing of what came after it), and which are still wanted.
"""

import logging
from datetime import datetime

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, transaction
from ..models import UNDER_WAY, Mailing, State, StopReason
from . import brakes, pulse, sign_ins, sweep

logger = logging.getLogger(__name__)


def beat() -> None:
    """Say that the service is at work; after a gap in which messages waited, stop everything by the same commit.

    Arming asks for a fresh beat (`outbox.arm`), so nothing is armed between waking and the stop. Whoever comes
    second finds the beat fresh. Costs a read while no beat is due.
    """
    seen = db.session.scalar(select(pulse.beat_at()))
    if not pulse.is_due(seen, clock.database_now(db.session())):
        return
    stopped = False
    with transaction() as session:
        beaten_at = pulse.lock(session)
        now = clock.database_now(session)
        if pulse.is_broken(beaten_at, now) and is_anything_due(session, now):
            stopped = brakes.stop_itself(session, now, StopReason.ASLEEP, beaten_at)
        pulse.mark(session, now)
    if stopped:
        logger.warning("everything stopped after a gap", extra={"known_until": str(beaten_at), "at": str(now)})


def restored() -> None:
    """This database has just come from a backup: everything stops, whatever waits in it."""
    with transaction() as session:
        stop_after_restore(session, pulse.lock(session))


def stop_after_restore(session: Session, known_until: datetime | None) -> None:
    """The same within the caller's transaction, which brings the rows; the backup was made at `known_until`.

    Everybody signs in anew: who has signed out since, or was switched off, is signed in there still.
    """
    now = clock.database_now(session)
    brakes.stop_itself(session, now, StopReason.RESTORED, known_until)
    pulse.mark(session, now)
    sign_ins.end_everybodys(session)
    logger.warning("everything stopped after a restore", extra={"known_until": str(known_until)})


def is_anything_due(session: Session, now: datetime) -> bool:
    """Something would leave, or could after a person's press: of a paused mailing, too, more may have left."""
    waits = and_(Mailing.state.in_(UNDER_WAY), ~and_(*sweep.nothing_waits()))
    starts = and_(Mailing.state == State.SCHEDULED, Mailing.starts_at <= now, ~Mailing.awaits_approval)
    return bool(session.scalar(select(exists().where(or_(waits, starts)))))
