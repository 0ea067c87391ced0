"""Where else may a phone stand, in whatever notation? What people and programs typed, files, the audit log."""

import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from .. import clock
from ..database import db, end_reading, transaction
from ..models import (
    AuditLine,
    Client,
    ClientChange,
    FormDraft,
    IdempotencyKey,
    Import,
    ImportProblem,
    Trial,
    WebhookDelivery,
    WebhookEndpoint,
)
from . import audit, bulk
from .audit import Thing
from .imports import files

NO_DIGITS = re.compile(r"\D+")
REMOVED = "[erased]"
AT_ONCE = 500
PIECE = 1024 * 1024
# Digits and separators of one number that two pieces of a file may share.
OVERLAP = 40


def has(phone: str, said: Any) -> bool:
    """`phone` is canonical; the country code may be written in any way, or be missing."""
    return phone[1:] in NO_DIGITS.sub("", str(said))


def files_with(folder: Path, phone: str) -> list[Path]:
    """Files of imports that have not ended, in which the phone stands."""
    found = (path for path in folder.glob("*") if path.is_file() and files.owner_of(path).isdigit())
    return [path for path in found if _is_in_file(path, phone)]


def _is_in_file(path: Path, phone: str) -> bool:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as parts:
                return any(_is_in(parts.open(name), phone) for name in parts.namelist())
        with path.open("rb") as content:
            return _is_in(content, phone)
    except FileNotFoundError:
        return False  # its import has just ended


def _is_in(content: IO[bytes], phone: str) -> bool:
    """Digits with no more than separators between them: those of two cells are not taken for one number."""
    pattern = re.compile(rb"[\s()+.\xa0\x80-\xff-]*".join(digit.encode() for digit in phone[1:]))
    tail = b""
    while piece := content.read(PIECE):
        piece = piece.replace(b"\0", b"")  # UTF-16
        if pattern.search(tail + piece):
            return True
        tail = piece[-OVERLAP:]
    return False


def clear(phone: str, concerned: Mapping[Thing, Sequence[int]]) -> int:
    """How many rows. `concerned`: whose lines in the audit log keep nothing of what was before and after."""
    return sum(
        (
            _each(ImportProblem, ImportProblem.value, phone, lambda row: {"value": REMOVED}),
            _each(Import, Import.layout, phone, lambda row: {"layout": _without_rows(row.layout, phone)}),
            _each(Import, Import.filename, phone, lambda row: {"filename": REMOVED}),
            _each(WebhookDelivery, WebhookDelivery.answer, phone, lambda row: {"answer": REMOVED}),
            _each(ClientChange, ClientChange.selection, phone, lambda row: {"selection": {"ids": []}}),
            _each(WebhookEndpoint, WebhookEndpoint.description, phone, lambda row: {"description": REMOVED}),
            _each(Trial, Trial.text, phone, lambda row: {"text": REMOVED}),
            _each(Client, Client.attributes, phone, lambda row: {"attributes": _without_fields(row, phone)}),
            _each(Client, Client.consent_source, phone, lambda row: {"consent_source": REMOVED}),
            _drop_drafts(phone),
            _each(IdempotencyKey, IdempotencyKey.body, phone, None),
            _each(IdempotencyKey, IdempotencyKey.key, phone, None),
            _clear_audit(phone, concerned),
        )
    )


def _without_rows(layout: Mapping[str, Any], phone: str) -> dict[str, Any]:
    rows = [[""] * len(row) if has(phone, " ".join(row)) else row for row in layout["rows"]]
    return {**layout, "rows": rows}


def _without_fields(client: Client, phone: str) -> dict[str, Any]:
    """Of somebody else. The field goes as a whole: mailings that ask for it skip them, and send no gap."""
    return {name: value for name, value in client.attributes.items() if not has(phone, value)}


def _drop_drafts(phone: str) -> int:
    query = select(FormDraft.user_id, FormDraft.form_key, cast(FormDraft.fields, Text))
    found = [row for row in db.session.execute(query.where(_like(FormDraft.fields, phone))) if has(phone, row[2])]
    with transaction() as session:
        for user_id, form_key, _fields in found:
            mine = (FormDraft.user_id == user_id, FormDraft.form_key == form_key)
            session.execute(delete(FormDraft).where(*mine))
    return len(found)


