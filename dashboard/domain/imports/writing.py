"""What becomes of one batch of rows? Bulk statements for a thousand rows at a time, none for one row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    Table,
    exists,
    insert,
    literal,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from ... import phone as phones
from ...database import UtcDateTime, insert_or_ignore
from ...models import Client, ImportProblem, KnownPhones, Tag, client_tags
from ...models.columns import Json
from .. import bulk, tags
from ..client_rules import ATTRIBUTES_PER_CLIENT, TAGS_PER_CLIENT
from .rows import BadRow, Row

_CLIENTS = cast(Table, Client.__table__)
# What a row of the file sets.
_FIELDS: bulk.Columns = {"operator_code": String(), "timezone": String(), "attributes": Json}


@dataclass(frozen=True, slots=True)
class Target:
    """What one import writes to; `timezone` is for new clients whose row names none."""

    import_id: int
    owner_id: int
    timezone: str
    known: KnownPhones
    now: datetime


@dataclass(slots=True)
class Outcome:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: list[BadRow] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """A client as it stands in the database, and the tags it bears."""

    id: int
    operator_code: str
    timezone: str
    attributes: dict[str, Any]
    import_id: int | None
    is_deleted: bool
    tags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Plan:
    """What one round has decided, to be written statement by statement."""

    new: list[Row] = field(default_factory=list)
    # The client's id and its fields, in the order of _FIELDS.
    changed: list[list[Any]] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)
    # Client's id and the names of the tags it gets.
    tagged: list[tuple[int, Iterable[str]]] = field(default_factory=list)


def write(session: Session, target: Target, rows: Sequence[Row | BadRow]) -> Outcome:
    """Inside a transaction. The second row of one phone in a file is a bad one, so a batch that has been
    committed must not be written again.
    """
    outcome = Outcome()
    pending = _first_of_each_phone(rows, outcome)
    while pending:
        pending = _round(session, target, pending, outcome)
    note(session, target.import_id, outcome.bad)
    return outcome


def _first_of_each_phone(rows: Sequence[Row | BadRow], outcome: Outcome) -> dict[str, Row]:
    first: dict[str, Row] = {}
    for row in rows:
        if isinstance(row, BadRow):
            outcome.bad.append(row)
        elif row.phone in first:
            outcome.bad.append(_duplicate(row))
        else:
            first[row.phone] = row
    return first


def _round(session: Session, target: Target, rows: dict[str, Row], outcome: Outcome) -> dict[str, Row]:
    """Write what can be written; answers the rows whose phone somebody else added a moment ago."""
    known = _known(session, target, rows)
    plan = _Plan()
    for phone, row in rows.items():
        _decide(target, row, known.get(phone), plan, outcome)
    left = _insert(session, target, plan, outcome)
    _update(session, target, plan)
    _tag(session, target, plan)
    return left


def _known(session: Session, target: Target, rows: dict[str, Row]) -> dict[str, _Known]:
    """Those of the phones that the owner has, held until the end of the transaction."""
    mine = select(
        Client.phone,
        Client.id,
        Client.operator_code,
        Client.timezone,
        Client.attributes,
        Client.import_id,
        Client.deleted_at.is_not(None),
    ).where(Client.owner_id == target.owner_id, bulk.any_of(Client.phone.expression, rows.keys()))
    # By id, so that two who hold many do not wait for each other; "+ 0", because SQLite would rather read all
    # of the owner's clients in this order than look for the phones.
    held = session.execute(mine.order_by(Client.id + 0).with_for_update())
    known = {phone: _Known(*values) for phone, *values in held}
    if known and any(rows[phone].tags for phone in known):
        by_id = {client.id: client for client in known.values()}
        borne = select(client_tags.c.client_id, Tag.name).join(Tag, Tag.id == client_tags.c.tag_id)
        for client_id, name in session.execute(borne.where(bulk.any_of(client_tags.c.client_id, by_id.keys()))):
            by_id[client_id].tags.add(name)
    return known


def _decide(target: Target, row: Row, known: _Known | None, plan: _Plan, outcome: Outcome) -> None:
    if known is None:
        plan.new.append(row)
    elif known.import_id == target.import_id:
        outcome.bad.append(_duplicate(row))
    elif known.is_deleted:
        plan.changed.append([known.id, *_values(target, row)])
        plan.tagged.append((known.id, row.tags))
        outcome.created += 1
    elif target.known is KnownPhones.SKIP:
        plan.touched.append(known.id)
        outcome.unchanged += 1
    else:
        _merge(target, row, known, plan, outcome)


def _merge(target: Target, row: Row, known: _Known, plan: _Plan, outcome: Outcome) -> None:
    """The file's tags and attributes are added to the client's; zone and code count only where filled."""
    code = row.operator_code or known.operator_code
    timezone = row.timezone or known.timezone
    attributes = known.attributes | row.attributes
    new_tags = [name for name in row.tags if name not in known.tags]
    is_same = (code, timezone, attributes) == (known.operator_code, known.timezone, known.attributes)
    if len(attributes) > ATTRIBUTES_PER_CLIENT:
        outcome.bad.append(BadRow(row.line, row.phone, "too_many_attributes"))
    elif len(known.tags) + len(new_tags) > TAGS_PER_CLIENT:
        outcome.bad.append(BadRow(row.line, row.phone, "too_many_tags"))
    elif new_tags or not is_same:
        plan.changed.append([known.id, code, timezone, attributes])
        plan.tagged.append((known.id, new_tags))
        outcome.updated += 1
    else:
        plan.touched.append(known.id)
        outcome.unchanged += 1


def _insert(session: Session, target: Target, plan: _Plan, outcome: Outcome) -> dict[str, Row]:
    if not plan.new:
        return {}
    values = [[row.phone, *_values(target, row)] for row in plan.new]
    new = bulk.rows("new", {"phone": String(), **_FIELDS}, values)
    fixed = {"owner_id": literal(target.owner_id), "created_at": _instant(target.now), **_marks(target)}
    insertion = insert_or_ignore(_CLIENTS).from_select(
        [*new.c.keys(), *fixed], bulk.everything(new, *fixed.values()), include_defaults=False
    )
    written = session.execute(insertion.returning(_CLIENTS.c.phone, _CLIENTS.c.id))
    ids: dict[str, int] = dict(written.all())
    plan.tagged += [(ids[row.phone], row.tags) for row in plan.new if row.tags and row.phone in ids]
    outcome.created += len(ids)
    return {row.phone: row for row in plan.new if row.phone not in ids}


def _update(session: Session, target: Target, plan: _Plan) -> None:
    """Rows that stay as they are get the import's mark, by which a second row of the phone is recognised."""
    if plan.changed:
        changed = bulk.rows("changed", {"id": BigInteger(), **_FIELDS}, plan.changed)
        values = {name: changed.c[name] for name in _FIELDS}
        change = update(_CLIENTS).where(_CLIENTS.c.id == changed.c.id)
        session.execute(change.values(**values, **_marks(target)))
    if plan.touched:
        mark = update(_CLIENTS).where(bulk.any_of(_CLIENTS.c.id, plan.touched))
        session.execute(mark.values(import_id=target.import_id))


