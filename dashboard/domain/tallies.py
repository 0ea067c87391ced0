"""How are counts kept while messages move, so that nobody has to count them?"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Integer, SmallInteger, String, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase

from ..database import db, insert_or_update, snapshot
from ..models import Dimension, HourTally, Mailing, Message, Status, Tally
from . import bulk, standing

logger = logging.getLogger(__name__)

# More slots: workers wait for each other more rarely, and sums are over more rows.
SLOTS = 8
# Rows of one statement: some milliseconds on SQLite.
AT_ONCE = 1_000
_COLUMNS: bulk.Columns = {
    "mailing_id": Integer(),
    "dimension": String(),
    "key": String(),
    "status": String(),
    "slot": SmallInteger(),
    "change": Integer(),
}
_KEY = ["mailing_id", "dimension", "key", "status", "slot"]
_HOUR_COLUMNS: bulk.Columns = {
    "hour": String(),
    "mailing_id": Integer(),
    "status": String(),
    "slot": SmallInteger(),
    "change": Integer(),
}
_HOUR_KEY = ["hour", "mailing_id", "status", "slot"]

Key = tuple[int, Dimension, str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in the books; `at` is when it came there, told only of outcomes."""

    status: Status
    reason: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """`count` messages of one mailing, operator code and zone went from one place (None: new) to another."""

    mailing_id: int
    code: str
    zone: str
    old: Place | None
    new: Place
    count: int = 1


def record(session: Session, moves: Iterable[Move], slot: int = 0) -> None:
    """Write what the moves change; call it in the transaction that moves the messages.

    Rows are changed in the order of their key, hours after all else, so that two who share a slot cannot wait for
    each other.
    """
    changes: Counter[Key] = Counter()
    for move in moves:
        if move.old is not None:
            _add(changes, move, move.old, -move.count)
        _add(changes, move, move.new, move.count)
    _write(session, changes, slot)


def lifted(session: Session, counts: Mapping[int, int], slot: int) -> None:
    """So many queued messages of each mailing are being sent now; by code and zone the two are one."""
    changes: Counter[Key] = Counter()
    for mailing_id, count in counts.items():
        changes[mailing_id, Dimension.STATUS, "", Status.QUEUED] -= count
        changes[mailing_id, Dimension.STATUS, "", Status.SENDING] += count
    _write(session, changes, slot)


def _write(session: Session, changes: Counter[Key], slot: int) -> None:
    _upsert_each(session, _upsert(), changes, slot)
    _upsert_each(session, _upsert_hours(), _hours(changes), slot)


def _upsert_each(session: Session, statement: UpdateBase, changes: Counter[Any], slot: int) -> None:
    """In parts: a sender of many mailings changes thousands, and calls begin only between two statements."""
    rows = [(*key, slot, change) for key, change in sorted(changes.items()) if change]
    for begin in range(0, len(rows), AT_ONCE):
        session.connection().execute(statement, {"new": bulk.packed_rows(rows[begin : begin + AT_ONCE])})


@bulk.prepared
def _upsert() -> UpdateBase:
    new = bulk.bound_rows("new", _COLUMNS)
    insert = insert_or_update(Tally).from_select(new.c.keys(), bulk.everything(new), include_defaults=False)
    statement: UpdateBase = insert.on_conflict_do_update(
        index_elements=_KEY, set_={"change": Tally.change + insert.excluded.change}
    )
    return statement


@bulk.prepared
def _upsert_hours() -> UpdateBase:
    new = bulk.bound_rows("new", _HOUR_COLUMNS)
    insert = insert_or_update(HourTally).from_select(new.c.keys(), bulk.everything(new), include_defaults=False)
    statement: UpdateBase = insert.on_conflict_do_update(
        index_elements=_HOUR_KEY, set_={"change": HourTally.change + insert.excluded.change}
    )
    return statement


def _hours(changes: Mapping[Key, int]) -> Counter[tuple[str, int, str]]:
    """What changes by the minute, by the hour."""
    hours: Counter[tuple[str, int, str]] = Counter()
    for (mailing_id, dimension, key, status), change in changes.items():
        if dimension is Dimension.MINUTE:
            hours[hour_of_minute(key), mailing_id, status] += change
    return hours


def slot_of(token: str) -> int:
    """A worker's slot; the first, 0, is that of people and of the sweep."""
    return 1 + int(token[:8], 16) % (SLOTS - 1)


def _add(changes: Counter[Key], move: Move, place: Place, count: int) -> None:
    status = place.status
    changes[move.mailing_id, Dimension.STATUS, "", status] += count
    # By code and zone the two that wait are one, so that arming, which happens to every message, writes less.
    shown = Status.QUEUED if status is Status.SENDING else status
    changes[move.mailing_id, Dimension.CODE, move.code, shown] += count
    changes[move.mailing_id, Dimension.ZONE, move.zone, shown] += count
    if status in (Status.QUEUED, Status.SENDING):
        return
    if place.reason is not None:
        changes[move.mailing_id, Dimension.REASON, place.reason, status] += count
    if place.at is not None:
        changes[move.mailing_id, Dimension.MINUTE, minute_key(place.at), status] += count


def minute_key(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def hour_of_minute(key: str) -> str:
    return key[:13]


def hour_key(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H")


def hour_of(key: str) -> datetime:
    return datetime.strptime(key, "%Y-%m-%dT%H").replace(tzinfo=UTC)


def minute_of(key: str) -> datetime:
    return datetime.strptime(key, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books and a count disagree: by what, of which code, zone or reason, and of which status."""

    dimension: Dimension
    key: str
    status: str
    kept: int
    counted: int


def say_where_they_differ(mailing_id: int) -> None:
    """In the log: an error for each difference."""
    for difference in check(mailing_id):
        logger.error("books and messages differ", extra={"mailing_id": mailing_id, "difference": difference})


def check(mailing_id: int) -> list[Difference]:
    """Compare the kept counts with a real count, of the same instant, by status, operator code, zone and reason.

    An empty list means that they agree. Where messages are kept no longer there is nothing to count.
    """
    if db.session.scalar(select(Mailing.folded_at).where(Mailing.id == mailing_id)) is not None:
        return []
    with snapshot() as session:
        kept, counted = _kept(session, mailing_id), _counted(session, mailing_id)
    return [
        Difference(*place[1:], kept[place], counted[place])
        for place in sorted(kept.keys() | counted.keys())
        if kept[place] != counted[place]
    ]


def _kept(session: Session, mailing_id: int) -> Counter[Key]:
    place = (Tally.mailing_id, Tally.dimension, Tally.key, Tally.status)
    sums = (
        select(*place, func.sum(Tally.change))
        .where(Tally.mailing_id == mailing_id, Tally.dimension != Dimension.MINUTE)
        .group_by(*place)
    )
    return Counter({(of, by, key, status): int(count) for of, by, key, status, count in session.execute(sums)})


def _counted(session: Session, mailing_id: int) -> Counter[Key]:
    stands = standing.status().label("stands")
    columns = (stands, Message.operator_code, Message.timezone, Message.reason)
    each = select(*columns).where(Message.mailing_id == mailing_id).subquery()
    counted: Counter[Key] = Counter()
    counts = select(each.c.stands, each.c.operator_code, each.c.timezone, each.c.reason, func.count())
    for status, code, zone, reason, count in session.execute(counts.group_by(*each.c)):
        place = Place(status, reason)
        _add(counted, Move(mailing_id, code, zone, None, place), place, count)
    return counted
