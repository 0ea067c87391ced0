"""Which clients does an actor see, page by page?

Made for a million clients: pages go by a key (no OFFSET), counting stops at a bound, and a page's clients come
with their tags in two statements.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_, union, union_all
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from ..database import AnySelect, db
from ..models import Client, StopListEntry, User, client_tags
from . import client_search
from .client_search import ClientFilter, Listed
from .pages import COUNTED_AT_MOST
from .permissions import Actor, may_see_all, visible
from .tags import MOST_CHOICES

__all__ = ["ClientFilter", "ClientPage", "ClientRow", "Listed", "Place", "Sort", "codes_of", "page", "zones_of"]

PAGE = 50


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Place:
    """A client's place in a list. `phone` tells it where the list goes by phone, and is empty elsewhere."""

    id: int
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What follows `after`, or what stands right before `before`; neither: the beginning of the list."""

    after: Place | None = None
    before: Place | None = None


BEGINNING = Ask()


@dataclass(frozen=True, slots=True)
class ClientRow:
    id: int
    phone: str
    operator_code: str
    timezone: str
    tags: tuple[str, ...]
    attributes: Mapping[str, str]
    # Told to those who see everybody's clients.
    owner_name: str | None
    is_stop_listed: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ClientPage:
    """`previous` and `next` are the places to ask the neighbouring pages from; None: none there."""

    items: list[ClientRow]
    sort: Sort
    previous: Place | None
    next: Place | None
    total: int
    total_is_exact: bool


def page(
    actor: Actor,
    wanted: ClientFilter,
    ask: Ask = BEGINNING,
    sort: Sort = Sort.NEWEST,
    limit: int = PAGE,
) -> ClientPage:
    """Who is found by a part of a number is listed by phone, whatever was asked: see client_search."""
    walk = _Walk(actor, wanted, Sort.PHONE if wanted.is_part else sort)
    places = walk.places(ask, limit + 1)
    if not places and ask != BEGINNING:
        ask = BEGINNING  # what was beyond it is gone
        places = walk.places(ask, limit + 1)
    has_more, shown = len(places) > limit, places[:limit]
    if ask.before is not None:
        shown.reverse()
    has_previous = has_more if ask.before is not None else ask.after is not None
    has_next = ask.before is not None or has_more
    total = walk.count(COUNTED_AT_MOST + 1)
    return ClientPage(
        items=_rows(actor, [place.id for place in shown]),
        sort=walk.sort,
        previous=shown[0] if shown and has_previous else None,
        next=shown[-1] if shown and has_next else None,
        total=min(total, COUNTED_AT_MOST),
        total_is_exact=total <= COUNTED_AT_MOST,
    )


def count(actor: Actor, wanted: ClientFilter, through: int) -> int:
    """Exactly how many match, up to this id: it reads them all."""
    return _Walk(actor, wanted, Sort.OLDEST).count(None, Client.id <= through)


def ids_after(actor: Actor, wanted: ClientFilter, after: int, through: int, limit: int) -> list[int]:
    """The next ids of all that match, in ascending order: for a walk over a list that changes meanwhile."""
    walk = _Walk(actor, wanted, Sort.OLDEST)
    return [place.id for place in walk.places(Ask(after=Place(after)), limit, Client.id <= through)]


def still(actor: Actor, wanted: ClientFilter) -> list[ColumnElement[bool]]:
    """The conditions for a client that is looked at by itself."""
    return _Walk(actor, wanted, Sort.PHONE).conditions_of_one()


class _Walk:
    """One filter, one order; the parts of which the list is put together, each walked by its own index."""

    def __init__(self, actor: Actor, wanted: ClientFilter, sort: Sort) -> None:
        self.sort = sort
        self._conditions = client_search.conditions(actor, wanted)
        self._ways = client_search.by_phone(wanted.q)
        self._tag_ids = (client_search.tag_ids(actor, wanted.tag) or [0]) if wanted.tag else None

    def places(self, ask: Ask, limit: int, *more: ColumnElement[bool]) -> list[Place]:
        """In the direction of reading: going back, the nearest first."""
        parts = [self._cut(part.where(*more), ask, limit) for part in self._parts()]
        if len(parts) == 1:
            found = parts[0]
        else:
            together = union(*(select(part.subquery()) for part in parts)).subquery()
            found = select(together).order_by(*self._order(together.c, ask)).limit(limit)
        is_by_phone = self.sort is Sort.PHONE
        return [Place(row.id, row.phone if is_by_phone else "") for row in db.session.execute(found)]

    def count(self, limit: int | None, *more: ColumnElement[bool]) -> int:
        parts = [part.where(*more).limit(limit) for part in self._parts()]
        # A client has one tag of a name at most, but may match a number in two ways.
        join = union_all if len(self._ways) == 1 else union
        together = join(*(select(part.subquery()) for part in parts)) if len(parts) > 1 else parts[0]
        counted = select(together.subquery().c.id).limit(limit).subquery()
        return db.session.scalar(select(func.count()).select_from(counted)) or 0

    def conditions_of_one(self) -> list[ColumnElement[bool]]:
        matches = self._ways[0]
        for way in self._ways[1:]:
            matches = matches | way
        return [*self._conditions, matches, *([] if self._tag_ids is None else [self._bears(self._tag_ids)])]

    def _parts(self) -> Iterator[AnySelect]:
        if self._tag_ids is None or self.sort is Sort.PHONE:
            tagged = [] if self._tag_ids is None else [self._bears(self._tag_ids)]
            for way in self._ways:
                yield select(Client.id, Client.phone).where(*self._conditions, *tagged, way)
            return
        # Each tag's clients stand in the order of their ids in the table's key, so a page of a tag that a million
        # bear costs a page; one condition for all tags would have to sort them.
        for tag_id, way in product(self._tag_ids, self._ways):
            bearers = select(client_tags.c.client_id.label("id"), Client.phone).where(*self._conditions, way)
            yield bearers.join(Client, Client.id == client_tags.c.client_id).where(client_tags.c.tag_id == tag_id)

    @staticmethod
    def _bears(tag_ids: Sequence[int]) -> ColumnElement[bool]:
        borne = select(client_tags.c.client_id).where(client_tags.c.client_id == Client.id)
        return borne.where(client_tags.c.tag_id.in_(tag_ids)).exists()

    def _cut(self, part: AnySelect, ask: Ask, limit: int) -> AnySelect:
        place = ask.after or ask.before
        columns = part.selected_columns
        if place is not None:
            here = tuple_(columns.phone, columns.id) if self.sort is Sort.PHONE else columns.id
            there = tuple_(place.phone, place.id) if self.sort is Sort.PHONE else place.id
            part = part.where(here < there if self._descends(ask) else here > there)
        return part.order_by(*self._order(columns, ask)).limit(limit)

    def _order(self, columns: Any, ask: Ask) -> list[ColumnElement[Any]]:
        keys = [columns.phone, columns.id] if self.sort is Sort.PHONE else [columns.id]
        return [key.desc() for key in keys] if self._descends(ask) else keys

    def _descends(self, ask: Ask) -> bool:
        return (self.sort is Sort.NEWEST) != (ask.before is not None)


def codes_of(actor: Actor) -> list[str]:
    """The operator codes of the clients, in order."""
    return _values_of(actor, Client.operator_code)


def zones_of(actor: Actor) -> list[str]:
    """The time zones of the clients, in order."""
    return _values_of(actor, Client.timezone)


def _values_of(actor: Actor, column: InstrumentedAttribute[str]) -> list[str]:
    """Jumps through the index (owner, column) from one value to the next, whatever the number of clients."""

    def following(owner_id: Any, value: Any) -> Any:
        ahead = select(column).where(Client.owner_id == owner_id, column > value, Client.deleted_at.is_(None))
        return ahead.order_by(column).limit(1).scalar_subquery()

    first = select(User.id.label("owner_id"), following(User.id, "").label("value"))
    walk = first.where(visible(User.id, actor)).cte("walk", recursive=True)
    step = select(walk.c.owner_id, following(walk.c.owner_id, walk.c.value))
    walk = walk.union_all(step.where(walk.c.value.is_not(None)))
    values = select(walk.c.value).where(walk.c.value.is_not(None)).distinct()
    return list(db.session.scalars(values.order_by(walk.c.value).limit(MOST_CHOICES)))


def _rows(actor: Actor, ids: Sequence[int]) -> list[ClientRow]:
    """In the order of the ids."""
    query = (
        select(Client, User.name, StopListEntry.phone)
        .join(User, User.id == Client.owner_id)
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .where(Client.id.in_(ids))
        .options(selectinload(Client.tags))
    )
    rows = {
        client.id: ClientRow(
            id=client.id,
            phone=client.phone,
            operator_code=client.operator_code,
            timezone=client.timezone,
            tags=tuple(tag.name for tag in client.tags),
            attributes=client.attributes,
            owner_name=owner_name if may_see_all(actor) else None,
            is_stop_listed=listed is not None,
            created_at=client.created_at,
        )
        for client, owner_name, listed in db.session.execute(query)
    }
    return [rows[each] for each in ids if each in rows]