def _tag(session: Session, target: Target, plan: _Plan) -> None:
    names = {name for _client_id, names in plan.tagged for name in names}
    if names:
        ids = tags.ids_by_name(session, target.owner_id, names)
        pairs = [(ids[name], client_id) for client_id, names in plan.tagged for name in names]
        links = bulk.rows("links", {"tag_id": Integer(), "client_id": BigInteger()}, pairs)
        session.execute(insert_or_ignore(client_tags).from_select(links.c.keys(), bulk.everything(links)))


def _values(target: Target, row: Row) -> list[Any]:
    """In the order of _FIELDS."""
    code = row.operator_code or phones.operator_code(row.phone)
    return [code, row.timezone or target.timezone, row.attributes]


def _marks(target: Target) -> dict[str, ColumnElement[Any]]:
    """What every row gets that the import writes to."""
    return {
        "import_id": literal(target.import_id),
        "updated_at": _instant(target.now),
        "deleted_at": type_coerce(null(), UtcDateTime()),
    }


def _instant(at: datetime) -> ColumnElement[Any]:
    return literal(at, UtcDateTime())


def note(session: Session, import_id: int, faults: Sequence[BadRow]) -> None:
    """Keep what is wrong with rows, or with the header."""
    if faults:
        rows = [
            {"import_id": import_id, "line": fault.line, "value": fault.value, "code": fault.code}
            for fault in sorted(faults, key=lambda fault: fault.line)
        ]
        session.execute(insert(ImportProblem), rows)


def note_once(session: Session, import_id: int, faults: Sequence[BadRow]) -> None:
    """Keep what is wrong with the header; a run that begins again has noted it before."""
    noted = exists().where(ImportProblem.import_id == import_id)
    if not session.scalar(select(noted)):
        note(session, import_id, faults)


def _duplicate(row: Row) -> BadRow:
    return BadRow(row.line, row.phone, "duplicate_in_file")
