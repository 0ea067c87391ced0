"""How is all kept in one file (`flask backup`), and brought back without sending twice (`flask restore`)?"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
import flask_migrate
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from config import ROOT, Settings

from .. import clock
from ..database import db, end_reading
from ..domain import pulse, users, waking
from . import archive, dump_postgres, dump_sqlite
from .archive import Kind, Manifest, NotABackup
from .up import be_the_only_one, upgrade_database
from .users import database_explained

# A worker beats every 20 seconds, so after such a silence none is at work any more.
SILENCE = timedelta(seconds=60)
WAIT = (
    "Everything is stopped: nothing is sent until an administrator lets it go on. What has left since"
    " {at:%Y-%m-%d %H:%M:%S} UTC this database does not know and would send again: see docs/operations.md."
)


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup_command(file: Path) -> None:
    """Keep the database and the files of imports in FILE, while Vestnik runs."""
    settings: Settings = current_app.config["SETTINGS"]
    if file.exists():
        raise click.ClickException(f"{file} exists already: choose another name.")
    with database_explained(), _working_folder(file.absolute().parent) as folder:
        # Before the database is read: what leaves meanwhile must count as unknown.
        made_at = clock.database_now(db.session())
        revision = _revision()
        if revision is None:
            raise click.ClickException("The database is empty: there is nothing to keep.")
        _keep_files(settings.imports_dir, folder / "imports")
        end_reading()
        _dump(settings, folder)
        # Once more: some may have come after the first time and stand in the database.
        _keep_files(settings.imports_dir, folder / "imports")
        manifest = Manifest(_kind(), revision, made_at.isoformat())
        archive.pack(manifest, folder, file)
    click.echo(f"Kept in {file} ({file.stat().st_size / 1_000_000:.1f} MB).")
    click.echo("SECRET_KEY and the gateway's token are not in it: keep them elsewhere.", err=True)


def _dump(settings: Settings, folder: Path) -> None:
    if _kind() == "postgresql":
        dump_postgres.dump(folder)
        return
    try:
        dump_sqlite.dump(_sqlite_file(settings), folder)
    except sqlite3.Error as error:
        raise click.ClickException(f"The database cannot be copied: {error}.") from None


def _keep_files(source: Path, target: Path) -> None:
    """A file that is removed meanwhile belongs to an import that has ended."""
    target.mkdir(exist_ok=True)
    for path in source.glob("*") if source.is_dir() else ():
        if path.is_file() and not (target / path.name).exists():
            try:
                shutil.copyfile(path, target / path.name)
            except FileNotFoundError:
                continue


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Also over a database that has users: what is in it is lost.")
@with_appcontext
def restore_command(file: Path, force: bool) -> None:
    """Bring back what FILE keeps, while Vestnik is stopped; nothing is sent then until a person lets it go on."""
    settings: Settings = current_app.config["SETTINGS"]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = be_the_only_one(settings.data_dir)
    try:
        manifest = archive.read_manifest(file)
        _require_fitting(manifest)
        with database_explained():
            _require_rest()
            _require_empty(force)
        with _working_folder(settings.data_dir) as folder:
            archive.unpack(file, folder)
            _load(settings, manifest, folder)
            _bring_files(folder / "imports", settings.imports_dir)
    except NotABackup as error:
        raise click.ClickException(f"{file} cannot be restored: {error}.") from None
    finally:
        os.close(lock)
    upgrade_database()
    click.echo(WAIT.format(at=manifest.instant))


def _require_fitting(manifest: Manifest) -> None:
    if manifest.database != _kind():
        raise NotABackup(f"it was made of {manifest.database}, and DATABASE_URL names {_kind()}")
    known = {script.revision for script in _scripts().walk_revisions()}
    if manifest.revision not in known:
        raise NotABackup("it was made by a newer version of Vestnik: install that one first")


def _require_rest() -> None:
    """Nobody may be at work with this database, on any host. `--force` does not help."""
    if "heartbeats" in inspect(db.engine).get_table_names():
        beaten_at = db.session.scalar(select(pulse.beat_at()))
        age = clock.database_now(db.session()) - beaten_at if beaten_at else SILENCE
        end_reading()
        if abs(age) < SILENCE:
            raise click.ClickException(
                f"Vestnik was at work {age.total_seconds():.0f} s ago: stop all its processes, and wait a minute."
            )
    if _kind() == "postgresql" and (count := dump_postgres.others()):
        raise click.ClickException(f"The database has {count} other connections: stop all processes of Vestnik.")


def _require_empty(force: bool) -> None:
    has_users = "users" in inspect(db.engine).get_table_names() and users.has_users()
    end_reading()
    if has_users and not force:
        raise click.ClickException("The database is in use, and would be lost: with --force it is replaced.")


def _load(settings: Settings, manifest: Manifest, folder: Path) -> None:
    """The stop is set by the same step that brings the rows: at no instant could a worker take what waits."""

    def stop(session: Session) -> None:
        waking.stop_after_restore(session, manifest.instant)

    if _kind() == "sqlite":
        db.engine.dispose()
        try:
            dump_sqlite.require_nobody(_sqlite_file(settings))
        except dump_sqlite.InUse:
            raise click.ClickException("A process has the database open: stop all of Vestnik's.") from None
        dump_sqlite.load(folder, _sqlite_file(settings), stop)
        return
    if _revision() != manifest.revision:
        dump_postgres.clear()
        flask_migrate.upgrade(directory=str(ROOT / "migrations"), revision=manifest.revision)
    dump_postgres.load(folder, stop)


def _bring_files(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in source.iterdir() if source.is_dir() else ():
        shutil.move(path, target / path.name)


@click.command("restored")
@with_appcontext
def restored_command() -> None:
    """Say that other tools have restored the database: nothing is sent until a person lets it go on."""
    with database_explained():
        last = db.session.scalar(select(pulse.beat_at()))
        waking.restored()
    click.echo(WAIT.format(at=last or clock.now()))


@contextmanager
def _working_folder(beside: Path) -> Iterator[Path]:
    """On the same disk as what comes of it, and private."""
    with tempfile.TemporaryDirectory(prefix="vestnik-backup-", dir=beside) as folder:
        yield Path(folder)


def _kind() -> Kind:
    return "postgresql" if db.engine.dialect.name == "postgresql" else "sqlite"


def _sqlite_file(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


def _revision() -> str | None:
    found = MigrationContext.configure(db.session.connection()).get_current_revision()
    end_reading()
    return found


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "migrations"))
