"""Which clients come next in a list, by whatever filter and order?

Made for a million clients: lists are walked by a key (no OFFSET) and put together from parts, each of which an
index serves; counting stops at a bound.
"""

from functools import cached_property
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    func,
    or_,
    select,
    union,
    union_all,
)

from ..database import AnySelect, db
from ..models import Client, client_tags
from . import bulk, client_search
from .client_order import Ask, Place, Reading, Sort, key_of
from .client_search import Bearers, ClientFilter, Listed
from .pages import COUNTED_AT_MOST
from .permissions import Actor, visible

# So many on the stop list, or of several conditions, are counted, and taken together to be put in order; beyond, a
# list says "more than".
FEW = 1_000


class Walk:
    """One filter, one order; the parts of which the list is put together, each walked by its own index."""

    def __init__(self, actor: Actor, wanted: ClientFilter, sort: Sort) -> None:
        self.sort = sort
        self._wanted = wanted
        self._is_visible = visible(Client.owner_id, actor)
        self._whose = client_search.whose(actor, wanted)
        self._conditions = client_search.conditions(wanted)
        self._ways = client_search.by_phone(wanted.q)
        self._tags = client_search.bearers_of(actor, wanted.tag) if wanted.tag else []

    def places(self, ask: Ask, limit: int, through: int | None = None) -> list[Place]:
        """In the direction of reading: going back, the nearest first. None has an id above `through`."""
        reading = Reading(self.sort, ask)
        if through is None and self._few is not None:
            return reading.among(self._few)[:limit]
        if self._goes_by_keys:
            parts = [part.limit(limit) for part in self._keyed(through, reading)]
        else:
            parts = [reading.of(part).limit(limit) for part in self._parts(through)]
        if len(parts) == 1:
            found = parts[0]
        else:
            together = union(*(select(part.subquery()) for part in parts)).subquery()
            found = select(together).order_by(*reading.order(together.c)).limit(limit)
        return self._read(found)

    def total(self) -> tuple[int, bool]:
        """How many there are, up to a bound; and whether that is all."""
        if self._wanted.stop is Listed.YES:
            return (FEW, False) if self._few is None else (len(self._few), True)
        most = FEW if self._wanted.is_combined else COUNTED_AT_MOST
        count = self.count(most + 1)
        return min(count, most), count <= most

    def count(self, limit: int | None, through: int | None = None) -> int:
        found = self._keyed(through) if self._has_keys else self._parts(through)
        parts = [part.limit(limit) for part in found]
        # A client has one tag of a name at most, but may match a number in two ways.
        join = union_all if len(self._ways) == 1 else union
        together = join(*(select(part.subquery()) for part in parts)) if len(parts) > 1 else parts[0]
        counted = select(together.subquery().c.id).limit(limit).subquery()
        return db.session.scalar(select(func.count()).select_from(counted)) or 0

    def conditions_of_one(self) -> list[ColumnElement[bool]]:
        return [self._is_visible, *self._conditions, or_(*self._ways), *self._bears()]

    @cached_property
    def _few(self) -> list[Place] | None:
        """All of those on the stop list, in ascending order, where they are few.

        PostgreSQL takes conditions for independent of each other: to find the first in the order of a list, it
        would walk through all who bear a tag, and if none of them is listed, that is everybody (2 s for 500,000).
        Asked for some in any order, it begins where there are fewest.
        """
        if self._wanted.stop is not Listed.YES:
            return None
        parts = [part.limit(FEW + 1) for part in self._parts(None)]
        found = self._read(union(*(select(part.subquery()) for part in parts)) if len(parts) > 1 else parts[0])
        return sorted(found, key=key_of) if len(found) <= FEW else None

    @property
    def _has_keys(self) -> bool:
        """Do several conditions hold that have an index each, in which clients stand by their ids?"""
        return self._may_go_by_keys and self._wanted.is_keyed_by(2)

    @property
    def _goes_by_keys(self) -> bool:
        """By phone one such condition is enough: along all phones, those of a code may stand far behind."""
        return self._may_go_by_keys and self._wanted.is_keyed_by(1 if self.sort is Sort.PHONE else 2)

    @property
    def _may_go_by_keys(self) -> bool:
        is_borne = bool(self._tags) or not self._wanted.tag
        return bool(client_search.keys(self._wanted)) and is_borne and self._wanted.stop is not Listed.YES

    def _read(self, found: Select[Any] | CompoundSelect[Any]) -> list[Place]:
        is_by_phone = self.sort is Sort.PHONE
        return [Place(row.id, row.phone if is_by_phone else "") for row in db.session.execute(found)]

    def _keyed(self, through: int | None, reading: Reading | None = None) -> list[AnySelect]:
        """Each owner's who meet all conditions, where that can be told from indexes alone.

        Their entries are laid side by side, in the order of the ids. To take those of one condition and look for
        the others in each client's row took 150 ms for the 100,000 of a code.
        """
        ids: list[ColumnElement[bool]] = [] if through is None else [Client.id <= through]
        if reading and reading.place:
            ids.append(reading.beyond(Client, reading.place))
        owners = self._tags if self._wanted.tag else self._whose
        return [self._side_by_side(owner, ids, reading) for owner in owners]

    def _side_by_side(
        self, of: Bearers | ColumnElement[bool], ids: list[ColumnElement[bool]], reading: Reading | None
    ) -> AnySelect:
        owner = Client.owner_id == of.owner_id if isinstance(of, Bearers) else of
        of_owner = [owner, Client.deleted_at.is_(None), *ids]
        first, *others = [
            _entries([*of_owner, condition], descends=(reading or Reading(self.sort)).descends)
            for condition in client_search.keys(self._wanted)
        ]
        is_sorted = reading is not None and self.sort is Sort.PHONE
        found = _meeting(first, others, at_once=is_sorted)
        if self._wanted.stop is not Listed.ANY:
            found = found.join(Client, Client.id == first.c.id).where(*self._conditions)
        if reading is not None:
            found = found.order_by(*reading.sorted_order(first.c))
        if not isinstance(of, Bearers):
            return found
        if reading is not None and is_sorted:
            return self._bearers_among(found, of, reading)
        found = found.join(client_tags, client_tags.c.client_id == first.c.id)
        return found.where(client_tags.c.tag_id == of.tag_id)

    def _bearers_among(self, found: AnySelect, of: Bearers, reading: Reading) -> AnySelect:
        """One after the other in their order, until there are enough: a join would look at all of them."""
        listed = (found.offset(0) if bulk.is_postgresql() else found).subquery()
        borne = select(client_tags.c.tag_id).where(
            client_tags.c.tag_id == of.tag_id, client_tags.c.client_id == listed.c.id
        )
        looked_up = borne.limit(1).scalar_subquery().is_not(None)
        return select(listed).where(looked_up).order_by(*reading.sorted_order(listed.c))

    def _parts(self, through: int | None) -> list[AnySelect]:
        """Each tag's clients stand in the order of their ids in the table's key, so a page of a tag that a million
        bear costs a page; one condition for all tags would have to sort them.
        """
        if self._wanted.is_tag_alone and self._tags and self.sort is not Sort.PHONE:
            return [_bearing(tag, through) for tag in self._tags]
        all_ = select(Client.id, Client.phone).where(*self._conditions)
        if through is not None:
            all_ = all_.where(Client.id <= through)
        if not self._tags or self.sort is Sort.PHONE or self._wanted.stop is Listed.YES:
            return [all_.where(whose, *self._bears(), way) for whose, way in product(self._whose, self._ways)]
        return [
            all_.join(client_tags, Client.id == client_tags.c.client_id)
            # Who is imported together is often tagged together: outside of these ids, nobody need be looked at.
            .where(client_tags.c.tag_id == tag.tag_id, Client.id.between(tag.first, tag.last), way)
            .where(Client.owner_id == tag.owner_id)
            for tag, way in product(self._tags, self._ways)
        ]

    def _bears(self) -> list[ColumnElement[bool]]:
        if not self._wanted.tag:
            return []
        borne = select(client_tags.c.client_id).where(client_tags.c.client_id == Client.id)
        return [borne.where(client_tags.c.tag_id.in_([tag.tag_id for tag in self._tags])).exists()]


