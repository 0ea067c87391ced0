"""What becomes of messages that wait in vain: their last window is over, or their mailing is cancelled?

They are expired or cancelled; those that an earlier call may have brought to the gateway are unknown.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, AnySelect, db, transaction
from ..models import UNDER_WAY, Chunk, Lane, Mailing, Message, State, Status
from . import doubts, flights, tallies
from .moves import move
from .tallies import Place

# Messages of one transaction.
AT_ONCE = 2_000


def steps() -> Iterator[int]:
    """Close all that is to be closed, a transaction a step; each yields how many messages it has closed.

    In steps, because there may be millions, and who closes them has answers of the gateway to listen to meanwhile.
    """
    yield from expire_closed()
    yield from cancel_waiting()


def expire_closed() -> Iterator[int]:
    """Messages that wait in a lane which never opens again are expired."""
    is_over = Mailing.state.in_(UNDER_WAY) & Lane.opens_at.is_(None)
    return (closed for _mailing_id, closed in _close_all(is_over, Status.EXPIRED, "window_closed"))


def cancel_waiting() -> Iterator[int]:
    """Messages that still wait in a cancelled mailing are cancelled.

    It is never finished, so the books are checked here, when all that waited has been closed.
    """
    concerned: set[int] = set()
    for mailing_id, closed in _close_all(Mailing.state == State.CANCELLED, Status.CANCELLED, "mailing_cancelled"):
        concerned.add(mailing_id)
        yield closed
    for mailing_id in concerned:
        tallies.say_where_they_differ(mailing_id)


def _close_all(is_over: ColumnElement[bool], status: Status, reason: str) -> Iterator[tuple[int, int]]:
    """Each step's mailing, and how many messages it has closed."""
    chunk = select(Chunk.last_id).where(Chunk.mailing_id == Lane.mailing_id, Chunk.timezone == Lane.timezone)
    waiting = or_(chunk.exists(), _singles(Lane.mailing_id, Lane.timezone).exists())
    over = select(Lane.mailing_id, Lane.timezone).join(Mailing, Mailing.id == Lane.mailing_id).where(is_over)
    for lane in db.session.execute(over.where(waiting)).all():
        while closed := _close_some(lane, over, Place(status, reason)):
            yield lane.mailing_id, closed


def _close_some(lane: AnyRow, over: AnySelect, place: Place) -> int:
    """Settle the next of them; what is in the air comes to its own end. 0: there are none, or not any more.

    Messages that somebody else holds at this instant are left to the next sweep.
    """
    mailing_id, timezone = lane
    this_one = over.where(Lane.mailing_id == mailing_id, Lane.timezone == timezone)
    with transaction() as session:
        # The mailing before its lane, as whoever gives it a new end does.
        session.execute(select(Mailing.id).where(Mailing.id == mailing_id).with_for_update(read=True))
        if session.execute(this_one.with_for_update(read=True)).first() is None:
            return 0  # somebody has given the mailing a new end
        rows = _take_from_chunks(session, mailing_id, timezone)
        singles = [] if rows else _take_singles(session, mailing_id, timezone)
        ended = Place(place.status, place.reason, clock.database_now(session))
        move(session, rows, Place(Status.QUEUED), ended)
        doubts.close(session, singles, ended)
        return len(rows) + len(singles)


def _take_from_chunks(session: Session, mailing_id: int, timezone: str) -> list[AnyRow]:
    rows: list[AnyRow] = []
    while not rows and (stretches := flights.lock(session, {(mailing_id, timezone): AT_ONCE})):
        rows = [row for row, _ in flights.messages(session, stretches)]
        flights.take(session, stretches)
    return rows


def _take_singles(session: Session, mailing_id: int, timezone: str) -> Sequence[AnyRow]:
    singles = _singles(mailing_id, timezone).limit(AT_ONCE).with_for_update(skip_locked=True)
    return session.execute(singles).all()


def _singles(mailing_id: Any, timezone: Any) -> AnySelect:
    """Of this lane; numbers and names, or another query's columns."""
    return (
        select(Message.id, Message.mailing_id, Message.operator_code, Message.timezone)
        .where(Message.mailing_id == mailing_id, Message.timezone == timezone)
        .where(Message.send_after.is_not(None), Message.status == Status.QUEUED)
    )
