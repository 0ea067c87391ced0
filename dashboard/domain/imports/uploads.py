"""Which files wait to be read, and which are left over?"""

import math
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import and_, or_, select

from ... import clock, zones
from ...database import db, transaction
from ...models import Import, ImportState, KnownPhones
from ..client_rules import UNPRINTABLE
from ..errors import Conflict, Invalid, NotFound, Problem
from ..permissions import Actor, require_change, visible
from .reader import Reader
from .running import UNFINISHED
from .text import UnreadableError

LONGEST_FILENAME = 200
# Longer than any upload takes, and than a failed one is worth looking at.
LEFT_OVER_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class ImportDraft:
    """What the operator chose: `timezone` is for rows that name none."""

    filename: str
    known: KnownPhones
    timezone: str


def begin(actor: Actor, draft: ImportDraft, upload: Path, folder: Path) -> int:
    """The stored `upload` becomes the file of a new import that waits; answers its id.

    Raises Invalid, also where the file is plainly no table of clients.

    It moves to its place before the commit: a row without its file never shows. A file that a crash leaves
    without its row is cleared away by `sweep`.
    """
    require_change(actor)
    try:
        timezone = zones.normalise(draft.timezone)
    except zones.ZoneError as error:
        raise Invalid([Problem("timezone", error.problem)]) from None
    try:
        with Reader(upload):
            pass
    except UnreadableError as error:
        raise Invalid([Problem("file", error.code)]) from None
    with transaction() as session:
        row = Import(
            owner_id=actor.id,
            filename=UNPRINTABLE.sub("", draft.filename)[-LONGEST_FILENAME:],
            known=draft.known,
            timezone=timezone,
            size_bytes=upload.stat().st_size,
            created_at=clock.database_now(session),
        )
        session.add(row)
        session.flush()
        upload.replace(folder / str(row.id))
        return row.id


def cancel(actor: Actor, import_id: int) -> None:
    """What has been written stays. Raises NotFound, or Conflict where it has ended already."""
    require_change(actor)
    with transaction() as session:
        mine = select(Import).where(Import.id == import_id, visible(Import.owner_id, actor))
        found = session.scalar(mine.with_for_update())
        if found is None:
            raise NotFound
        if found.state not in UNFINISHED:
            raise Conflict("import_ended")
        found.state = ImportState.CANCELLED
        found.finished_at, found.lease_until = clock.database_now(session), None


def unfinished() -> list[int]:
    """Those that nobody works on: the scheduler knocks for them again."""
    now = clock.database_now(db.session())
    lapsed = and_(Import.state == ImportState.RUNNING, Import.lease_until <= now)
    idle = select(Import.id).where(or_(Import.state == ImportState.WAITING, lapsed))
    return list(db.session.scalars(idle.order_by(Import.id)))


def sweep(folder: Path) -> int:
    """Remove files that nobody needs: of ended imports, and of uploads that broke off. Answers how many."""
    if not folder.is_dir():
        return 0
    unended = db.session.scalars(select(Import.id).where(Import.state.in_(UNFINISHED)))
    needed = {str(import_id) for import_id in unended}
    old = clock.now().timestamp() - LEFT_OVER_SECONDS
    gone = [path for path in folder.iterdir() if path.name not in needed and _changed_at(path) < old]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _changed_at(path: Path) -> float:
    """Seconds since the epoch; endless for a file that has just gone, be it by its own import's end."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
