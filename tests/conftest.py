"""Which real parts may a test ask for?

Settings and applications: `settings`, `app` (SQLite), `pg_app` (PostgreSQL), `any_app` (the test runs twice,
once on each), `own_app` (SQLite, shared with no other test), `app_context` and `any_context` for tests that call
the domain, `client` for those of pages.
Servers: `redis_url`, `postgres_url`, `browser`. Whatever is not asked for is not started.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from config import Settings
    from tests.support.apps import SharedApp
    from tests.support.postgres_reused import ReusedDatabase

# Tests say themselves what the environment is; a developer's .env must not reach the programs they start.
os.environ["FLASK_SKIP_DOTENV"] = "1"


def pytest_collection_finish() -> None:
    """Thousands of tests lie in memory to the end: the garbage collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Overrides pytest-flask's, whose one context for the whole test lets `g` leak between requests."""


@pytest.fixture
def settings(tmp_path: Path) -> "Settings":
    from tests.support.settings import make_settings

    return make_settings(tmp_path)


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[str]:
    from tests.support.redis_server import running_redis

    with running_redis() as url:
        yield url


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """An empty Redis."""
    from redis import Redis

    with Redis.from_url(_redis_server) as client:
        client.flushall()
    return _redis_server


@pytest.fixture(scope="session")
def _postgres_server(testrun_uid: str) -> str:
    from tests.support.postgres import start_postgres, without_vacuum

    return without_vacuum(start_postgres(testrun_uid))


@pytest.fixture(scope="session")
def _postgres_template(_postgres_server: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    from tests.support.apps import migrate
    from tests.support.partitions import partition_if_asked
    from tests.support.postgres import create_database

    name = f"template_{worker_id}"
    url = create_database(_postgres_server, name)
    migrate(url, tmp_path_factory.mktemp("postgres"))
    partition_if_asked(url)
    return name


@pytest.fixture(scope="session")
def _postgres_database(
    _postgres_server: str, _postgres_template: str, worker_id: str
) -> Iterator["ReusedDatabase"]:
    from tests.support.postgres_reused import ReusedDatabase

    database = ReusedDatabase(_postgres_server, f"test_{worker_id}", _postgres_template)
    yield database
    database.close()


@pytest.fixture
def postgres_url(_postgres_database: "ReusedDatabase") -> str:
    """A database with the schema and nothing in it, until the next test that asks for one."""
    return _postgres_database.emptied()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.apps import make_sqlite_template

    return make_sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def _shared_app(_redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> "SharedApp":
    from tests.support.apps import SharedApp

    return SharedApp(tmp_path_factory.mktemp("app"), REDIS_URL=_redis_server)


@pytest.fixture(scope="session")
def _shared_pg_app(
    _postgres_database: "ReusedDatabase", _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> "SharedApp":
    from tests.support.apps import SharedApp

    url = _postgres_database.emptied()
    return SharedApp(tmp_path_factory.mktemp("pg_app"), DATABASE_URL=url, REDIS_URL=_redis_server)


@pytest.fixture
def app(_shared_app: "SharedApp", sqlite_template: Path, redis_url: str) -> Iterator["Flask"]:
    from tests.support.apps import quick_passwords

    with quick_passwords(), _shared_app.lent(sqlite_template) as app:
        yield app


@pytest.fixture
def pg_app(_shared_pg_app: "SharedApp", postgres_url: str, redis_url: str) -> Iterator["Flask"]:
    from tests.support.apps import quick_passwords

    with quick_passwords(), _shared_pg_app.lent() as app:
        yield app


@pytest.fixture
def own_app(sqlite_template: Path, tmp_path: Path, redis_url: str) -> Iterator["Flask"]:
    """For a test that changes more of it than its settings: its addresses, hooks, templates."""
    from tests.support.apps import quick_passwords, sqlite_app

    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url) as app:
        yield app


@pytest.fixture(params=["app", pytest.param("pg_app", marks=pytest.mark.postgres)], ids=["sqlite", "postgres"])
def any_app(request: pytest.FixtureRequest) -> "Flask":
    return request.getfixturevalue(request.param)


@pytest.fixture
def app_context(app: "Flask") -> Iterator["Flask"]:
    with app.app_context():
        yield app


@pytest.fixture
def any_context(any_app: "Flask") -> Iterator["Flask"]:
    with any_app.app_context():
        yield any_app


@pytest.fixture
def client(app: "Flask") -> "FlaskClient":
    """Unlike pytest-flask's it keeps no context alive from one request to the next."""
    return app.test_client()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """For a module only: while it runs, nothing else in this process may start an event loop."""
    from tests.support.browser import running_browser

    with running_browser() as browser:
        yield browser