def _meeting(first: Subquery, others: list[Subquery], *, at_once: bool) -> AnySelect:
    """Entries of the first condition that meet the others; `at_once`: all of them are looked for.

    SQLite would look each up in its row. Where all are wanted, it lists those of the other condition instead, from
    their index alone; for that the id has to be an expression, which no index holds.
    """
    found: AnySelect = select(first.c.id, first.c.phone)
    for other in others:
        if at_once and not bulk.is_postgresql():
            found = found.where((first.c.id + 0).in_(select(other.c.id)))
        else:
            found = found.join(other, other.c.id == first.c.id)
    return found


def _entries(conditions: list[ColumnElement[bool]], *, descends: bool) -> Subquery:
    """Of one index. OFFSET 0 keeps PostgreSQL from looking into rows for this and for others at once."""
    entries = select(Client.id, Client.phone).where(*conditions)
    if bulk.is_postgresql():
        entries = entries.order_by(Client.id.desc() if descends else Client.id).offset(0)
    return entries.subquery()


def _bearing(tag: Bearers, through: int | None) -> AnySelect:
    """All who bear this tag, from the table of tags alone."""
    bearing = select(client_tags.c.client_id.label("id")).where(client_tags.c.tag_id == tag.tag_id)
    return bearing if through is None else bearing.where(client_tags.c.client_id <= through)
