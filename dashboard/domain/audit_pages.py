"""Who has done what? The audit log, newest first, page by page, and as a whole. For administrators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Select, select

from ..database import db, end_reading
from ..models import AuditLine
from ..origin import Via
from . import audit, pages
from .audit import Thing
from .pages import Cursor, Page
from .permissions import Actor, require_administration

PAGE = 50
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """None or empty: no condition; all of them hold together. `since` counts, `until` does not."""

    actor_id: int | None = None
    thing: Thing | None = None
    object_id: int | None = None
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`before` and `after` hold what differs; of what came new there is no before, of what went no after."""

    id: int
    at: datetime
    actor_id: int | None
    actor_name: str | None
    via: Via
    token_id: int | None
    ip: str | None
    request_id: str | None
    verb: str
    object_type: str
    object_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @classmethod
    def of(cls, row: AuditLine) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """Name, old and new value, in the order in which they were noted; None: there was or is none.

        Of a value that has names itself, each by its own: `attributes.city`.
        """
        old, new = _by_name(self.before), _by_name(self.after)
        return [(name, old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)]


def _by_name(said: Mapping[str, Any] | None) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in (said or {}).items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": each for inner, each in value.items()})
        else:
            flat[name] = value
    return flat


def page(actor: Actor, wanted: Wanted, cursor: Cursor, limit: int = PAGE, *, is_walk: bool = False) -> Page[Line]:
    """`is_walk`: as for other lists. Raises Forbidden."""
    require_administration(actor)
    ids = _matching(select(AuditLine.id), wanted)

    def ids_at(where: Cursor, count: int) -> Select[Any]:
        return where.cut(ids, AuditLine.id.expression, count)

    return pages.turn_to(cursor, limit, ids_at, ids.limit(pages.COUNTED_AT_MOST + 1), _lines, is_walk=is_walk)


def everything(actor: Actor, wanted: Wanted) -> Iterator[Line]:
    """Oldest first, up to now; in batches, so that nothing is held for long. Raises Forbidden."""
    require_administration(actor)
    audit.note_alone(actor, "export_audit", Thing.SERVICE, after={"filter": asdict(wanted)})
    return _everything(wanted)


def _everything(wanted: Wanted) -> Iterator[Line]:
    query = _matching(select(AuditLine), wanted).order_by(AuditLine.id).limit(_ROWS_AT_ONCE)
    last = 0
    while rows := db.session.scalars(query.where(AuditLine.id > last)).all():
        lines = [Line.of(row) for row in rows]
        end_reading()
        yield from lines
        last = lines[-1].id


def _lines(ids: Sequence[int]) -> list[Line]:
    query = select(AuditLine).where(AuditLine.id.in_(ids)).order_by(AuditLine.id.desc())
    return [Line.of(row) for row in db.session.scalars(query)]


def _matching(query: Select[Any], wanted: Wanted) -> Select[Any]:
    """Each of these alone has an index that ends with the number, in whose order lists go."""
    if wanted.actor_id is not None:
        query = query.where(AuditLine.actor_id == wanted.actor_id)
    if wanted.thing is not None:
        query = query.where(AuditLine.object_type == wanted.thing.value)
    if wanted.object_id is not None:
        query = query.where(AuditLine.object_id == wanted.object_id)
    if wanted.verb:
        query = query.where(AuditLine.verb == wanted.verb)
    if wanted.since is not None:
        query = query.where(AuditLine.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditLine.at < wanted.until)
    return query
