"""How does a test get an application with an empty database, quickly?

The schema is made once per worker, by the migrations; each test gets a copy of SQLite's file, or PostgreSQL's one
database emptied. One application serves all tests of a worker (`SharedApp`), as it keeps each statement it has
compiled; a test that changes more of it than its settings asks for one of its own (`running_app`). Templates and
addresses are compiled once per worker, too; and passwords are hashed as in production but for the work that makes
guessing dear (`quick_passwords`).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import argon2
import flask_migrate
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from config import ROOT
from dashboard import create_app
from dashboard.database import db
from dashboard.domain import passwords
from dashboard.web.extensions import limiter
from tests.support.settings import make_settings

QUICK_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)


class _CompiledTemplates(BytecodeCache):
    """In memory, for all applications of this process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_compiled_templates = _CompiledTemplates()


class _CompiledRule(Rule):
    """The functions that build an address are compiled from text: four fifths of an application's start.

    They take the rule as their first argument, so that an equal rule of the next application may use them, too.
    """

    _builders: dict[Any, Callable[..., tuple[str, str]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        known = (tuple(self._trace), tuple((self.defaults or {}).items()), append_unknown)
        if known not in self._builders:
            self._builders[known] = super()._compile_builder(append_unknown)
        return self._builders[known]


def make_sqlite_template(folder: Path) -> Path:
    migrate(f"sqlite:///{folder / 'template.db'}", folder)
    return folder / "template.db"


def migrate(database_url: str, folder: Path) -> None:
    """`folder` is for what an installation keeps beside its database."""
    with running_app(folder, DATABASE_URL=database_url) as app, app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))


def quick_passwords() -> AbstractContextManager[object]:
    return mock.patch.object(passwords, "_hasher", QUICK_HASHER)


@contextmanager
def running_app(folder: Path, **environ: str) -> Iterator[Flask]:
    app = _new_app(folder, **environ)
    try:
        yield app
    finally:
        _disconnect(app)


def _new_app(folder: Path, **environ: str) -> Flask:
    with mock.patch.object(Flask, "url_rule_class", _CompiledRule):
        app = create_app(make_settings(folder, **environ))
    app.testing = True
    app.jinja_env.bytecode_cache = _compiled_templates
    return app


def _disconnect(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def sqlite_app(template: Path, folder: Path, **environ: str) -> Iterator[Flask]:
    shutil.copyfile(template, folder / "vestnik.db")
    with running_app(folder, **environ) as app:
        yield app


class SharedApp:
    """One application for many tests, one after the other, in a folder of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self._folder = folder
        self._app = _new_app(folder, **environ)
        self._config = dict(self._app.config)
        # One for the whole process: it counts where the application counts that was made last.
        self._limiter = dict(vars(limiter))

    @contextmanager
    def lent(self, template: Path | None = None) -> Iterator[Flask]:
        """With nothing in its folder but a copy of SQLite's `template`, and the settings it began with."""
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        if template:
            shutil.copyfile(template, self._folder / "vestnik.db")
        vars(limiter).update(self._limiter)
        try:
            yield self._app
        finally:
            _disconnect(self._app)
            self._app.config.clear()
            self._app.config.update(self._config)
