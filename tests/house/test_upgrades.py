"""Does every released version's database come up to date with all that was in it, and does it work afterwards?"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import select, update

from config import ROOT
from dashboard import clock
from dashboard.database import db
from dashboard.domain import brakes, tallies
from dashboard.models import Mailing, Role, StopReason, User
from tests.factories import sign_in
from tests.support import release
from tests.support.apps import quick_passwords, running_app
from tests.support.engine import ScriptedGateway, deliver, misplaced
from tests.support.first_slice import read_all, table, writing
from tests.support.postgres import create_database

NEITHER_KEPT_NOR_LOST = {"heartbeats"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vestnik.db'}"
    return create_database(request.getfixturevalue("_postgres_server"), f"upgrade_{worker_id}")


@pytest.fixture(params=release.names())
def old(request: pytest.FixtureRequest, database_url: str, tmp_path: Path, redis_url: str) -> Iterator[Flask]:
    """An application of today on a database of that release."""
    if database_url.startswith("sqlite"):
        release.load_sqlite(request.param, tmp_path / "vestnik.db")
    else:
        release.load_postgres(request.param, database_url)
    with (
        quick_passwords(),
        running_app(tmp_path, DATABASE_URL=database_url, REDIS_URL=redis_url) as app,
        app.app_context(),
    ):
        yield app


def is_kept(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """As far as both versions know the column."""
    return all(after[column] == value for column, value in before.items() if column in after)


def test_there_is_a_release_to_come_from() -> None:
    assert release.names()


def test_nothing_is_lost_the_books_agree_the_pages_open_and_what_waits_waits_for_a_person(old: Flask) -> None:
    with writing() as connection:
        # However young the fixture is: its workers were stopped a while ago.
        heartbeats = table("heartbeats")
        connection.execute(update(heartbeats).values(at=clock.now() - timedelta(hours=1)))
    before = read_all()

    flask_migrate.upgrade(directory=str(ROOT / "migrations"))

    after = read_all()
    changed = [
        name
        for name, rows in before.items()
        if name in after and name not in NEITHER_KEPT_NOR_LOST
        for was, is_ in zip(rows, after[name], strict=True)
        if not is_kept(was, is_)
    ]
    assert changed == []
    assert before.keys() <= after.keys()
    mailings = db.session.scalars(select(Mailing.id)).all()
    assert len(mailings) > 5
    assert [each for mailing in mailings for each in tallies.check(mailing)] == []
    assert [each for mailing in mailings for each in misplaced(mailing)] == []
    gateway = ScriptedGateway()
    deliver(gateway)
    assert gateway.calls == []
    assert brakes.standing().stop_reason is StopReason.ASLEEP
    pages_open(old)


def pages_open(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    administrator = db.session.scalars(select(User).where(User.role == Role.ADMINISTRATOR)).first()
    assert administrator is not None
    client = app.test_client()
    sign_in(client, administrator)  # type: ignore[arg-type]
    mailing = db.session.scalars(select(Mailing.id).order_by(Mailing.id)).first()
    assert client.get("/readyz").json["migrations"] == "ok"  # type: ignore[index]
    for path in ("/", "/clients", "/imports", "/mailings", f"/mailings/{mailing}", "/unknown", "/webhooks"):
        answer = client.get(path)
        assert answer.status_code == 200, path
