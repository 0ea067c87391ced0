"""How do messages go from their place in a chunk into the air? Ranges of numbers change hands, rows stay.

A message is written once, when it settles. Until then its status says `queued`, and it is being sent exactly if
its number lies in a flight (`standing` tells which).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    Text,
    bindparam,
    cast,
    delete,
    insert,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import UpdateBase

from ..database import AnyRow, AnySelect
from ..models import Chunk, Flight, Message, Status
from . import bulk


@dataclass(slots=True)
class Stretch:
    """The front of a locked chunk: messages `first_id` to `last_id`; whoever takes fewer moves `last_id` back."""

    mailing_id: int
    first_id: int
    last_id: int
    chunk: int  # its key, the last of its numbers
    flight: int = 0  # once launched, the key of the flight

    @property
    def length(self) -> int:
        return self.last_id - self.first_id + 1

    def give_back(self, number: int) -> None:
        """This message and those behind it stay in the chunk."""
        self.last_id = min(self.last_id, number - 1)


def lock(session: Session, wanted: Mapping[tuple[int, str], int]) -> list[Stretch]:
    """About so many messages of each lane (mailing, time zone), in the given order.

    From chunks which no other worker is taking from at this instant.
    """
    stretches: list[Stretch] = []
    left = {lane: (count, 0) for lane, count in wanted.items()}
    while left:
        lanes = [(*lane, after) for lane, (_count, after) in left.items()]
        found = session.connection().execute(_next_chunks(), {"lanes": bulk.packed_rows(lanes)}).all()
        left, before = {}, left
        for chunk in found:
            lane = (chunk.mailing_id, chunk.timezone)
            count = before[lane][0]
            end = min(chunk.last_id, chunk.first_id + count - 1)
            stretches.append(Stretch(chunk.mailing_id, chunk.first_id, end, chunk.last_id))
            if (rest := count - stretches[-1].length) > 0:
                left[lane] = (rest, chunk.first_id)
    return stretches


@bulk.prepared
def _next_chunks() -> AnySelect:
    """Of each lane the next chunk that is free."""
    lanes = bulk.bound_rows("lanes", {"mailing_id": Integer(), "timezone": String(), "after": BigInteger()})
    of_lane = (
        (Chunk.mailing_id == lanes.c.mailing_id)
        & (Chunk.timezone == lanes.c.timezone)
        & (Chunk.first_id > lanes.c.after)
    )
    chunks = select(Chunk).order_by(Chunk.first_id).limit(1).with_for_update(skip_locked=True)
    if bulk.is_postgresql():
        next_one = chunks.where(of_lane).lateral()
        return select(next_one).select_from(lanes.join(next_one, true()))
    # SQLite knows no LATERAL, and no locks to skip: whoever writes is alone.
    other = aliased(Chunk)
    earlier = select(other.last_id).where(
        other.mailing_id == Chunk.mailing_id,
        other.timezone == Chunk.timezone,
        other.first_id.between(lanes.c.after + 1, Chunk.first_id - 1),
    )
    return select(*Chunk.__table__.c).select_from(lanes.join(Chunk, of_lane)).where(~earlier.exists())


def messages(session: Session, stretches: Sequence[Stretch]) -> list[tuple[AnyRow, Stretch]]:
    """Those of the stretches that wait, in order, each with its stretch."""
    if not stretches:
        return []
    places = {number: each for each in stretches for number in range(each.first_id, each.last_id + 1)}
    found = session.connection().execute(_waiting(), {"numbers": bulk.packed(places)}).all()
    rows = {row[0]: row for row in found}
    return [(rows[number], stretch) for number, stretch in places.items() if number in rows]


@bulk.prepared
def _waiting() -> AnySelect:
    return select(*message_columns()).where(bulk.any_bound(Message.id.expression, "numbers"), in_place())


def message_columns() -> tuple[ColumnElement[Any], ...]:
    """What arming has to know of a message. The values as text: the drivers take long to read JSON."""
    return (
        Message.id.expression,
        Message.mailing_id.expression,
        Message.phone.expression,
        cast(Message.placeholder_values, Text).label("placeholder_values"),
        Message.operator_code.expression,
        Message.timezone.expression,
        Message.tries.expression,
        Message.text.expression,
    )


def in_place() -> ColumnElement[bool]:
    """Of a message that has not been written since its fan-out: in a chunk, or in a flight."""
    return (Message.status == Status.QUEUED) & Message.send_after.is_(None)


def take(session: Session, stretches: Sequence[Stretch]) -> None:
    """The chunks begin behind what was taken; an empty one goes."""
    begun = [each for each in stretches if each.length > 0]
    if emptied := [each.chunk for each in begun if each.last_id == each.chunk]:
        session.connection().execute(_removing_chunks(), {"emptied": bulk.packed(emptied)})
    if rest := {each.chunk: each.last_id + 1 for each in begun if each.last_id < each.chunk}:
        session.connection().execute(_shortening(), {"begins": bulk.packed_map(rest)})


@bulk.prepared
def _removing_chunks() -> UpdateBase:
    return delete(Chunk).where(bulk.any_bound(Chunk.last_id.expression, "emptied"))


@bulk.prepared
def _shortening() -> UpdateBase:
    return bulk.updating_each(Chunk.last_id, Chunk.first_id, "begins")


def launch(
    session: Session, ranges: Sequence[tuple[int, int, int]], token: str, now: datetime, lease_until: datetime
) -> None:
    """Enter flights: each (mailing, first number, last number)."""
    if ranges:
        fixed = {"token": token, "now": now, "until": lease_until}
        session.connection().execute(_launching(), {"ranges": bulk.packed_rows(ranges), **fixed})


@bulk.prepared
def _launching() -> UpdateBase:
    new = bulk.bound_rows("ranges", {"mailing_id": Integer(), "first_id": BigInteger(), "last_id": BigInteger()})
    fixed = {
        "token": bindparam("token"),
        "armed_at": bindparam("now", type_=Flight.armed_at.type),
        "lease_until": bindparam("until", type_=Flight.lease_until.type),
    }
    columns = [*new.c.keys(), *fixed]
    return insert(Flight).from_select(columns, bulk.everything(new, *fixed.values()), include_defaults=False)


def land(session: Session, last_ids: Collection[int]) -> None:
    """Remove flights of which every message is settled."""
    if last_ids:
        session.connection().execute(_landing(), {"landed": bulk.packed(last_ids)})


@bulk.prepared
def _landing() -> UpdateBase:
    return delete(Flight).where(bulk.any_bound(Flight.last_id.expression, "landed"))
