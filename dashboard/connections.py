"""How is a connection to the database opened, and how long does it wait for a lock?"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from . import meanwhile

if TYPE_CHECKING:
    import psycopg

# So long a transaction waits for a lock before it gives up, unless its process is less patient.
LOCK_SECONDS = 30.0
# SQLite: how often one who waits looks whether the write lock is free.
LOCK_LOOK_SECONDS = 0.0005
# SQLite: within a long statement somebody who attends gets a turn after so many of its steps, some milliseconds.
STEPS_A_TURN = 100_000

_lock_seconds: ContextVar[float] = ContextVar("lock_seconds", default=LOCK_SECONDS)


@contextmanager
def lock_patience(seconds: float) -> Iterator[None]:
    """Connections that are opened inside wait so long at most for what others hold."""
    before = _lock_seconds.set(seconds)
    try:
        yield
    finally:
        _lock_seconds.reset(before)


def configure(engine: Engine) -> None:
    """Bound every wait for a lock, and make SQLite safe for several processes."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "do_connect", _connect_postgresql)
        event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "before_cursor_execute", meanwhile.attend)


def _connect_postgresql(
    _dialect: Dialect, _record: Any, args: Sequence[Any], options: dict[str, Any]
) -> "psycopg.Connection":
    return meanwhile.AttendedConnection.connect(*args, **options)


def _prepare_postgresql(connection: "psycopg.Connection", _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_lock_seconds.get() * 1000:.0f}ms",))
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    """Write-ahead log, foreign keys, our own BEGIN."""
    record.info["lock_seconds"] = _lock_seconds.get()
    connection.isolation_level = None  # the driver's own BEGIN would come too late and be deferred
    connection.execute(f"PRAGMA busy_timeout = {_lock_seconds.get() * 1000:.0f}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # 32 MiB of pages in memory, and the log emptied every 40 MB: imports were twice as fast with them.
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute("PRAGMA wal_autocheckpoint = 10000")
    connection.set_progress_handler(meanwhile.attend, STEPS_A_TURN)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("takes_write_lock"):
        try:
            _await_write_lock(connection)
        except sqlite3.Error as error:
            # SQLAlchemy wraps what statements raise, not what is raised in this event.
            statement, dialect = "BEGIN IMMEDIATE", connection.dialect
            raise DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=dialect) from error
    else:
        connection.exec_driver_sql("BEGIN DEFERRED")


def _await_write_lock(connection: Connection) -> None:
    """BEGIN IMMEDIATE, tried often: SQLite's own wait sleeps up to 100 ms while the lock is long free."""
    raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    # FULL: a message marked as being sent must not become unsent again when the power fails. NORMAL waits for the
    # disk only when the log is emptied.
    may_be_lost = connection.get_execution_options().get("may_be_lost")
    raw.execute(f"PRAGMA synchronous = {'NORMAL' if may_be_lost else 'FULL'}")
    patience = connection.connection.info["lock_seconds"]
    give_up_at = time.monotonic() + patience
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while not _has_begun(raw):
            if time.monotonic() > give_up_at:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for SQLAlchemy to raise its error
                return
            meanwhile.wait(LOCK_LOOK_SECONDS)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")


def _has_begun(raw: sqlite3.Connection) -> bool:
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
