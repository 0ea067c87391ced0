"""How does Alembic reach our database and our models? Called by `flask db …`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from dashboard.database import UtcDateTime, db
from dashboard.models.columns import BigId, Json


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Migrations stand by themselves: our own column types are written as what they are in the database.

    BIG_ID and JSON are defined at the top of each migration, by script.py.mako.
    """
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return {repr(BigId): "BIG_ID", repr(Json): "JSON"}.get(repr(item), False)


def main() -> None:
    if context.is_offline_mode():
        raise SystemExit("Migrations run against a database, not into a script: drop --sql.")
    options = {"render_item": render_item, **current_app.extensions["migrate"].configure_args}
    # One transaction for a whole upgrade, on SQLite too: it happens or it does not.
    connection = db.engine.connect().execution_options(takes_write_lock=True)
    with connection, _foreign_keys_checked_last(connection):
        context.configure(connection=connection, target_metadata=db.metadata, transactional_ddl=True, **options)
        with context.begin_transaction():
            context.run_migrations()
            _require_whole_references(connection)


@contextmanager
def _foreign_keys_checked_last(connection: Connection) -> Iterator[None]:
    """SQLite: to change a table one copies and drops it, and with the keys on, what refers to its rows goes too.

    The switch has no effect within a transaction, so it is turned beneath SQLAlchemy, before it begins one.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _require_whole_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"{len(broken)} rows refer to rows that are not there, first: {broken[0]}")


main()
