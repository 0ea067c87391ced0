"""Who is on the stop list, since when, and by whom? Newest first, page by page, and as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from ..database import AnySelect, db, end_reading
from ..models import StopListEntry, User
from . import audit, client_search
from .audit import Thing
from .pages import COUNTED_AT_MOST, neighbours
from .permissions import Actor
from .stop_list import concerns

PAGE = 50
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    phone: str
    added_at: datetime
    source: str
    added_by: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's place in the list."""

    added_at: datetime
    phone: str


@dataclass(frozen=True, slots=True)
class EntryPage:
    """`previous` and `next` are the places to ask the neighbouring pages from; None: none there."""

    items: list[Entry]
    previous: Place | None
    next: Place | None
    total: int
    total_is_exact: bool


def page(
    actor: Actor,
    q: str = "",
    after: Place | None = None,
    before: Place | None = None,
    limit: int = PAGE,
    *,
    is_walk: bool = False,
) -> EntryPage:
    """What follows `after`, or what stands right before `before`. `q` is a phone, or its beginning or end.

    `is_walk`: as for the list of clients.
    """
    found = _entries(actor, q, after, before, limit + 1)
    if not found and (after or before) and not is_walk:
        after = before = None  # what was beyond it is gone
        found = _entries(actor, q, None, None, limit + 1)
    has_more, shown = len(found) > limit, found[:limit]
    if before is not None:
        shown.reverse()
    is_ahead, is_behind = neighbours(before is not None, after is not None, has_more)
    counted = select(StopListEntry.phone).where(concerns(actor), _matches(q)).limit(COUNTED_AT_MOST + 1)
    total = db.session.scalar(select(func.count()).select_from(counted.subquery())) or 0
    return EntryPage(
        items=shown,
        previous=_place(shown[0]) if shown and is_ahead else None,
        next=_place(shown[-1]) if shown and is_behind else None,
        total=min(total, COUNTED_AT_MOST),
        total_is_exact=total <= COUNTED_AT_MOST,
    )


def everything(actor: Actor, q: str = "") -> Iterator[Entry]:
    """Each entry once, whatever is added or removed meanwhile; in batches, so that nothing is held for long."""
    audit.note_alone(actor, "export", Thing.PHONE, after={"q": q})
    return _everything(actor, q)


def _everything(actor: Actor, q: str) -> Iterator[Entry]:
    last: Place | None = None
    while batch := _entries(actor, q, last, None, _ROWS_AT_ONCE):
        end_reading()
        yield from batch
        last = _place(batch[-1])


def _place(entry: Entry) -> Place:
    return Place(entry.added_at, entry.phone)


def _entries(actor: Actor, q: str, after: Place | None, before: Place | None, limit: int) -> list[Entry]:
    """In the direction of reading: going back, the nearest first."""
    query = (
        select(StopListEntry.phone, StopListEntry.added_at, StopListEntry.source, User.name)
        .outerjoin(User, User.id == StopListEntry.added_by_id)
        .where(concerns(actor), _matches(q))
    )
    query = _cut(query, after, before).limit(limit)
    return [Entry(*values) for values in db.session.execute(query)]


def _cut(query: AnySelect, after: Place | None, before: Place | None) -> AnySelect:
    here = (StopListEntry.added_at, StopListEntry.phone)
    if before is not None:
        return query.where(tuple_(*here) > tuple_(before.added_at, before.phone)).order_by(*here)
    if after is not None:
        query = query.where(tuple_(*here) < tuple_(after.added_at, after.phone))
    return query.order_by(*(column.desc() for column in here))


def _matches(q: str) -> ColumnElement[bool]:
    return or_(*client_search.by_phone(q, StopListEntry.phone.expression))
