"""How does a test get an application with an empty database, quickly?

The schema is made once per worker, by the migrations; each test gets a copy: of the file for SQLite, of the
template database for PostgreSQL.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
from flask import Flask

from config import ROOT
from dashboard import create_app
from dashboard.database import db
from tests.support.settings import make_settings


def make_sqlite_template(folder: Path) -> Path:
    migrate(f"sqlite:///{folder / 'template.db'}", folder)
    return folder / "template.db"


def migrate(database_url: str, folder: Path) -> None:
    """`folder` is for what an installation keeps beside its database."""
    with running_app(folder, DATABASE_URL=database_url) as app, app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))


@contextmanager
def running_app(folder: Path, **environ: str) -> Iterator[Flask]:
    app = create_app(make_settings(folder, **environ))
    app.testing = True
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def sqlite_app(template: Path, folder: Path, **environ: str) -> Iterator[Flask]:
    shutil.copyfile(template, folder / "vestnik.db")
    with running_app(folder, **environ) as app:
        yield app