def _each(
    table: Any,
    column: InstrumentedAttribute[Any],
    phone: str,
    emptied: Callable[[Any], dict[str, Any]] | None,
) -> int:
    """Rows whose column holds the phone are emptied; without `emptied` they go."""
    count = 0
    for ids in _found(table, column, phone):
        with transaction() as session:
            rows = session.scalars(select(table).where(bulk.any_of(table.id.expression, ids)).with_for_update())
            # Whoever has a client's form open must not write it back.
            touched = {"updated_at": clock.database_now(session)} if table is Client else {}
            for row in rows.all():
                if emptied is None:
                    session.execute(delete(table).where(table.id == row.id))
                else:
                    session.execute(update(table).where(table.id == row.id).values({**emptied(row), **touched}))
        count += len(ids)
    return count


def _found(table: Any, column: InstrumentedAttribute[Any], phone: str) -> Iterable[list[int]]:
    """The database finds what has the digits in this order; whether nothing else stands between is asked here."""
    query = select(table.id, cast(column, Text)).where(_like(column, phone))
    ids = [row[0] for row in db.session.execute(query.order_by(table.id)) if has(phone, row[1])]
    end_reading()
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _like(column: InstrumentedAttribute[Any], phone: str) -> ColumnElement[bool]:
    return cast(column, Text).like("%" + "%".join(phone[1:]) + "%")


def clear_lines(session: Session, thing: Thing, ids: Sequence[int]) -> None:
    """What the audit log says of these was before and after. Inside a transaction."""
    lines = select(AuditLine).where(
        AuditLine.object_type == thing.value,
        bulk.any_of(AuditLine.object_id.expression, ids),
        or_(AuditLine.before.is_not(None), AuditLine.after.is_not(None)),
    )
    with audit.permitted(session):
        for line in session.scalars(lines).all():
            line.before = line.after = None
        session.flush()


def _clear_audit(phone: str, concerned: Mapping[Thing, Sequence[int]]) -> int:
    """That something was done, when and by whom, stays; what it was goes.

    Lines that say the phone come last: should this break off, they lead to the others again.
    """
    theirs = [
        and_(AuditLine.object_type == thing.value, bulk.any_of(AuditLine.object_id.expression, ids))
        for thing, ids in concerned.items()
        if ids
    ]
    wholly = set(db.session.scalars(select(AuditLine.id).where(or_(*theirs))))
    saying = {
        line_id
        for column in (AuditLine.before, AuditLine.after)
        for ids in _found(AuditLine, column, phone)
        for line_id in ids
    }
    wholly |= _of_the_same(saying, phone)
    end_reading()
    ids = [*sorted(wholly - saying), *sorted(saying)]
    for start in range(0, len(ids), AT_ONCE):
        with transaction() as session, audit.permitted(session):
            for line_id in ids[start : start + AT_ONCE]:
                _clear_line(session, line_id, phone, is_theirs=line_id in wholly)
    return len(ids)


def _of_the_same(line_ids: Collection[int], phone: str) -> set[int]:
    """All lines of the clients and trials that had this phone: of some the row itself is long gone.

    Who only has it in some field, or a message whose text names it, is somebody else's.
    """
    about = (AuditLine.object_type, AuditLine.object_id, AuditLine.before, AuditLine.after)
    named = select(*about).where(
        bulk.any_of(AuditLine.id.expression, sorted(line_ids)),
        AuditLine.object_type.in_((Thing.CLIENT, Thing.TRIAL)),
        AuditLine.object_id.is_not(None),
    )
    of_them = {
        (object_type, object_id)
        for object_type, object_id, before, after in db.session.execute(named).all()
        if phone in (_own_phone(before), _own_phone(after))
    }
    found: set[int] = set()
    for object_type, object_id in of_them:
        same = (AuditLine.object_type == object_type, AuditLine.object_id == object_id)
        found.update(db.session.scalars(select(AuditLine.id).where(*same)))
    return found


def _own_phone(said: Mapping[str, Any] | None) -> Any:
    return (said or {}).get("phone")


def _clear_line(session: Session, line_id: int, phone: str, *, is_theirs: bool) -> None:
    line = session.get_one(AuditLine, line_id)
    if is_theirs:
        line.before = line.after = None
    else:
        line.before, line.after = _without(line.before, phone), _without(line.after, phone)
    if line.object_type == Thing.PHONE and line.object_id == int(phone):
        line.object_id = None
    session.flush()


def _without(said: Any, phone: str) -> Any:
    if isinstance(said, Mapping):
        return {name: _without(value, phone) for name, value in said.items()}
    if isinstance(said, list):
        return [_without(value, phone) for value in said]
    return REMOVED if isinstance(said, str) and has(phone, said) else said
