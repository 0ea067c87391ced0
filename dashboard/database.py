"""How is the database reached, and who commits? `transaction()` here, and nothing else, anywhere."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, CursorResult, DateTime, MetaData, Row, Select, func, literal, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeDecorator

# A transaction that others stood in the way of is begun again this often.
DEADLOCK_TRIES = 5
# PostgreSQL: deadlock_detected and serialization_failure.
DEADLOCK_CODES = frozenset({"40P01", "40001"})

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
        # Known to connections.py by these names.
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
