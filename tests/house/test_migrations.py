"""Do the migrations make the models' schema, to the last constraint, and can they be taken back?"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from config import ROOT
from dashboard.database import db
from tests.support.first_slice import (
    downgrade_to,
    fill_the_first_slice,
    migrate_afresh_to,
    read_all,
    upgrade_to,
)
from tests.support.schema import Shape, postgres_shape, sqlite_shape

# Others refer to mailings, and their rows go with the mailing's.
REBUILD = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "rebuild", "0001", None, None


def upgrade():
    with op.batch_alter_table("mailings", recreate="always"):
        pass
"""


def present_shape() -> Shape:
    with db.engine.connect() as connection:
        return sqlite_shape(connection) if is_sqlite() else postgres_shape(connection, "public")


def is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def models_shape() -> Shape:
    """What the models alone would make: in memory, or in a schema that is not kept."""
    if is_sqlite():
        with create_engine("sqlite://").connect() as connection:
            db.metadata.create_all(connection)
            return sqlite_shape(connection)
    with db.engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA models"))
        connection.execute(text("SET search_path TO models"))
        db.metadata.create_all(connection, checkfirst=False)
        return postgres_shape(connection, "models")


def test_the_migrations_make_every_constraint_of_the_models(any_context: Flask) -> None:
    migrated = present_shape()

    assert migrated == models_shape()


def test_taking_a_migration_back_brings_every_constraint_back(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    before = present_shape()
    upgrade_to("0002")

    downgrade_to("0001")

    assert present_shape() == before


def test_an_upgrade_that_would_leave_a_broken_reference_is_undone(
    app_context: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    migrate_afresh_to("0001")
    with unchecked() as driver:
        driver.execute("INSERT INTO lanes (mailing_id, timezone) VALUES (77, 'Asia/Omsk')")

    with pytest.raises(SystemExit):
        upgrade_to("0002")

    assert "1 rows refer to rows that are not there" in caplog.text
    assert "chunks" not in inspect(db.engine).get_table_names()
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_table_that_is_dropped_and_made_anew_takes_nothing_with_it(app_context: Flask, tmp_path: Path) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    before = read_all()
    folder = shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    (folder / "versions" / "rebuild.py").write_text(REBUILD)

    flask_migrate.upgrade(directory=str(folder), revision="rebuild")

    assert read_all() == before


@contextmanager
def unchecked() -> Iterator[Any]:
    """The bare SQLite connection, with foreign keys off."""
    with db.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA foreign_keys = OFF")
        yield driver
        driver.execute("PRAGMA foreign_keys = ON")
