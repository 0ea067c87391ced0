"""What does a person do with an import, step by step? A file, its mapping, the go-ahead, or a cancel."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock, zones
from ...database import db, transaction
from ...models import Import, ImportState, KnownPhones
from .. import audit
from ..audit import Thing
from ..client_rules import UNPRINTABLE
from ..errors import Conflict, Invalid, NotFound, Problem
from ..permissions import Actor, require_change, visible
from . import files, leases, mapping
from .layout import FileLimits, Layout, look
from .mapping import Mapping
from .running import ENDED
from .text import UnreadableError

LONGEST_FILENAME = 200
# Longer than any upload takes, and than a failed one is worth looking at.
LEFT_OVER_SECONDS = 24 * 3600
# Until the go-ahead everything can be changed.
OPEN = (ImportState.MAPPING, ImportState.CHECKING, ImportState.CHECKED)
ZEROS = {"rows_read": 0, "rows_done": 0, "bytes_read": 0, "created": 0, "updated": 0, "unchanged": 0}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was stored in the folder of imports under a name of its own."""

    path: Path
    filename: str


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """What the operator chose: `timezone` is for rows that name none, and the clock of dates without one.

    `starts_itself`: once the dry run has ended, nobody needs to say that it may go on.
    """

    mapping: Mapping
    known: KnownPhones
    timezone: str
    starts_itself: bool = False


def begin(
    actor: Actor,
    upload: Upload,
    timezone: str,
    folder: Path,
    limits: FileLimits,
    choose: Callable[[Mapping], MappingDraft] | None = None,
) -> int:
    """The stored upload becomes the file of a new import; answers its id. `timezone` is proposed.

    `choose`: what somebody who does not look first makes of the guessed columns; then the dry run may begin. A
    guess that is not enough, and that nobody has corrected, waits until more is said.
    Raises Invalid where the file is plainly no table of clients, or what was chosen cannot be.

    It moves to its place before the commit: a row without its file never shows. A file that a crash leaves
    without its row is cleared away by `sweep`.
    """
    require_change(actor)
    layout = _look(upload, limits)
    with transaction() as session:
        row = Import(
            owner_id=actor.id,
            known=KnownPhones.UPDATE,
            timezone=timezone,
            filename="",
            size_bytes=0,
            created_at=clock.database_now(session),
        )
        session.add(row)
        guessed = _put(row, upload, layout)
        if choose:
            _choose(row, choose(guessed), layout, guessed)
        session.flush()
        audit.note(session, actor, "begin", Thing.IMPORT, row.id, after=_said(row))
        upload.path.replace(files.uploaded(folder, row.id))
        return row.id


def _choose(row: Import, draft: MappingDraft, layout: Layout, guessed: Mapping) -> None:
    timezone, zone_problems = _zone(draft.timezone)
    problems = mapping.check(draft.mapping, layout.width)
    if zone_problems or (problems and draft.mapping != guessed):
        raise Invalid([*problems, *zone_problems])
    _keep(row, draft, timezone)
    row.state = ImportState.MAPPING if problems else ImportState.CHECKING


def replace_file(actor: Actor, import_id: int, upload: Upload, folder: Path, limits: FileLimits) -> None:
    """Another file for an import that has not been started; what was chosen beside its columns stays.

    Raises NotFound, Conflict, Invalid.
    """
    require_change(actor)
    layout = _look(upload, limits)
    with transaction() as session:
        row = _open(session, actor, import_id)
        before = _said(row)
        _put(row, upload, layout)
        _take_back(row)
        session.flush()
        audit.note(session, actor, "replace_file", Thing.IMPORT, row.id, before, _said(row))
        files.begin_anew(folder, row.id)
        upload.path.replace(files.uploaded(folder, row.id))


def keep_mapping(actor: Actor, import_id: int, draft: MappingDraft) -> None:
    """As it was typed, however unfinished, to be gone on with later. Raises NotFound, Conflict.

    What is already kept takes nothing back: the page may say it once more just after the dry run was asked for.
    """
    require_change(actor)
    kept = (draft.mapping.as_json(), draft.known, draft.timezone[: zones.LONGEST_INPUT])
    with transaction() as session:
        row = _open(session, actor, import_id)
        if kept != (row.mapping, row.known, row.timezone):
            row.mapping, row.known, row.timezone = kept
            _take_back(row)


def map_columns(actor: Actor, import_id: int, draft: MappingDraft) -> None:
    """Say which column holds what; the dry run may begin. Raises NotFound, Conflict, Invalid."""
    require_change(actor)
    timezone, zone_problems = _zone(draft.timezone)
    with transaction() as session:
        row = _open(session, actor, import_id)
        width = Layout.from_json(row.layout).width if row.layout else None
        if problems := [*mapping.check(draft.mapping, width), *zone_problems]:
            raise Invalid(problems)
        before = _said(row)
        _keep(row, draft, timezone)
        audit.note(session, actor, "map_columns", Thing.IMPORT, row.id, before, _said(row))
        _take_back(row)
        row.state = ImportState.CHECKING


