"""What does the database of a released version look like, with something of everything in it?

Run in a checkout of the release, before its tag is set: `.venv/bin/python -m tests.support.release 1.2.0` writes
`tests/fixtures/releases/1.2.0.sqlite.sql` and `….postgres.sql`, which stay as they are for ever. Every later
version is upgraded from each of them (tests/house/test_upgrades.py).
"""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import update

from config import ROOT

RELEASES = ROOT / "tests" / "fixtures" / "releases"


def main(name: str) -> None:
    RELEASES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "vestnik.db"
        fill(f"sqlite:///{database}", Path(folder))
        with closing(sqlite3.connect(database)) as connection:
            (RELEASES / f"{name}.sqlite.sql").write_text("\n".join(connection.iterdump()) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        (RELEASES / f"{name}.postgres.sql").write_text(_postgres(Path(folder)))


def _postgres(folder: Path) -> str:
    """Without what only psql understands, and without the server's own settings and owners."""
    from tests.support.postgres import create_database, program, start_postgres

    url = create_database(start_postgres(f"rel{os.getpid()}"), "release")
    fill(url, folder)
    options = ["--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges", f"--dbname={url}"]
    dump = subprocess.run([program("pg_dump"), *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [
        line for line in dump.splitlines() if not re.match(r"(--|\\|SET |SELECT pg_catalog.set_config)", line)
    ]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines).strip()) + "\n"


def fill(database_url: str, folder: Path) -> None:
    """As `every_page.fill`, with a mailing on its way, messages in the air, and no brake."""
    from dashboard.database import transaction
    from dashboard.models import Breaker, Role, Service
    from tests.factories import make_actor
    from tests.support.apps import migrate, quick_passwords, running_app
    from tests.support.engine import add_clients, arm, fan_out_all
    from tests.support.every_page import fill as fill_everything
    from tests.support.redis_server import running_redis

    migrate(database_url, folder)
    (folder / "imports").mkdir(exist_ok=True)
    with (
        running_redis() as redis_url,
        quick_passwords(),
        running_app(folder, DATABASE_URL=database_url, REDIS_URL=redis_url) as app,
    ):
        app.config["WTF_CSRF_ENABLED"] = False
        fill_everything(app, folder / "imports", "en")
        with app.app_context():
            none = {"stopped_at": None, "stopped_by_id": None, "breaker": Breaker.CLOSED}
            with transaction() as session:
                session.execute(update(Service).values(**none))
            owner = make_actor(Role.OPERATOR)
            add_clients(owner, 10, first=500)
            arm(fan_out_all(owner), 4)


def load_sqlite(name: str, database: Path) -> None:
    """Anew."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript((RELEASES / f"{name}.sqlite.sql").read_text())


def load_postgres(name: str, url: str) -> None:
    """Into an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((RELEASES / f"{name}.postgres.sql").read_bytes())


def names() -> list[str]:
    return sorted({path.name.rsplit(".", 2)[0] for path in RELEASES.glob("*.sql")})


if __name__ == "__main__":
    main(sys.argv[1])
