"""Whom must nobody message, and who may say so? Kept by phone, for the whole installation."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, delete, exists, literal, or_, select, true
from sqlalchemy.orm import Session

from .. import clock
from .. import phone as phones
from ..database import UtcDateTime, db, insert_or_ignore, transaction
from ..models import Client, StopListEntry
from . import audit, bulk, erased
from .audit import Thing
from .client_rules import canonical_phone
from .errors import Invalid, NotFound, Problem
from .permissions import Actor, may_administer, may_see_all, require_change

# Lines that are taken at once: a list of 10,000 is 150 kB of typing. Longer ones come as a file.
MOST_LINES = 10_000
_LINES_AT_ONCE = 1_000


class Source(StrEnum):
    """Where the wish came from."""

    OPERATOR = "operator"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not taken, counted from 1; `value` as it was typed, `code` why."""

    line: int
    value: str
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the lines: phones that are new, that were listed already, and lines to be mended."""

    added: int
    known: int
    bad: tuple[BadLine, ...]


def is_listed(phone: str) -> bool:
    """`phone` in its canonical form; also one that was listed when its person was erased."""
    is_open = select(exists().where(StopListEntry.phone == phone))
    return bool(db.session.scalar(is_open)) or erased.is_stopped(phone)


def add(actor: Actor, phone: str, source: Source = Source.OPERATOR) -> None:
    """A phone that is listed already keeps its date and source. Raises Invalid or NotFound."""
    require_change(actor)
    canonical = canonical_phone(phone)
    with transaction() as session:
        if not _concerned(actor, [canonical]):
            raise NotFound
        now = clock.database_now(session)
        entry = {"phone": canonical, "added_at": now, "added_by_id": actor.id, "source": source.value}
        added = insert_or_ignore(StopListEntry).values(entry).returning(StopListEntry.phone)
        if session.scalar(added) is not None:
            audit.note(session, actor, "stop", Thing.PHONE, int(canonical), after={"source": source})


def add_many(actor: Actor, lines: Sequence[str]) -> Outcome:
    """One phone a line; empty lines count, and are passed over. Good lines are taken whatever the others are.

    Raises Invalid where there is nothing to take, or too much at once.
    """
    require_change(actor)
    if len(lines) > MOST_LINES:
        raise Invalid([Problem("phones", "too_many_lines", {"limit": MOST_LINES})])
    wanted, bad = _read(lines)
    if not wanted and not bad:
        raise Invalid([Problem("phones", "phone_empty")])
    added, known = 0, 0
    for start in range(0, len(wanted), _LINES_AT_ONCE):
        part = list(wanted)[start : start + _LINES_AT_ONCE]
        allowed, new = _add_part(actor, part)
        added, known = added + new, known + len(allowed) - new
        for phone in part:
            if phone not in allowed:
                bad.append(BadLine(*wanted[phone], "phone_not_yours"))
    return Outcome(added, known, tuple(sorted(bad, key=lambda bad_line: bad_line.line)))


def _read(lines: Sequence[str]) -> tuple[dict[str, tuple[int, str]], list[BadLine]]:
    """The number and text of the first line of each phone, and the lines that are none."""
    wanted: dict[str, tuple[int, str]] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            wanted.setdefault(phones.normalise(text), (number, text))
        except phones.PhoneError as error:
            bad.append(BadLine(number, text, error.problem.value))
    return wanted, bad


def _add_part(actor: Actor, part: Sequence[str]) -> tuple[set[str], int]:
    """Those of these phones that are this actor's business, and how many of them were not listed yet."""
    with transaction() as session:
        allowed = _concerned(actor, part)
        added = put(session, actor, allowed, clock.database_now(session))
        if added:
            audit.note(session, actor, "stop_many", Thing.PHONE, after={"phones": sorted(allowed), "new": added})
        return allowed, added


def put(session: Session, actor: Actor, wanted: Collection[str], now: datetime) -> int:
    """How many of these phones were not listed yet; others keep their date and source. Inside a transaction."""
    rows = bulk.rows("phones", {"phone": String()}, [[phone] for phone in sorted(wanted)])
    entry: dict[str, ColumnElement[Any]] = {
        "added_at": literal(now, UtcDateTime()),
        "added_by_id": literal(actor.id),
        "source": literal(Source.OPERATOR.value),
    }
    insertion = insert_or_ignore(StopListEntry).from_select(
        ["phone", *entry], bulk.everything(rows, *entry.values()), include_defaults=False
    )
    return len(session.scalars(insertion.returning(StopListEntry.phone)).all())


def remove(actor: Actor, phone: str) -> None:
    """A phone that is not listed is no error. Raises Invalid or NotFound."""
    require_change(actor)
    canonical = canonical_phone(phone)
    with transaction() as session:
        mine = delete(StopListEntry).where(StopListEntry.phone == canonical, concerns(actor))
        gone = session.execute(mine.returning(StopListEntry.added_at, StopListEntry.source)).one_or_none()
        if gone is not None:
            before = audit.columns(gone, "added_at", "source")
            audit.note(session, actor, "unstop", Thing.PHONE, int(canonical), before)
        elif is_listed(canonical) or not _concerned(actor, [canonical]):
            raise NotFound


def concerns(actor: Actor) -> ColumnElement[bool]:
    """The entries that this actor sees: all, or the phones of their clients and what they put there themselves."""
    if may_see_all(actor):
        return true()
    is_clients = exists().where(
        Client.owner_id == actor.id, Client.phone == StopListEntry.phone, Client.deleted_at.is_(None)
    )
    return or_(StopListEntry.added_by_id == actor.id, is_clients)


def _concerned(actor: Actor, wanted: Sequence[str]) -> set[str]:
    """Those of the canonical phones that this actor may list: any for an administrator, else their clients'."""
    if may_administer(actor):
        return set(wanted)
    mine = select(Client.phone).where(Client.owner_id == actor.id, Client.deleted_at.is_(None))
    return set(db.session.scalars(mine.where(bulk.any_of(Client.phone.expression, wanted))))
