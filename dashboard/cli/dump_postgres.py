"""How does a PostgreSQL database get into a backup while it is written to, and back?

By COPY over the connection that Vestnik has anyway: pg_dump would have to be installed, of the server's version or
a later one, on whichever machine the command is given. The schema is not in it: migrations make it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from psycopg import sql
from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from ..database import snapshot, transaction

if TYPE_CHECKING:
    import psycopg

FOLDER = "tables"
VERSIONS = "alembic_version"
PIECE = 1 << 20


def dump(folder: Path) -> None:
    """All tables at one instant; nobody is held up."""
    (folder / FOLDER).mkdir()
    with snapshot() as session:
        for name in _tables(session):
            copy = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), _columns(session, name))
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
    """Removes every table, for migrations to make those of another version."""
    with transaction() as session:
        found = MetaData()
        found.reflect(session.connection())
        found.drop_all(session.connection())


def load(folder: Path, stop: Callable[[Session], None]) -> None:
    """Replaces every row of every table, and does `stop`, in one transaction; the schema is the backup's."""
    with transaction() as session:
        names = _tables(session)
        every = sql.SQL(", ").join(map(sql.Identifier, names))
        with _driver(session).cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}").format(every))
            for name in names:
                _fill(session, name, folder / FOLDER / name)
        stop(session)


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
    found = MetaData()
    found.reflect(session.connection())
    return [table.name for table in found.sorted_tables if table.name != VERSIONS]


def _columns(session: Session, table: str) -> sql.Composed:
    """In one order, without those that the database works out by itself."""
    query = text(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = :table AND is_generated = 'NEVER' ORDER BY column_name"
    )
    return sql.SQL(", ").join(map(sql.Identifier, session.scalars(query, {"table": table})))


def _driver(session: Session) -> "psycopg.Connection":
    return cast("psycopg.Connection", session.connection().connection.dbapi_connection)
