"""What does a measure stand on? One kind of database, Redis, the gateway, and new installations in a moment."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from bench import population
from bench.programs import Gateway, Programs
from dashboard.domain.permissions import Actor
from tests.factories import make_actor
from tests.support.apps import migrate, running_app
from tests.support.postgres import create_database, drop_database, start_postgres
from tests.support.settings import SECRET_KEY

# A JWT like any other; the gateway asks only that there is one.
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmVk"


@dataclass(frozen=True)
class Plan:
    """How much is measured. Quick: a tenth, once; it shows that a change works, not how fast it is."""

    is_quick: bool = False

    @property
    def repeats(self) -> int:
        return 1 if self.is_quick else 3

    def size(self, count: int) -> int:
        return max(1, count // 10) if self.is_quick else count


@dataclass(frozen=True)
class Place:
    """An installation's folder and settings, for processes that shall belong to it, and who owns the clients."""

    folder: Path
    environ: dict[str, str]
    owner: Actor


@dataclass
class Stand:
    """One kind of database, and all that a measure needs beside it.

    `server_url` is the PostgreSQL server's, None for SQLite. `runs` remembers what one measure has found out
    and another compares itself with, so that both come from the same run.
    """

    database: str
    plan: Plan
    folder: Path
    gateway: Gateway
    programs: Programs
    redis_url: str
    server_url: str | None = None
    runs: dict[Any, list[Any]] = field(default_factory=dict)
    _templates: dict[tuple[int, bool], tuple[str, Actor]] = field(default_factory=dict)

    @contextmanager
    def installation(self, clients: int = 0, *, is_shuffled: bool = False, **environ: str) -> Iterator[Place]:
        """A new one with so many clients, in whose application context the caller then is."""
        template, owner = self._template(clients, is_shuffled)
        with TemporaryDirectory(prefix="vestnik-bench-", dir=self.folder) as name:
            folder = Path(name)
            url = self._copy(template, folder)
            told = {
                "DATABASE_URL": url,
                "REDIS_URL": self.redis_url,
                "GATEWAY_URL": self.gateway.url,
                "GATEWAY_TOKEN": TOKEN,
                "LOG_LEVEL": "WARNING",
                **environ,
            }
            with running_app(folder, **told) as app, app.app_context():
                yield Place(folder, {"DATA_DIR": str(folder), "SECRET_KEY": SECRET_KEY, **told}, owner)
            if self.server_url:
                drop_database(self.server_url, "bench")

    def _copy(self, template: str, folder: Path) -> str:
        if self.server_url:
            return create_database(self.server_url, "bench", template)
        shutil.copyfile(template, folder / "vestnik.db")
        return f"sqlite:///{folder / 'vestnik.db'}"

    def _template(self, clients: int, is_shuffled: bool) -> tuple[str, Actor]:
        """Made once for each number of clients, by the migrations."""
        key = clients, is_shuffled
        if key not in self._templates:
            name = f"bench_{clients}_shuffled" if is_shuffled else f"bench_{clients}"
            file = self.folder / f"{name}.db"
            url = create_database(self.server_url, name) if self.server_url else f"sqlite:///{file}"
            migrate(url, self.folder)
            with running_app(self.folder, DATABASE_URL=url) as app, app.app_context():
                owner = make_actor()
                if clients:
                    population.add_clients(owner, clients, is_shuffled=is_shuffled)
            if self.server_url:
                _tidy(url)
            self._templates[key] = (name if self.server_url else str(file), owner)
        return self._templates[key]


def _tidy(url: str) -> None:
    """What autovacuum has long done where clients are; tables still empty it leaves alone, and so do we."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE clients, client_tags, tags, users")
        connection.execute("CHECKPOINT")


def start_server(run_id: str) -> str:
    """The tests' PostgreSQL with its stock settings, but as careful about the disk as a real one."""
    url = start_postgres(run_id)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET fsync")
        connection.execute("SELECT pg_reload_conf()")
    return url
