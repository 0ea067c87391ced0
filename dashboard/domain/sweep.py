"""What did a crash, a closed window, an end or a cancelling leave behind? Put right every few seconds."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select, update

from .. import clock
from ..database import db, rows_changed, transaction
from ..models import UNDER_WAY, Chunk, Flight, Heartbeat, Mailing, Message, State, WebhookKind
from . import lanes, recovery, strays, tallies
from .policy import SendingPolicy
from .webhooks import announcing

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=2)


def sweep_if_due(policy: SendingPolicy) -> bool:
    """Sweep unless another worker has begun to in the last two seconds. Every step may be repeated.

    True: this worker sweeps, and has to go through `closing.steps` and `finishing`, too.
    """
    with transaction() as session:
        now = clock.database_now(session)
        begun = rows_changed(
            session,
            update(Heartbeat)
            # One that lies ahead was made by a clock that has gone back since.
            .where(Heartbeat.name == "sweep", or_(Heartbeat.at <= now - EVERY, Heartbeat.at > now + EVERY))
            .values(at=now),
        )
    if not begun:
        return False
    recovery.recover(policy)
    lanes.move_on(policy)
    return True


def finish() -> list[int]:
    """Mailings of which nothing waits any more are finished; unknown outcomes never hold one up."""
    return list(finishing())


def finishing() -> Iterator[int]:
    """The same, a mailing a step: of a thousand that end together, checking the books takes seconds."""
    done = select(Mailing.id).where(Mailing.state.in_(UNDER_WAY), *nothing_waits())
    return (mailing_id for mailing_id in db.session.scalars(done).all() if _finish(mailing_id))


def nothing_waits() -> list[ColumnElement[bool]]:
    """Of one statement all of them, so that a message on its way between two places is seen in one of them."""
    single = select(Message.id).where(Message.mailing_id == Mailing.id, Message.send_after.is_not(None))
    return [
        Mailing.fanned_out_at.is_not(None),
        ~select(Chunk.last_id).where(Chunk.mailing_id == Mailing.id).exists(),
        ~select(Flight.last_id).where(Flight.mailing_id == Mailing.id).exists(),
        ~single.exists(),
    ]


def _finish(mailing_id: int) -> bool:
    if strays.reclaim(mailing_id):
        return False
    with transaction() as session:
        # Locked first: the next statement then sees what somebody has put into the queue just before.
        session.execute(select(Mailing.id).where(Mailing.id == mailing_id).with_for_update(key_share=True))
        now = clock.database_now(session)
        finished = rows_changed(
            session,
            update(Mailing)
            .where(Mailing.id == mailing_id, Mailing.state.in_(UNDER_WAY), *nothing_waits())
            .values(state=State.FINISHED, finished_at=now, updated_at=now, pause_reason=None),
        )
        if finished:
            announcing.announce(session, WebhookKind.MAILING_FINISHED, mailing_id)
    if not finished:
        return False
    logger.info("mailing finished", extra={"mailing_id": mailing_id})
    tallies.say_where_they_differ(mailing_id)
    return True
