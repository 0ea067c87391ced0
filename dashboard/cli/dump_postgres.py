"""How does a PostgreSQL database get into a backup while it is written to, and back?

By COPY over the connection that Vestnik has anyway: pg_dump would have to be installed, of the server's version or
a later one, on whichever machine the command is given. The schema is not in it: migrations make it. Nor is it said
whether `messages` lie in partitions: those are no tables here, and are read and filled through the whole.
"""

from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString, cast

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from ..database import snapshot, transaction

if TYPE_CHECKING:
    import psycopg

TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
# Which table refers to which other one; PostgreSQL counts each partition that is referred to once more.
REFERENCES = """
    SELECT referring.relname, referred.relname FROM pg_constraint
    JOIN pg_class referring ON referring.oid = conrelid JOIN pg_class referred ON referred.oid = confrelid
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conparentid = 0
    AND conrelid <> confrelid
"""
# What migrations have made beside tables, and what an extension has brought is not.
OUR_FUNCTIONS = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE pronamespace = current_schema()::regnamespace AND proowner = current_user::regrole
    AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""
FOLDER = "tables"
VERSIONS = "alembic_version"
PIECE = 1 << 20


def dump(folder: Path) -> None:
    """All tables at one instant; nobody is held up."""
    (folder / FOLDER).mkdir()
    with snapshot() as session:
        for name in _tables(session):
            # Not of the table itself: of one in partitions there is nothing to copy.
            rows = sql.SQL("SELECT {} FROM {}").format(_columns(session, name), sql.Identifier(name))
            copy = sql.SQL("COPY ({}) TO STDOUT").format(rows)
            file = folder / FOLDER / name
            with _driver(session).cursor() as cursor, file.open("wb") as target, cursor.copy(copy) as pieces:
                for piece in pieces:
                    target.write(piece)


def others() -> int:
    """How many other connections there are to this database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with snapshot() as session:
        return int(session.scalar(text(query)) or 0)


def clear() -> None:
    """Removes every table and function, for migrations to make those of another version."""
    with transaction() as session:
        names = [*session.scalars(text(TABLES))]
        if names:
            every = sql.SQL(", ").join(map(sql.Identifier, names))
            _driver(session).execute(sql.SQL("DROP TABLE {}").format(every))
        for function in session.scalars(text(OUR_FUNCTIONS)).all():
            session.execute(text(f"DROP FUNCTION {function}"))


def load(folder: Path, stop: Callable[[Session], None]) -> None:
    """Replaces every row of every table, and does `stop`, in one transaction; the schema is the backup's."""
    with transaction() as session:
        names = _tables(session)
        every = sql.SQL(", ").join(map(sql.Identifier, names))
        with _driver(session).cursor() as cursor:
            # Some tables refuse to lose rows, but not to have them replaced by their own older ones.
            for name in names:
                cursor.execute(_triggers(name, "DISABLE"))
            cursor.execute(sql.SQL("TRUNCATE {}").format(every))
            for name in names:
                _fill(session, name, folder / FOLDER / name)
                cursor.execute(_triggers(name, "ENABLE"))
        stop(session)


def _triggers(table: str, verb: LiteralString) -> sql.Composed:
    return sql.SQL(f"ALTER TABLE {{}} {verb} TRIGGER USER").format(sql.Identifier(table))


def _fill(session: Session, name: str, file: Path) -> None:
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), _columns(session, name))
    with _driver(session).cursor() as cursor:
        with file.open("rb") as source, cursor.copy(copy) as target:
            while piece := source.read(PIECE):
                target.write(piece)
        cursor.execute(
            "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped AND pg_get_serial_sequence(%s, attname) IS NOT NULL",
            (name, name, name),
        )
        for (sequence,) in cursor.fetchall():
            greatest = sql.SQL("SELECT setval(%s, coalesce((SELECT max(id) FROM {}), 0) + 1, false)")
            cursor.execute(greatest.format(sql.Identifier(name)), (sequence,))


def _tables(session: Session) -> list[str]:
    """Those that are referred to before those that refer to them."""
    before: dict[str, set[str]] = {name: set() for name in session.scalars(text(TABLES)) if name != VERSIONS}
    for referring, referred in session.execute(text(REFERENCES)):
        before[referring].add(referred)
    return [*TopologicalSorter(before).static_order()]


def _columns(session: Session, table: str) -> sql.Composed:
    """In one order, without those that the database works out by itself."""
    query = text(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = :table AND is_generated = 'NEVER' ORDER BY column_name"
    )
    return sql.SQL(", ").join(map(sql.Identifier, session.scalars(query, {"table": table})))


def _driver(session: Session) -> "psycopg.Connection":
    return cast("psycopg.Connection", session.connection().connection.dbapi_connection)
