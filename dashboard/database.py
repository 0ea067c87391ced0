"""How is the database reached, and who commits? `transaction()` here, and nothing else, anywhere."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, CursorResult, DateTime, MetaData, Row, Select, event, func, literal, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeDecorator

from . import meanwhile

# So long a transaction waits for a lock before it gives up, unless its process is less patient.
LOCK_SECONDS = 30.0
# SQLite: how often one who waits looks whether the write lock is free.
LOCK_LOOK_SECONDS = 0.0005
# A transaction that others stood in the way of is begun again this often.
DEADLOCK_TRIES = 5
# PostgreSQL: deadlock_detected and serialization_failure.
DEADLOCK_CODES = frozenset({"40P01", "40001"})

_lock_seconds: ContextVar[float] = ContextVar("lock_seconds", default=LOCK_SECONDS)

T = TypeVar("T")
# A row of any columns, and a query for such rows: bulk statements name their columns where they are used.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


class Base(DeclarativeBase):
    """The declarative base; names every constraint, so that each migration can drop what it made."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    import psycopg

    Model = Base
else:
    Model = db.Model


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC, in and out; SQLite, which knows no zones, keeps it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value!r}")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@contextmanager
def transaction(*, one_instant: bool = False, may_be_lost: bool = False) -> Iterator[Session]:
    """One unit of work: commits at the end, rolls back on any error.

    Whatever the session had read before is read anew inside, so that decisions rest on locked, fresh rows.
    On SQLite the write lock is taken at the start (BEGIN IMMEDIATE): a lock taken later, in the middle of a
    read transaction, fails at once instead of waiting. A transaction inside a transaction joins the outer one.
    `one_instant`: several statements see the same rows, whoever commits meanwhile. On SQLite they always do;
    PostgreSQL refuses to change what somebody else has changed since, so wrap it in `retrying`.
    `may_be_lost`: its commit does not wait for the disk. A power cut may take the last of them, each as a whole,
    and none that was followed by a commit which does wait; a killed process loses nothing.
    """
    session = db.session()
    if session.info.get("writing"):
        yield session
        return
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("objects were changed outside transaction()")
    session.rollback()
    session.expire_all()  # also what an earlier transaction() has left loaded
    session.info["writing"] = True
    try:
        options = {"takes_write_lock": True, "may_be_lost": may_be_lost, **_isolation(one_instant)}
        session.connection(execution_options=options)
        if may_be_lost and db.engine.dialect.name == "postgresql":
            session.execute(text("SET LOCAL synchronous_commit = off"))
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False


def retrying(work: Callable[[], T]) -> T:
    """Run `work`, which opens its own transaction, again when others stood in its way.

    That is: when the database chose it as a deadlock's victim, or it met a change made since its one instant.
    """
    for tries_left in range(DEADLOCK_TRIES - 1, -1, -1):
        try:
            return work()
        except OperationalError as error:
            if tries_left == 0 or getattr(error.orig, "sqlstate", None) not in DEADLOCK_CODES:
                raise
            time.sleep(0.01 * (DEADLOCK_TRIES - tries_left))
    raise AssertionError("unreachable")


def rows_changed(session: Session, guarded: UpdateBase) -> int:
    """Run a guarded UPDATE or DELETE; how many rows it found is the verdict: 0 means that somebody was quicker."""
    return cast("CursorResult[Any]", session.execute(guarded)).rowcount


def insert_or_ignore(table: Any) -> Any:
    """An INSERT that leaves rows out whose unique key exists already."""
    return insert_or_update(table).on_conflict_do_nothing()


def insert_or_update(table: Any) -> Any:
    """An INSERT that takes `on_conflict_do_update` (both databases have it, the standard does not)."""
    return (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert(table)


def json_record(fields: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """A JSON object built by the database from one row's columns."""
    build = func.jsonb_build_object if db.engine.dialect.name == "postgresql" else func.json_object
    return build(*(part for name, value in fields.items() for part in (literal(name), value)))


@contextmanager
def snapshot() -> Iterator[Session]:
    """Reads that all see one and the same instant, whoever commits meanwhile; nothing can be written.

    SQLite gives this to every transaction, PostgreSQL to those that ask for it. Inside a transaction() it joins.
    """
    session = db.session()
    if session.info.get("writing"):
        yield session
        return
    session.rollback()
    session.connection(execution_options={"postgresql_readonly": True, **_isolation(one_instant=True)})
    try:
        yield session
    finally:
        session.rollback()


def _isolation(one_instant: bool) -> dict[str, Any]:
    is_needed = one_instant and db.engine.dialect.name == "postgresql"
    return {"isolation_level": "REPEATABLE READ"} if is_needed else {}


def end_reading() -> None:
    """Let go of the snapshot and the connection that reads so far have held."""
    db.session.rollback()


def forget_connections() -> None:
    """After a fork: drop the parent's connections without closing its sockets, and begin afresh."""
    db.session.remove()
    for engine in db.engines.values():
        engine.dispose(close=False)


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


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("takes_write_lock"):
        _await_write_lock(connection)
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
