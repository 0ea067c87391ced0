"""What does the database say of a mailing at one instant, and is it sound?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.database import snapshot
from dashboard.domain import standing
from dashboard.models import WAITING, Chunk, Dimension, Flight, Mailing, Message, State, Status, Tally


@dataclass(frozen=True)
class Look:
    """`sending`: the messages in the air."""

    state: State
    counts: Mapping[Status, int]
    sending: frozenset[int]

    @property
    def is_at_an_end(self) -> bool:
        """Nothing of it can change any more."""
        waiting = sum(self.counts.get(status, 0) for status in WAITING)
        return self.state in (State.FINISHED, State.CANCELLED) and waiting == 0


def look_at(mailing_id: int, messages: int) -> Look:
    """Raises AssertionError unless the books agree with a count, everybody stands somewhere, whoever waits lies in
    exactly one place, and no end is called too early.
    """
    with snapshot() as session:
        mailing = session.execute(
            select(Mailing.state, Mailing.fanned_out_at).where(Mailing.id == mailing_id)
        ).one()
        books = _books(session, mailing_id)
        columns = (Message.id, standing.status().label("stands"), Message.status, Message.send_after)
        rows = session.execute(select(*columns).where(Message.mailing_id == mailing_id)).all()
        places = _places(session, mailing_id)
    counts = Counter(row.stands for row in rows)
    assert books == counts, f"the books say {books}, a count says {counts}"
    in_place = Counter(row.id for row in rows if row.status is Status.QUEUED and row.send_after is None)
    assert in_place == places, "messages that wait, but not in exactly one chunk or flight"
    assert not mailing.fanned_out_at or counts.total() == messages
    look = Look(mailing.state, counts, frozenset(row.id for row in rows if row.stands is Status.SENDING))
    assert look.state is not State.FINISHED or look.is_at_an_end, f"finished, though some wait: {counts}"
    return look


def _books(session: Session, mailing_id: int) -> Counter[Status]:
    sums = (
        select(Tally.status, func.sum(Tally.change))
        .where(Tally.mailing_id == mailing_id, Tally.dimension == Dimension.STATUS)
        .group_by(Tally.status)
    )
    return Counter({Status(status): int(count) for status, count in session.execute(sums) if count})


def _places(session: Session, mailing_id: int) -> Counter[int]:
    """How many chunks and flights hold each message that waits unwritten."""
    in_place = (
        select(Message.id)
        .where(Message.mailing_id == mailing_id)
        .where(Message.status == Status.QUEUED, Message.send_after.is_(None))
    )
    return Counter(
        number
        for kind in (Chunk, Flight)
        for number in session.scalars(in_place.where(Message.id.between(kind.first_id, kind.last_id)))
    )
