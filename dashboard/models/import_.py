"""What becomes of a file of clients, from its arrival to its result?"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, choice


class ImportState(StrEnum):
    """In the order of the journey; the last three end it."""

    # The file is there; a person says which column holds what.
    MAPPING = "mapping"
    # The dry run waits or is under way.
    CHECKING = "checking"
    # A person looks at what would happen.
    CHECKED = "checked"
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class KnownPhones(StrEnum):
    UPDATE = "update"
    SKIP = "skip"


class Import(Model):
    """The file itself lies in DATA_DIR/imports under this id until the import has ended."""

    __tablename__ = "imports"
    # The list, newest first.
    __table_args__ = (Index(None, "owner_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(200))
    known: Mapped[KnownPhones] = mapped_column(choice(KnownPhones))
    # For rows that name no zone.
    timezone: Mapped[str] = mapped_column(String(64))
    # It goes on by itself once its dry run has ended: nobody looks at it first.
    starts_itself: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ImportState] = mapped_column(choice(ImportState), default=ImportState.MAPPING)
    # Why the whole file could not be read; a code.
    failure: Mapped[str | None] = mapped_column(String(32))
    # How the file is to be read, and its first rows (domain/imports/layout).
    layout: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # Which column holds what, as the person has said it last (domain/imports/mapping).
    mapping: Mapped[dict[str, Any] | None] = mapped_column(Json)
    size_bytes: Mapped[int] = mapped_column(BigId)
    # How far the dry run is.
    bytes_read: Mapped[int] = mapped_column(BigId, default=0)
    # In the file, once the dry run has read it.
    rows_total: Mapped[int | None]
    rows_read: Mapped[int] = mapped_column(default=0)
    # The checkpoint: rows of the sorted file up to this one are written. A run that is begun again skips them.
    rows_done: Mapped[int] = mapped_column(default=0)
    # What the dry run expects; from the start on, what has really happened.
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    # Rows that are not taken; those whose phone stood there before are counted apart.
    bad: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Who works on it, until when: a run whose worker died is taken over after that.
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImportProblem(Model):
    """One row of the file that was not taken, and why."""

    __tablename__ = "import_problems"
    # The list in the order of the file.
    __table_args__ = (Index(None, "import_id", "line"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    # The line of the file, counted from 1, header included.
    line: Mapped[int]
    # What stood there, cut to 200 characters.
    value: Mapped[str] = mapped_column(String(200))
    code: Mapped[str] = mapped_column(String(32))
