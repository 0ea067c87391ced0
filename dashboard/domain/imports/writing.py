"""What becomes of one batch of rows? Bulk statements for thousands of rows at a time, none for one row."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    String,
    Table,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ... import phone as phones
from ...database import UtcDateTime
from ...models import Client, ImportProblem
from ...models.columns import Json
from .. import bulk, erased, tags
from .deciding import Change, Plan, Target, plan, tags_of_row
from .rows import BadRow, Row

_CLIENTS = cast(Table, Client.__table__)
# What a row of the file sets.
_FIELDS: bulk.Columns = {
    "operator_code": String(),
    "timezone": String(),
    "attributes": Json,
    "consent_source": String(),
    "consent_at": UtcDateTime(),
}
_NEW = ("id", "owner_id", "phone", *_FIELDS, "import_id", "created_at", "updated_at")
# Each time, somebody else has added one of the phones, or a tag, in the few milliseconds between.
MOST_TRIES = 20
# The sequence is looked up once (OFFSET 0 keeps it so), not for each of the numbers: that took most of the time.
_NEXT_IDS = text(
    "SELECT nextval(name) FROM generate_series(1, :count),"
    " (SELECT pg_get_serial_sequence('clients', 'id')::regclass AS name OFFSET 0) AS sequence"
)
PROBLEMS_AT_ONCE = 5_000


def write(session: Session, target: Target, rows: Sequence[Row], now: datetime) -> Plan:
    """Rows of different phones, inside a transaction; answers what has been done."""
    for tries_left in range(MOST_TRIES - 1, -1, -1):
        made = plan(session, target, rows, holds=True)
        try:
            with session.begin_nested():
                _write(session, target, made, now)
            note(session, target.import_id, made.bad)
            erased.stop_again(session, [row.phone for row in rows])
            return made
        except IntegrityError:
            if tries_left == 0:
                raise
    raise AssertionError("unreachable")


def _write(session: Session, target: Target, made: Plan, now: datetime) -> None:
    tagged = _insert(session, target, made.new, now)
    _update(session, target, made.changes, now)
    tagged += [(change.client_id, name) for change in made.changes for name in change.new_tags]
    if tagged:
        ids = tags.ids_by_name(session, target.owner_id, {name for _client, name in tagged})
        pairs = sorted((ids[name], client_id) for client_id, name in tagged)
        bulk.load(session, "client_tags", ("tag_id", "client_id"), pairs)


def _insert(session: Session, target: Target, rows: Sequence[Row], now: datetime) -> list[tuple[int, str]]:
    """Answers the tags that the new clients get: id of the client, name of the tag."""
    ids = _new_ids(session, len(rows))
    at = bulk.stored_instant(now)
    bulk.load(session, "clients", _NEW, _values(target, zip(ids, rows, strict=True), at))
    return [(client_id, name) for client_id, row in zip(ids, rows, strict=True) for name in tags_of_row(row)]


def _values(target: Target, rows: Iterable[tuple[int, Row]], now: str) -> Iterable[tuple[Any, ...]]:
    for client_id, row in rows:
        phone = row.phone
        yield (
            client_id,
            target.owner_id,
            phone,
            row.operator_code or phones.operator_code(phone),
            row.timezone or target.timezone,
            row.attributes,
            row.consent_source,
            _stored(row.consent_at),
            target.import_id,
            now,
            now,
        )


@lru_cache(maxsize=1024)
def _stored(instant: str | None) -> str | None:
    return bulk.stored_instant(datetime.fromisoformat(instant)) if instant else None


def _new_ids(session: Session, count: int) -> Sequence[int]:
    """On SQLite nobody else can take them: this transaction holds the one write lock."""
    if not bulk.is_postgresql():
        first = (session.scalar(select(func.max(Client.id))) or 0) + 1
        return range(first, first + count)
    return session.scalars(_NEXT_IDS, {"count": count}).all()


def _update(session: Session, target: Target, changes: Sequence[Change], now: datetime) -> None:
    if not changes:
        return
    values = [
        [
            change.client_id,
            change.operator_code,
            change.timezone,
            change.attributes,
            change.consent_source,
            bulk.stored_instant(change.consent_at) if change.consent_at else None,
        ]
        for change in changes
    ]
    changed = bulk.rows("changed", {"id": BigInteger(), **_FIELDS}, values)
    statement = update(_CLIENTS).where(_CLIENTS.c.id == changed.c.id)
    session.execute(
        statement.values(
            **{name: changed.c[name] for name in _FIELDS},
            import_id=literal(target.import_id),
            updated_at=literal(now, UtcDateTime()),
            deleted_at=type_coerce(null(), UtcDateTime()),
        )
    )


def note(session: Session, import_id: int, faults: Sequence[BadRow]) -> None:
    """Keep what is wrong with rows."""
    if faults:
        rows = [
            {"import_id": import_id, "line": fault.line, "value": fault.value, "code": fault.code}
            for fault in faults
        ]
        session.execute(insert(ImportProblem), rows)


def forget_some(session: Session, import_id: int) -> bool:
    """Drop what an earlier dry run has noted, a few thousand at a time. False: nothing was left."""
    some = select(ImportProblem.id).where(ImportProblem.import_id == import_id).limit(PROBLEMS_AT_ONCE)
    ids = session.scalars(some).all()
    session.execute(delete(ImportProblem).where(bulk.any_of(ImportProblem.id.expression, ids)))
    return bool(ids)
