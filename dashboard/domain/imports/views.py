"""How far is an import, and what was wrong in its file?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from ...database import db
from ...models import Import, ImportProblem, ImportState, KnownPhones, User
from .. import pages
from ..errors import NotFound
from ..pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from ..permissions import Actor, may_see_all, visible

PAGE = 50
PROBLEMS_PAGE = 100
_PROBLEMS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class ImportView:
    id: int
    owner_id: int
    # Told to those who see everybody's imports.
    owner_name: str | None
    filename: str
    known: KnownPhones
    timezone: str
    state: ImportState
    failure: str | None
    size_bytes: int
    bytes_read: int
    rows_read: int
    created: int
    updated: int
    unchanged: int
    bad: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def version(self) -> str:
        """Another one as soon as anything that is shown has changed."""
        return f"{self.state}-{self.rows_read}"


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


def page(actor: Actor, cursor: Cursor = NEWEST, limit: int = PAGE) -> Page[ImportView]:
    """The newest first."""
    mine = select(Import.id).where(visible(Import.owner_id, actor))
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: at.cut(mine, Import.id.expression, most),
        count=mine.limit(COUNTED_AT_MOST + 1),
        items_of=lambda ids: list(_views(actor, Import.id.in_(ids))),
    )


def problems(actor: Actor, import_id: int, after_line: int = 0, limit: int = PROBLEMS_PAGE) -> list[ProblemView]:
    """In the order of the file. Raises NotFound. A row has one problem; only a header may have a few more."""
    get(actor, import_id)
    query = (
        select(ImportProblem.line, ImportProblem.value, ImportProblem.code)
        .where(ImportProblem.import_id == import_id, ImportProblem.line > after_line)
        .order_by(ImportProblem.line, ImportProblem.id)
        .limit(limit)
    )
    return [ProblemView(line, value, code) for line, value, code in db.session.execute(query)]


def all_problems(actor: Actor, import_id: int) -> Iterator[ProblemView]:
    """Raises NotFound at the first step."""
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
