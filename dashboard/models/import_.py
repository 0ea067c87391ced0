"""What became of a file of clients?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, choice


class ImportState(StrEnum):
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
    __table_args__ = (Index(None, "owner_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(200))
    known: Mapped[KnownPhones] = mapped_column(choice(KnownPhones))
    # For rows that name no zone.
    timezone: Mapped[str] = mapped_column(String(64))
    state: Mapped[ImportState] = mapped_column(choice(ImportState), default=ImportState.WAITING)
    # Why the whole file could not be read; a code.
    failure: Mapped[str | None] = mapped_column(String(32))
    size_bytes: Mapped[int] = mapped_column(BigId)
    bytes_read: Mapped[int] = mapped_column(BigId, default=0)
    # The checkpoint: rows up to this one are written. A run that is begun again skips them.
    rows_read: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Who works on it, until when: a run whose worker died is taken over after that.
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImportProblem(Model):
    """One row of the file that was not taken, and why."""

    __tablename__ = "import_problems"
    __table_args__ = (Index(None, "import_id", "line"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    # The line of the file, counted from 1, header included.
    line: Mapped[int]
    # What stood there, cut to 200 characters.
    value: Mapped[str] = mapped_column(String(200))
    code: Mapped[str] = mapped_column(String(32))
