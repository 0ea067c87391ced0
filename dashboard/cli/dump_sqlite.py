"""How does a SQLite database get into a backup while it is written to, and back?"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

NAME = "database.sqlite"


class InUse(Exception):
    """Another process has the database open."""


def dump(database: Path, folder: Path) -> None:
    """One instant of it: SQLite's own online backup, in one step; who writes meanwhile is not held up.

    Raises sqlite3.DatabaseError if what came out is damaged.
    """
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(folder / NAME)) as target:
        source.backup(target)
        # One file, without a log beside it.
        target.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = target.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")


def require_nobody(database: Path) -> None:
    """Raises InUse. Leaving the write-ahead log takes that nobody else has the file open."""
    if not database.exists():
        return
    with closing(sqlite3.connect(database, timeout=2)) as connection:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise InUse from error
    if mode != "delete":
        raise InUse


def load(folder: Path, database: Path, stop: Callable[[Session], None]) -> None:
    """Puts it in the place of what is there, and not before `stop` has been done in it."""
    engine = create_engine(f"sqlite:///{folder / NAME}")
    with engine.begin() as connection, Session(connection) as session:
        stop(session)
    engine.dispose()
    draft = database.with_name(f"{database.name}.restoring")
    draft.unlink(missing_ok=True)
    # Beside its place, so that the last step is a rename.
    with (folder / NAME).open("rb") as source, draft.open("xb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    draft.replace(database)
