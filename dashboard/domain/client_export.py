"""How do clients leave as a table? Batch by batch in the order of their ids, so that memory stays flat.

Each client who matches at the beginning, and is not deleted before their turn, comes once; whoever is added
meanwhile does not come.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select

from ..database import AnyRow, db, end_reading
from ..models import Client, StopListEntry, Tag, client_tags
from . import audit, bulk, client_lists
from .audit import Thing
from .client_rules import ATTRIBUTES_PER_CLIENT
from .client_search import ClientFilter
from .permissions import Actor

BATCH = 1_000
# What the import calls the columns, so that a file that was exported can be imported again.
FIRST = ("phone", "operator_code", "timezone", "tags")
LAST = ("consent_source", "consent_at", "stop_listed_at")
TAG_SEPARATOR = "|"
# Spreadsheets end at 16,384 columns; beyond so many, one reads nothing any more.
MOST_ATTRIBUTES = 10 * ATTRIBUTES_PER_CLIENT


class Export:
    """A header, and rows to be walked once; instants in ISO 8601, UTC."""

    def __init__(self, actor: Actor, wanted: ClientFilter) -> None:
        audit.note_alone(actor, "export", Thing.CLIENT, after={"filter": wanted.kept})
        self._actor, self._wanted = actor, wanted
        self._through = db.session.scalar(select(func.max(Client.id))) or 0
        self._names = self._attribute_names()
        self.header = (*FIRST, *self._names, *LAST)

    def rows(self) -> Iterator[list[Any]]:
        for ids in self._batches():
            tags = _tags_of(ids)
            rows = [self._row(found, tags.get(found.id, ())) for found in _found(ids)]
            end_reading()
            yield from rows

    def _batches(self) -> Iterator[list[int]]:
        last = 0
        while ids := client_lists.ids_after(self._actor, self._wanted, last, self._through, BATCH):
            yield ids
            last = ids[-1]

    def _attribute_names(self) -> list[str]:
        """Of all who match: each has a column. They are collected first, because a header comes first."""
        names: set[str] = set()
        for ids in self._batches():
            names.update(_names_of(ids))
            end_reading()
        return sorted(names)[:MOST_ATTRIBUTES]

    def _row(self, found: AnyRow, tags: Sequence[str]) -> list[Any]:
        return [
            found.phone,
            found.operator_code,
            found.timezone,
            TAG_SEPARATOR.join(tags),
            *(found.attributes.get(name, "") for name in self._names),
            found.consent_source or "",
            *(at.isoformat(timespec="seconds") if at else "" for at in (found.consent_at, found.stop_listed_at)),
        ]


def _found(ids: Sequence[int]) -> Sequence[AnyRow]:
    """Columns instead of objects: a third of the time."""
    query = (
        select(
            Client.id,
            Client.phone,
            Client.operator_code,
            Client.timezone,
            Client.attributes,
            Client.consent_source,
            Client.consent_at,
            StopListEntry.added_at.label("stop_listed_at"),
        )
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .where(bulk.any_of(Client.id.expression, ids), Client.deleted_at.is_(None))
        .order_by(Client.id)
    )
    return db.session.execute(query).all()


def _tags_of(ids: Sequence[int]) -> dict[int, list[str]]:
    query = select(client_tags.c.client_id, Tag.name).join(Tag, Tag.id == client_tags.c.tag_id)
    tags: dict[int, list[str]] = defaultdict(list)
    for client_id, name in db.session.execute(
        query.where(bulk.any_of(client_tags.c.client_id, ids)).order_by(Tag.name)
    ):
        tags[client_id].append(name)
    return tags


def _names_of(ids: Sequence[int]) -> Sequence[str]:
    if bulk.is_postgresql():
        key = func.jsonb_object_keys(Client.attributes).label("key")
        return db.session.scalars(select(key).where(bulk.any_of(Client.id.expression, ids)).distinct()).all()
    each = func.json_each(Client.attributes).table_valued("key")
    query = select(each.c.key).select_from(Client).join(each, bulk.any_of(Client.id.expression, ids))
    return db.session.scalars(query.distinct()).all()
