"""What did a crash, a closed window, an end or a cancelling leave behind? Put right every few seconds."""

import logging
from datetime import timedelta

from sqlalchemy import select, update

from .. import clock
from ..database import AnySelect, db, rows_changed, transaction
from ..models import UNDER_WAY, Heartbeat, Lane, Mailing, Message, State, Status
from . import lanes, tallies
from .outbox import OnUncertain, SendingPolicy, move
from .tallies import Place

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=2)
# Messages of one transaction.
AT_ONCE = 2_000


def sweep_if_due(policy: SendingPolicy) -> bool:
    """Sweep unless another worker has begun to in the last two seconds. Every step may be repeated."""
    with transaction() as session:
        now = clock.database_now(session)
        begun = rows_changed(
            session,
            update(Heartbeat).where(Heartbeat.name == "sweep", Heartbeat.at <= now - EVERY).values(at=now),
        )
    if not begun:
        return False
    recover(policy)
    lanes.move_on(policy)
    expire_closed()
    cancel_waiting()
    finish()
    tallies.fold()
    return True


def recover(policy: SendingPolicy) -> int:
    """Decide on messages whose worker died between arming and settling: the text may have gone out.

    Under `hold` nobody but a person can know; under `retry` the same msgId is tried again, as often as any other:
    a message that kills its workers must not go out for ever.
    """
    recovered = 0
    while True:
        with transaction() as session:
            now = clock.database_now(session)
            lost = _select_places().where(Message.status == Status.SENDING, Message.lease_until < now)
            rows = session.execute(_take(lost.add_columns(Message.tries))).all()
            for status in (Status.QUEUED, Status.UNKNOWN):
                those = [row for row in rows if _after_loss(row.tries, policy) is status]
                move(session, those, Place(Status.SENDING), Place(status, "worker_lost", now), is_a_try=True)
        recovered += len(rows)
        if len(rows) < AT_ONCE:
            break
    if recovered:
        logger.warning("messages of a lost worker recovered", extra={"count": recovered})
    return recovered


def _select_places() -> AnySelect:
    return select(Message.id, Message.mailing_id, Message.operator_code, Message.timezone)


def _after_loss(tries: int, policy: SendingPolicy) -> Status:
    is_last = tries + 1 >= policy.most_tries
    return Status.UNKNOWN if is_last or policy.on_uncertain is OnUncertain.HOLD else Status.QUEUED


def _take(query: AnySelect) -> AnySelect:
    return query.limit(AT_ONCE).with_for_update(skip_locked=True)


def expire_closed() -> int:
    """Messages that wait in a lane which never opens again are expired."""
    closed = (
        select(Lane.mailing_id, Lane.timezone)
        .join(Mailing, Mailing.id == Lane.mailing_id)
        .where(Mailing.state.in_(UNDER_WAY), Lane.opens_at.is_(None))
        .where(
            select(Message.id)
            .where(Message.mailing_id == Lane.mailing_id, Message.timezone == Lane.timezone)
            .where(Message.status == Status.QUEUED)
            .exists()
        )
    )
    expired = 0
    for mailing_id, timezone in db.session.execute(closed).all():
        waiting = _select_places().where(
            Message.mailing_id == mailing_id, Message.timezone == timezone, Message.status == Status.QUEUED
        )
        expired += _close_all(waiting, Status.EXPIRED, "window_closed")
    return expired


def cancel_waiting() -> int:
    """Messages that still wait in a cancelled mailing are cancelled."""
    cancelled = (
        select(Mailing.id)
        .where(Mailing.state == State.CANCELLED)
        .where(
            select(Message.id).where(Message.mailing_id == Mailing.id, Message.status == Status.QUEUED).exists()
        )
    )
    count = 0
    for mailing_id in db.session.scalars(cancelled).all():
        waiting = _select_places().where(Message.mailing_id == mailing_id, Message.status == Status.QUEUED)
        count += _close_all(waiting, Status.CANCELLED, "mailing_cancelled")
    return count


def _close_all(waiting: AnySelect, status: Status, reason: str) -> int:
    count = 0
    while True:
        with transaction() as session:
            rows = session.execute(_take(waiting)).all()
            move(session, rows, Place(Status.QUEUED), Place(status, reason, clock.database_now(session)))
        count += len(rows)
        if len(rows) < AT_ONCE:
            return count


def finish() -> list[int]:
    """Mailings of which nothing waits any more are finished; unknown outcomes never hold one up.

    One statement, so that a message on its way back to the queue is seen in one of its two places.
    """
    with transaction() as session:
        now = clock.database_now(session)
        waits = select(Message.id).where(Message.mailing_id == Mailing.id)
        finished = session.scalars(
            update(Mailing)
            .where(Mailing.state.in_(UNDER_WAY), Mailing.fanned_out_at.is_not(None))
            .where(~waits.where(Message.status == Status.QUEUED).exists())
            .where(~waits.where(Message.status == Status.SENDING).exists())
            .values(state=State.FINISHED, finished_at=now, updated_at=now)
            .returning(Mailing.id)
        ).all()
    for mailing_id in finished:
        logger.info("mailing finished", extra={"mailing_id": mailing_id})
    return list(finished)
