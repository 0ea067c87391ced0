"""How do clients leave as a table? Batch by batch in the order of their ids, so that memory stays flat.

Each client who matches at the beginning, and is not deleted before their turn, comes once; whoever is added
meanwhile does not come.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from ..database import db, end_reading
from ..models import Client, StopListEntry
from . import bulk, client_lists
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
        self._actor, self._wanted = actor, wanted
        self._through = db.session.scalar(select(func.max(Client.id))) or 0
        self._names = self._attribute_names()
        self.header = (*FIRST, *self._names, *LAST)

    def rows(self) -> Iterator[list[Any]]:
        for ids in self._batches():
            rows = [self._row(*found) for found in self._found(ids)]
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

    def _found(self, ids: Sequence[int]) -> Sequence[Any]:
        query = (
            select(Client, StopListEntry.added_at)
            .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
            .where(bulk.any_of(Client.id.expression, ids), Client.deleted_at.is_(None))
            .order_by(Client.id)
            .options(selectinload(Client.tags))
            .execution_options(populate_existing=True)
        )
        return db.session.execute(query).all()

    def _row(self, client: Client, stop_listed_at: Any) -> list[Any]:
        return [
            client.phone,
            client.operator_code,
            client.timezone,
            TAG_SEPARATOR.join(tag.name for tag in client.tags),
            *(client.attributes.get(name, "") for name in self._names),
            client.consent_source or "",
            *(at.isoformat(timespec="seconds") if at else "" for at in (client.consent_at, stop_listed_at)),
        ]


def _names_of(ids: Sequence[int]) -> Sequence[str]:
    if bulk.is_postgresql():
        key = func.jsonb_object_keys(Client.attributes).label("key")
        return db.session.scalars(select(key).where(bulk.any_of(Client.id.expression, ids)).distinct()).all()
    each = func.json_each(Client.attributes).table_valued("key")
    query = select(each.c.key).select_from(Client).join(each, bulk.any_of(Client.id.expression, ids))
    return db.session.scalars(query.distinct()).all()
