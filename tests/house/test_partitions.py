"""Does all that Vestnik promises hold where PostgreSQL keeps `messages` in partitions?

Made by the scripts of deploy/postgres. Every other test on PostgreSQL may run on such a database, too
(tests/support/partitions.py says how); a few that matter do so here.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from config import ROOT
from dashboard import clock
from dashboard.cli.checks import Finding, Verdict, examine
from dashboard.database import db, transaction
from dashboard.domain import (
    fan_out,
    folding,
    mailings,
    partitions,
    recovery,
    resending,
    single_messages,
    starting,
    tallies,
)
from dashboard.gateway import Verdict as Heard
from dashboard.models import Attempt, Mailing, Message, Role, Status
from tests.factories import make_actor
from tests.support import release
from tests.support.apps import running_app
from tests.support.engine import (
    HOLD,
    ScriptedGateway,
    add_clients,
    arm,
    attempts_of,
    deliver,
    fan_out_all,
    leases_run_out,
    ledger,
    make_draft,
    messages_of,
    saying,
    schedule,
    set_mailing,
)
from tests.support.first_slice import downgrade_to, upgrade_to
from tests.support.partitions import VARIABLE, partition, plain, run_script
from tests.support.postgres import create_database

pytestmark = pytest.mark.postgres

PROMISES = (
    *("cli/test_backup", "domain/test_fan_out", "domain/test_settling", "domain/test_recovery"),
    *("domain/test_resending", "domain/test_unknown_decisions", "domain/test_erasing", "domain/test_folding"),
)
PARTITIONS = "pg_inherits WHERE inhparent = 'messages'::regclass"
# What the last migration of `messages` has made on each of them.
FORMER = "pg_indexes WHERE tablename LIKE 'messages_%' AND indexdef LIKE '%is_former%'"
# Of another person, and a message of that mailing again: what only PostgreSQL itself can refuse.
COPIES = {
    "phone": "client_id = client_id + 1000",
    "client_id": "phone = '79009999999'",
}


def rows() -> list[Any]:
    """Every message and every attempt, whole."""
    queries = [f"SELECT to_jsonb({name}) FROM {name} ORDER BY id" for name in ("messages", "attempts")]
    with db.engine.connect() as connection:
        found = [connection.scalars(text(query)).all() for query in queries]
    assert all(found)
    return found


def places() -> dict[int, str]:
    """In which table the messages of each mailing lie."""
    query = text("SELECT DISTINCT mailing_id, tableoid::regclass::text FROM messages")
    return dict(db.session.execute(query).all())  # type: ignore[arg-type]


def of_partitions(app: Flask) -> Finding | None:
    found = {each.part: each for each in examine(app.config["SETTINGS"])}
    return found.get("partitions")


@pytest.fixture
def url(request: pytest.FixtureRequest, worker_id: str) -> str:
    return create_database(request.getfixturevalue("_postgres_server"), f"partitions_{worker_id}")


@pytest.fixture
def filled(url: str, tmp_path: Path) -> Iterator[Flask]:
    """With something of everything, of the oldest release, brought up to date."""
    release.load_postgres(release.names()[0], url)
    with running_app(tmp_path, DATABASE_URL=url) as app, app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        yield app


@pytest.fixture
def partitioned(pg_app: Flask) -> Iterator[Flask]:
    """Empty, two mailings to a partition."""
    partition(plain(pg_app))
    with pg_app.app_context():
        yield pg_app


def test_a_database_is_partitioned_as_it_is_and_migrations_go_to_and_fro(filled: Flask, url: str) -> None:
    before = rows()

    partition(url, mailings=5)

    assert rows() == before
    assert set(places().values()) == {"messages_from_0"}
    assert [each for mailing in db.session.scalars(select(Mailing.id)) for each in tallies.check(mailing)] == []
    db.session.remove()
    downgrade_to("0018")
    upgrade_to("head")
    assert rows() == before
    with db.engine.connect() as connection:
        found = [connection.scalar(text(f"SELECT count(*) FROM {what}")) for what in (PARTITIONS, FORMER)]
    assert found == [1 + 6 + 1] * 2


@pytest.mark.parametrize("column", COPIES)
def test_postgresql_itself_refuses_a_second_message(partitioned: Flask, column: str) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    columns = "mailing_id, client_id, phone, operator_code, timezone, created_at, status, tries"
    change = COPIES[column].split(" = ")
    wanted = columns.replace(change[0], change[1])
    again = text(f"INSERT INTO messages (id, {columns}) SELECT id + 1, {wanted} FROM messages")

    with pytest.raises(IntegrityError, match="duplicate key"), transaction() as session:
        session.execute(again)

    assert ledger(mailing_id) == {Status.QUEUED: 1}


def test_mailings_of_several_partitions_are_selected_sent_lost_resent_and_folded(
    partitioned: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 3)
    owner = make_actor(Role.ADMINISTRATOR)
    clients = add_clients(owner, 7)
    sent, failed, lost = (fan_out_all(owner) for _ in range(3))
    arm(lost, 4)
    leases_run_out(lost)
    recovery.recover(HOLD)
    mixed = schedule(owner)
    starting.start_due()
    fan_out.one_range()
    # Before its range comes: that one is repeated without it.
    single_messages.create(owner, mixed, clients[5])
    while fan_out.one_range():
        pass

    deliver(ScriptedGateway(lambda call: saying(*said_to(failed, call.message_id))(call)))

    assert len(set(places().values())) == 2
    assert ledger(sent) == ledger(mixed) == {Status.SENT: 7}
    assert ledger(failed) == {Status.FAILED: 7}
    assert ledger(lost) == {Status.SENT: 3, Status.UNKNOWN: 4}
    assert all(attempts_of(each.id) for each in messages_of(failed))
    assert resending.resend(owner, failed) == 7
    deliver(ScriptedGateway())
    assert ledger(failed) == {Status.SENT: 7}
    for mailing_id in (sent, failed):
        set_mailing(mailing_id, finished_at=clock.now() - timedelta(days=31))
    assert folding.run(30, 0)
    assert set(places()) == {lost, mixed}
    assert db.session.scalar(select(func.count()).where(Attempt.mailing_id == failed)) == 0


def test_what_passes_the_last_partition_is_sent_told_and_given_one_and_the_emptied_are_dropped(
    pg_app: Flask,
) -> None:
    url = plain(pg_app)
    partition(url, mailings=2, ahead=1)
    with pg_app.app_context():
        owner = make_actor(Role.ADMINISTRATOR)
        add_clients(owner, 3)
        told = [of_partitions(pg_app)]
        sent = [fan_out_all(owner) for _ in range(2)]
        told.append(of_partitions(pg_app))
        beyond = fan_out_all(owner)
        deliver(ScriptedGateway(saying(Heard.REFUSED, "http_400")))
        told.append(of_partitions(pg_app))
        assert places() == dict.fromkeys(sent, "messages_from_1") | {beyond: "messages_default"}
        for mailing_id in sent:
            set_mailing(mailing_id, finished_at=clock.now() - timedelta(days=31))
        folding.run(30, 0)
        db.session.remove()

        partition(url, mailings=2, ahead=1)
        dropped = run_script(url, "drop-empty-partitions.sql")

        told.append(of_partitions(pg_app))
        verdicts = [each.verdict for each in told if each]
        assert verdicts == [Verdict.OK, Verdict.WARN, Verdict.WARN, Verdict.OK]
        assert all(each.advice for each in told if each and each.verdict is Verdict.WARN)
        assert re.findall(r"dropped (\w+)", dropped.stderr) == ["messages_from_0", "messages_from_1"]
        last = fan_out_all(owner)
        assert places() == {beyond: "messages_from_3", last: "messages_from_4"}
        assert ledger(beyond) == {Status.FAILED: 3}
        assert resending.resend(owner, beyond) == 3
        deliver(ScriptedGateway())
        assert ledger(beyond) == ledger(last) == {Status.SENT: 3}


def test_a_partition_with_a_draft_or_messages_that_are_kept_stays(partitioned: Flask) -> None:
    url = plain(partitioned)
    owner = make_actor()
    add_clients(owner, 1)
    mailings.create(owner, make_draft())
    for _ in range(3):
        fan_out_all(owner)
    db.session.remove()

    done = run_script(url, "drop-empty-partitions.sql")

    # The one of before the first mailing, and no other.
    assert re.findall(r"dropped (\w+)", done.stderr) == ["messages_from_0"]


def test_the_script_asks_how_many_and_changes_nothing_while_somebody_has_the_table(
    pg_app: Flask,
) -> None:
    url = plain(pg_app)

    unsaid = run_script(url, "partition-messages.sql")
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE messages IN ACCESS SHARE MODE")
        busy = run_script(url, "partition-messages.sql", mailings=2)

    assert "How many mailings" in unsaid.stderr
    assert "lock timeout" in busy.stderr
    assert 0 not in (unsaid.returncode, busy.returncode)
    with pg_app.app_context():
        assert partitions.reach() is None


@pytest.mark.slow
def test_what_is_promised_of_the_engine_and_of_backups_holds_in_partitions() -> None:
    files = [f"tests/{name}.py" for name in PROMISES]
    command = [sys.executable, "-m", "pytest", "-m", "postgres", "-p", "no:cacheprovider", *files]

    done = subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: "2"}, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-3000:]


def said_to(failed: int, message_id: int) -> tuple[Heard, str]:
    mailing_id = db.session.scalar(select(Message.mailing_id).where(Message.id == message_id))
    return (Heard.REFUSED, "http_400") if mailing_id == failed else (Heard.ACCEPTED, "ok")
