"""How are counts kept while messages move, so that nobody has to count them?"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from ..database import db, snapshot, transaction
from ..models import Dimension, Message, Status, Tally

# Rows that one folding takes up at most: a short transaction whatever has piled up.
FOLDED_AT_ONCE = 5_000
# Rows that may lie unfolded for one mailing before folding is worth a transaction.
FOLD_ABOVE = 64

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


def record(session: Session, moves: Iterable[Move]) -> None:
    """Append what the moves change; call it in the transaction that moves the messages."""
    changes: Counter[Key] = Counter()
    for move in moves:
        if move.old is not None:
            _add(changes, move, move.old, -move.count)
        _add(changes, move, move.new, move.count)
    rows = [
        {"mailing_id": mailing_id, "dimension": dimension, "key": key, "status": status, "change": change}
        for (mailing_id, dimension, key, status), change in sorted(changes.items())
        if change
    ]
    if rows:
        session.execute(insert(Tally), rows)


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


def minute_of(key: str) -> datetime:
    return datetime.strptime(key, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)


def fold() -> int:
    """Replace rows that say the same thing by their sum; the answer is how many rows are gone.

    Readers see the rows before or after, never both: it is one transaction.
    """
    crowded = select(Tally.mailing_id).group_by(Tally.mailing_id).having(func.count() > FOLD_ABOVE).limit(20)
    gone = 0
    for mailing_id in db.session.scalars(crowded).all():
        gone += _fold_one(mailing_id)
    return gone


def _fold_one(mailing_id: int) -> int:
    with transaction() as session:
        several = (
            select(Tally.id)
            .where(Tally.mailing_id == mailing_id)
            .order_by(Tally.id)
            .limit(FOLDED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        ids = session.scalars(several).all()
        taken = (
            delete(Tally)
            .where(Tally.id.in_(ids))
            .returning(Tally.dimension, Tally.key, Tally.status, Tally.change)
        )
        sums: defaultdict[tuple[Dimension, str, str], int] = defaultdict(int)
        for dimension, key, status, change in session.execute(taken):
            sums[dimension, key, status] += change
        rows = [
            {"mailing_id": mailing_id, "dimension": dimension, "key": key, "status": status, "change": change}
            for (dimension, key, status), change in sorted(sums.items())
            if change
        ]
        if rows:
            session.execute(insert(Tally), rows)
        return len(ids) - len(rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books and a count disagree."""

    status: Status
    kept: int
    counted: int


def check(mailing_id: int) -> list[Difference]:
    """Compare the kept counts with a real count, of the same instant; an empty list means that they agree."""
    with snapshot() as session:
        kept = _by_status(
            session.execute(
                select(Tally.status, func.sum(Tally.change))
                .where(Tally.mailing_id == mailing_id, Tally.dimension == Dimension.STATUS)
                .group_by(Tally.status)
            )
        )
        counted = _by_status(
            session.execute(
                select(Message.status, func.count())
                .where(Message.mailing_id == mailing_id)
                .group_by(Message.status)
            )
        )
    return [
        Difference(status, kept[status], counted[status]) for status in Status if kept[status] != counted[status]
    ]


def _by_status(rows: Iterable[Any]) -> Counter[str]:
    return Counter({str(status): int(count) for status, count in rows})
