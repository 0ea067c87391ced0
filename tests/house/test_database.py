"""Is there one door to the database, and do the migrations lead to the models?"""

import ast
import re
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, text

from config import ROOT
from dashboard.database import db
from tests.support.sources import nodes, parsed

THE_DOOR = Path("dashboard/database.py")
# Methods of a session that end a transaction, or begin one by hand; a savepoint does neither.
COMMITTING = {"commit", "begin"}


def modules() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "dashboard").rglob("*.py"))


def committing_calls(path: Path) -> list[str]:
    calls = (node for node in nodes(ROOT / path) if isinstance(node, ast.Call))
    return [
        f"{path}:{call.lineno}"
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in COMMITTING
        and re.search(r"\bsession\b", ast.unparse(call.func.value))
    ]


def test_only_the_database_module_commits() -> None:
    found = {path: committing_calls(path) for path in modules()}

    assert found.pop(THE_DOOR)
    assert [call for calls in found.values() for call in calls] == []


def test_no_query_is_written_in_a_template_or_a_model() -> None:
    models = [path for path in modules() if path.parts[1] == "models"]
    templates = (ROOT / "templates").rglob("*.html")

    assert [path for path in models if "select(" in (ROOT / path).read_text()] == []
    assert [path for path in templates if re.search(r"\.(query|execute|scalars?)\(", path.read_text())] == []


def test_every_index_says_which_query_it_serves() -> None:
    lines = [
        (path, number, (ROOT / path).read_text().splitlines())
        for path in modules()
        if path.parts[1] == "models"
        for number, line in enumerate((ROOT / path).read_text().splitlines())
        if re.match(r"\s+(Index|UniqueConstraint)\(", line)
    ]
    own_line = [(path, number, text) for path, number, text in lines if text[number].strip() != "Index("]
    unexplained = [
        f"{path}:{number + 1}"
        for path, number, text in own_line
        if not text[number - 1].strip().startswith("#") and "__table_args__" not in text[number]
    ]

    assert lines
    assert unexplained == []


def test_the_migrations_lead_to_the_models(any_context: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, db.metadata)

    assert differences == []


def test_every_migration_can_be_taken_back(any_context: Flask) -> None:
    flask_migrate.downgrade(directory=str(ROOT / "migrations"), revision="base")
    tables_left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}

    flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    with db.engine.connect() as connection:
        rows = connection.scalar(text("SELECT count(*) FROM service"))

    assert tables_left == set()
    assert rows == 1


@pytest.mark.parametrize("path", modules(), ids=str)
def test_every_module_opens_with_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(parsed(ROOT / path))
