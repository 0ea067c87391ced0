"""How does Alembic reach our database and our models? Called by `flask db …`."""

from typing import Any

from alembic import context
from flask import current_app

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
    with db.engine.connect().execution_options(takes_write_lock=True) as connection:
        context.configure(connection=connection, target_metadata=db.metadata, transactional_ddl=True, **options)
        with context.begin_transaction():
            context.run_migrations()


main()