def _zone(typed: str) -> tuple[str, list[Problem]]:
    try:
        return zones.normalise(typed), []
    except zones.ZoneError as error:
        return "", [Problem("timezone", error.problem)]


def _said(row: Import) -> dict[str, Any]:
    """What the audit log is told of an import."""
    return audit.columns(row, "filename", "size_bytes", "known", "timezone", "mapping", "starts_itself")


def _keep(row: Import, draft: MappingDraft, timezone: str) -> None:
    row.mapping, row.known, row.timezone = draft.mapping.as_json(), draft.known, timezone
    row.starts_itself = draft.starts_itself


def start(actor: Actor, import_id: int) -> None:
    """Write what the dry run has read. Twice is once. Raises NotFound, or Conflict where it is not checked."""
    require_change(actor)
    with transaction() as session:
        row = locked(session, actor, import_id)
        if row.state in (ImportState.WAITING, ImportState.RUNNING, ImportState.FINISHED):
            return
        if row.state is not ImportState.CHECKED:
            raise Conflict("import_ended" if row.state in ENDED else "import_not_checked")
        audit.note(session, actor, "start", Thing.IMPORT, row.id)
        for name, value in leases.GO_AHEAD.items():
            setattr(row, name, value)


def cancel(actor: Actor, import_id: int, folder: Path) -> None:
    """What has been written stays. Raises NotFound, or Conflict where it has ended already."""
    call_off(actor, import_id)
    files.discard(folder, import_id)


def call_off(actor: Actor, import_id: int) -> None:
    """The same, but for its files: who holds it meanwhile discards them once that is committed."""
    require_change(actor)
    with transaction() as session:
        row = locked(session, actor, import_id)
        if row.state in ENDED:
            raise Conflict("import_ended")
        audit.note(session, actor, "cancel", Thing.IMPORT, row.id, before={"state": row.state})
        if row.state in OPEN:
            row.created = row.updated = row.unchanged = 0
        row.state = ImportState.CANCELLED
        row.finished_at, row.lease_until = clock.database_now(session), None


def unfinished() -> list[int]:
    """Those that have something to do and nobody does it: the scheduler knocks for them again."""
    idle = leases.is_idle(clock.database_now(db.session()))
    return list(db.session.scalars(select(Import.id).where(idle).order_by(Import.id)))


def sweep(folder: Path) -> int:
    """Remove files that nobody needs: of ended imports, and of uploads that broke off. Answers how many."""
    if not folder.is_dir():
        return 0
    unended = db.session.scalars(select(Import.id).where(Import.state.not_in(ENDED)))
    needed = {str(import_id) for import_id in unended}
    old = clock.now().timestamp() - LEFT_OVER_SECONDS
    gone = [path for path in folder.iterdir() if files.owner_of(path) not in needed and _changed_at(path) < old]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _look(upload: Upload, limits: FileLimits) -> Layout:
    try:
        return look(upload.path, limits)
    except UnreadableError as error:
        params = {} if error.limit is None else {"limit": error.limit}
        raise Invalid([Problem("file", error.code, params)]) from None


def _put(row: Import, upload: Upload, layout: Layout) -> Mapping:
    """Answers what its columns are guessed to be."""
    guessed = mapping.guess(layout.rows)
    row.filename = UNPRINTABLE.sub("", upload.filename)[-LONGEST_FILENAME:]
    row.size_bytes = upload.path.stat().st_size
    row.layout, row.mapping = layout.as_json(), guessed.as_json()
    return guessed


def _take_back(row: Import) -> None:
    """To the mapping; a dry run under way loses its lease."""
    row.state = ImportState.MAPPING
    row.lease_token = row.lease_until = row.rows_total = None
    for name, zero in ZEROS.items():
        setattr(row, name, zero)
    row.bad = row.duplicates = 0


def _open(session: Session, actor: Actor, import_id: int) -> Import:
    row = locked(session, actor, import_id)
    if row.state not in OPEN:
        raise Conflict("import_ended" if row.state in ENDED else "import_started")
    return row


def locked(session: Session, actor: Actor, import_id: int) -> Import:
    """Held until the end of the transaction. Raises NotFound."""
    wanted = select(Import).where(Import.id == import_id, visible(Import.owner_id, actor))
    found = session.scalar(wanted.with_for_update())
    if found is None:
        raise NotFound
    return found


def _changed_at(path: Path) -> float:
    """Seconds since the epoch; endless for a file that has just gone, be it by its own import's end."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
