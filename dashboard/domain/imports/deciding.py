"""What would a row change? The same for the dry run and for the run that writes."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Session

from ...models import Client, KnownPhones, Tag, client_tags
from ...phone import operator_code
from .. import bulk
from ..client_rules import ATTRIBUTES_PER_CLIENT, TAGS_PER_CLIENT
from .cells import TAG_JOINT
from .rows import BadRow, Row

# Among so many known phones for each that is sought, all are read rather than each of them looked for.
STRETCH = 4


@dataclass(frozen=True, slots=True)
class Target:
    """What one import writes to; `timezone` is for new clients whose row names none."""

    import_id: int
    owner_id: int
    timezone: str
    known: KnownPhones


@dataclass(slots=True)
class Known:
    """A client as it stands in the database, and the tags it bears."""

    id: int
    operator_code: str
    timezone: str
    attributes: dict[str, Any]
    consent_source: str | None
    consent_at: datetime | None
    is_deleted: bool
    tags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Change:
    """What a client that is known gets: all its fields, and the tags it does not bear yet."""

    client_id: int
    operator_code: str
    timezone: str
    attributes: dict[str, Any]
    consent_source: str | None
    consent_at: datetime | None
    new_tags: Collection[str]


@dataclass(slots=True)
class Plan:
    """What one batch comes to. A deleted client that comes back is a change, and counts as created."""

    new: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    returned: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)

    @property
    def created(self) -> int:
        return len(self.new) + self.returned

    @property
    def updated(self) -> int:
        return len(self.changes) - self.returned


def plan(session: Session, target: Target, rows: Sequence[Row], holds: bool) -> Plan:
    """Rows of different phones. `holds`: known clients stay as they are until the transaction ends."""
    known = _known(session, target, rows, holds)
    made = Plan()
    if not known:
        made.new = list(rows)
        return made
    for row in rows:
        _decide(target, row, known.get(row.phone), made)
    return made


def _known(session: Session, target: Target, rows: Sequence[Row], holds: bool) -> dict[str, Known]:
    sought = _likely(session, target, [row.phone for row in rows])
    if not sought:
        return {}
    mine = select(
        Client.phone,
        Client.id,
        Client.operator_code,
        Client.timezone,
        Client.attributes,
        Client.consent_source,
        Client.consent_at,
        Client.deleted_at.is_not(None),
    ).where(Client.owner_id == target.owner_id, bulk.any_bound(Client.phone.expression, "phones", String()))
    if holds:
        # By id, so that two who hold many do not wait for each other; "+ 0", because SQLite would rather read
        # all of the owner's clients in this order than look for the phones.
        mine = mine.order_by(Client.id + 0).with_for_update()
    found = session.execute(mine, {"phones": bulk.packed(sought)})
    known = {phone: Known(*values) for phone, *values in found}
    if known and target.known is KnownPhones.UPDATE:
        _add_tags(session, known.values())
    return known


def _likely(session: Session, target: Target, phones: Sequence[str]) -> Sequence[str]:
    """Those that may be known; the others are not.

    Rows come in the order of their phones, so a batch of a large file lies close together, and what is known there
    is one short stretch of an index. To look for each phone of new clients cost as much as to write their tags.
    """
    if not phones:
        return phones
    stretch = select(Client.phone).where(
        Client.owner_id == target.owner_id, Client.phone.between(min(phones), max(phones))
    )
    most = STRETCH * len(phones)
    near = set(session.scalars(stretch.limit(most + 1)))
    return phones if len(near) > most else [phone for phone in phones if phone in near]


def _add_tags(session: Session, clients: Iterable[Known]) -> None:
    by_id = {client.id: client for client in clients}
    borne = select(client_tags.c.client_id, Tag.name).join(Tag, Tag.id == client_tags.c.tag_id)
    for client_id, name in session.execute(borne.where(bulk.any_of(client_tags.c.client_id, by_id.keys()))):
        by_id[client_id].tags.add(name)


def _decide(target: Target, row: Row, known: Known | None, made: Plan) -> None:
    if known is None:
        made.new.append(row)
    elif known.is_deleted:
        made.changes.append(_fresh(target, row, known))
        made.returned += 1
    elif target.known is KnownPhones.SKIP:
        made.unchanged += 1
    else:
        _merge(row, known, made)


def _fresh(target: Target, row: Row, known: Known) -> Change:
    """A client that was deleted comes back with what the file says, and nothing of what it was."""
    return Change(
        client_id=known.id,
        operator_code=row.operator_code or operator_code(row.phone),
        timezone=row.timezone or target.timezone,
        attributes=json.loads(row.attributes),
        consent_source=row.consent_source,
        consent_at=_instant(row),
        new_tags=tags_of_row(row),
    )


def _merge(row: Row, known: Known, made: Plan) -> None:
    """Tags are added, attributes are merged, everything else is replaced where the file's cell is filled."""
    change = Change(
        client_id=known.id,
        operator_code=row.operator_code or known.operator_code,
        timezone=row.timezone or known.timezone,
        attributes=known.attributes | json.loads(row.attributes),
        consent_source=row.consent_source or known.consent_source,
        consent_at=_instant(row) or known.consent_at,
        new_tags=[name for name in tags_of_row(row) if name not in known.tags],
    )
    if len(change.attributes) > ATTRIBUTES_PER_CLIENT:
        made.bad.append(BadRow(row.line, row.phone, "too_many_attributes"))
    elif len(known.tags) + len(change.new_tags) > TAGS_PER_CLIENT:
        made.bad.append(BadRow(row.line, row.phone, "too_many_tags"))
    elif change.new_tags or not _is_same(change, known):
        made.changes.append(change)
    else:
        made.unchanged += 1


def _is_same(change: Change, known: Known) -> bool:
    fields = ("operator_code", "timezone", "attributes", "consent_source", "consent_at")
    return all(getattr(change, name) == getattr(known, name) for name in fields)


def _instant(row: Row) -> datetime | None:
    return datetime.fromisoformat(row.consent_at) if row.consent_at else None


def tags_of_row(row: Row) -> list[str]:
    return row.tags.split(TAG_JOINT) if row.tags else []
