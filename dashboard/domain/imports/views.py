"""How far is an import, and what was wrong in its file?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from ...database import db, transaction
from ...models import Import, ImportProblem, ImportState, KnownPhones, User
from .. import audit, pages
from ..audit import Thing
from ..errors import NotFound
from ..pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from ..permissions import Actor, may_see_all, require_change, visible
from .layout import Layout
from .mapping import Mapping
from .uploads import OPEN, locked

PAGE = 50
PROBLEMS_PAGE = 100
_PROBLEMS_AT_ONCE = 1_000
# The share of a dry run's time that reading takes; the rest is comparing with the clients.
_READING = 0.6


@dataclass(frozen=True, slots=True)
class ImportView:
    id: int
    owner_id: int
    # Told to those who see everybody's imports.
    owner_name: str | None
    filename: str
    known: KnownPhones
    timezone: str
    starts_itself: bool
    state: ImportState
    failure: str | None
    size_bytes: int
    bytes_read: int
    # In the file; None until the dry run has read it all.
    rows_total: int | None
    rows_read: int
    rows_done: int
    # What the dry run expects; from the start on, what has really happened.
    created: int
    updated: int
    unchanged: int
    bad: int
    duplicates: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def version(self) -> str:
        """Another one as soon as anything that is shown has changed."""
        return f"{self.state}-{self.rows_read}-{self.rows_done}-{self.bytes_read}"

    @property
    def step(self) -> int:
        """Of the four: file, columns, dry run, import."""
        if self.state is ImportState.MAPPING:
            return 2
        return 3 if self.state in (ImportState.CHECKING, ImportState.CHECKED) or not self.started_at else 4

    @property
    def is_open(self) -> bool:
        """File and columns can still be changed."""
        return self.state in OPEN

    @property
    def share(self) -> float:
        """How much of the step under way is done, from 0 to 1."""
        if self.state in (ImportState.CHECKED, ImportState.FINISHED):
            return 1.0
        if self.state is ImportState.CHECKING:
            read = self.bytes_read / self.size_bytes if self.size_bytes else 0.0
            compared = self.rows_done / self.rows_total if self.rows_total else 0.0
            return _READING * read + (1 - _READING) * compared
        return self.rows_read / self.rows_total if self.rows_total else 0.0

    @property
    def not_taken(self) -> int:
        return self.bad + self.duplicates


@dataclass(frozen=True, slots=True)
class Columns:
    """What the mapping is made from, and what has been chosen so far."""

    layout: Layout
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class ProblemView:
    line: int
    value: str
    code: str


def get(actor: Actor, import_id: int) -> ImportView:
    """Raises NotFound."""
    found = next(_views(actor, Import.id == import_id), None)
    if found is None:
        raise NotFound
    return found


@contextmanager
def held(actor: Actor, import_id: int) -> Iterator[ImportView]:
    """An import as it is, and as people and workers leave it until the end of the block, which is one transaction.

    Raises Forbidden and NotFound.
    """
    require_change(actor)
    with transaction() as session:
        locked(session, actor, import_id)
        yield get(actor, import_id)


def columns(actor: Actor, import_id: int) -> Columns:
    """Raises NotFound, also where the columns are not known: it ended before they were kept (migration 0004)."""
    kept = select(Import.layout, Import.mapping).where(Import.id == import_id, visible(Import.owner_id, actor))
    found = db.session.execute(kept).one_or_none()
    if found is None or found.layout is None or found.mapping is None:
        raise NotFound
    return Columns(Layout.from_json(found.layout), Mapping.from_json(found.mapping))


def page(actor: Actor, cursor: Cursor = NEWEST, limit: int = PAGE, *, is_walk: bool = False) -> Page[ImportView]:
    """The newest first."""
    mine = select(Import.id).where(visible(Import.owner_id, actor))
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: at.cut(mine, Import.id.expression, most),
        count=mine.limit(COUNTED_AT_MOST + 1),
        items_of=lambda ids: list(_views(actor, Import.id.in_(ids))),
        is_walk=is_walk,
    )


def problems(actor: Actor, import_id: int, after_line: int = 0, limit: int = PROBLEMS_PAGE) -> list[ProblemView]:
    """In the order of the file. Raises NotFound. A row has one problem."""
    get(actor, import_id)
    query = (
        select(ImportProblem.line, ImportProblem.value, ImportProblem.code)
        .where(ImportProblem.import_id == import_id, ImportProblem.line > after_line)
        .order_by(ImportProblem.line, ImportProblem.id)
        .limit(limit)
    )
    return [ProblemView(line, value, code) for line, value, code in db.session.execute(query)]


@dataclass(frozen=True, slots=True)
class ProblemsPage:
    """`next_after` and `previous_before` are lines for the neighbouring pages; None: there is none."""

    items: list[ProblemView]
    previous_before: int | None
    next_after: int | None


def problems_page(actor: Actor, import_id: int, after: int | None, before: int | None) -> ProblemsPage:
    """Behind the line `after`, or just in front of `before`; neither: the first. Raises NotFound."""
    get(actor, import_id)
    query = select(ImportProblem.line, ImportProblem.value, ImportProblem.code).where(
        ImportProblem.import_id == import_id
    )
    if before is not None:
        query = query.where(ImportProblem.line < before).order_by(ImportProblem.line.desc())
    else:
        query = query.where(ImportProblem.line > (after or 0)).order_by(ImportProblem.line)
    found = [ProblemView(*values) for values in db.session.execute(query.limit(PROBLEMS_PAGE + 1))]
    has_more, shown = len(found) > PROBLEMS_PAGE, sorted(found[:PROBLEMS_PAGE], key=lambda problem: problem.line)
    is_ahead, is_behind = pages.neighbours(before is not None, bool(after), has_more)
    return ProblemsPage(
        items=shown,
        previous_before=shown[0].line if shown and is_ahead else None,
        next_after=shown[-1].line if shown and is_behind else None,
    )


def all_problems(actor: Actor, import_id: int) -> Iterator[ProblemView]:
    """Raises NotFound."""
    get(actor, import_id)
    audit.note_alone(actor, "export_problems", Thing.IMPORT, import_id)
    return _all_problems(actor, import_id)


def _all_problems(actor: Actor, import_id: int) -> Iterator[ProblemView]:
    last = 0
    while found := problems(actor, import_id, last, _PROBLEMS_AT_ONCE):
        yield from found
        last = found[-1].line


def _views(actor: Actor, wanted: ColumnElement[bool]) -> Iterator[ImportView]:
    fields = [name for name in ImportView.__dataclass_fields__ if name != "owner_name"]
    query = (
        select(*(getattr(Import, name) for name in fields), User.name)
        .join(User, User.id == Import.owner_id)
        .where(wanted, visible(Import.owner_id, actor))
        .order_by(Import.id.desc())
    )
    for *values, owner_name in db.session.execute(query):
        told = owner_name if may_see_all(actor) else None
        yield ImportView(**dict(zip(fields, values, strict=True)), owner_name=told)
