"""Is what was kept brought back whole, with everything stopped, and never over something that is in use?"""

import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from config import ROOT
from dashboard import clock
from dashboard.cli import backup, dump_postgres
from dashboard.database import db, transaction
from dashboard.domain import brakes, partitions, pulse, sessions, waking
from dashboard.models import Client, Heartbeat, Mailing, Message, Role, StopReason
from tests.factories import make_actor, make_user
from tests.support.apps import running_app
from tests.support.engine import ScriptedGateway, add_clients, arm, deliver, fan_out_all, settle
from tests.support.partitions import partition, plain
from tests.support.postgres import create_database
from tests.support.postgres_reused import ReusedDatabase

REFUSING = (
    "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'it is only added to'; END $$",
    "CREATE TRIGGER refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON webhook_settlements"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuses()",
)


@pytest.fixture
def pg_app(pg_app: Flask, _postgres_database: ReusedDatabase) -> Flask:
    """Nobody else is connected, not even what empties the database between tests: else nothing is restored."""
    _postgres_database.close()
    return pg_app


def flask(app: Flask, *arguments: object) -> Result:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return app.test_cli_runner().invoke(args=[str(each) for each in arguments])


def a_minute_passes(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        then = clock.database_now(session) - backup.SILENCE
        session.execute(update(Heartbeat).where(Heartbeat.name == pulse.NAME).values(at=then))


def a_mailing_half_sent(app: Flask) -> int:
    with app.app_context():
        owner = make_actor()
        add_clients(owner, 6)
        waking.beat()
        mailing_id = fan_out_all(owner)
        settle(arm(mailing_id, 3))
    folder = app.config["SETTINGS"].imports_dir
    folder.mkdir(exist_ok=True)
    (folder / "7").write_bytes(b"phone\n79001234567\n")
    return mailing_id


def rows(app: Flask) -> list[Any]:
    """Every row of what matters, in order."""
    tables = (Client.__table__, Mailing.__table__, Message.__table__)
    with app.app_context():
        return [db.session.execute(select(table).order_by(table.c.id)).all() for table in tables]


def test_what_was_kept_comes_back_and_waits_for_a_person(any_app: Flask, tmp_path: Path) -> None:
    mailing_id = a_mailing_half_sent(any_app)
    with any_app.app_context():
        cookie = sessions.begin(make_user().id, remember=True)
    before = rows(any_app)
    file = tmp_path / "kept.backup"
    kept = flask(any_app, "backup", file)
    with any_app.app_context():
        deliver(ScriptedGateway())
        add_clients(make_actor(), 5, first=100)
        sessions.end(cookie)
    (any_app.config["SETTINGS"].imports_dir / "7").unlink()
    a_minute_passes(any_app)

    refused = flask(any_app, "restore", file)
    restored = flask(any_app, "restore", file, "--force")

    assert kept.exit_code == 0, kept.output
    assert file.stat().st_mode & 0o077 == 0
    assert refused.exit_code == 1
    assert "with --force it is replaced" in refused.output
    assert restored.exit_code == 0, restored.output
    assert rows(any_app) == before
    assert (any_app.config["SETTINGS"].imports_dir / "7").read_bytes() == b"phone\n79001234567\n"
    with any_app.app_context():
        held = brakes.standing()
        gateway = ScriptedGateway()
        deliver(gateway)
        assert held.stop_reason is StopReason.RESTORED
        assert held.known_until is not None
        assert abs(clock.database_now(db.session()) - held.known_until) < timedelta(minutes=1)
        assert gateway.calls == []
        assert sessions.resume(cookie, touch=False) is None
        brakes.go_on(make_actor(Role.ADMINISTRATOR))
        deliver(gateway)
        assert len(gateway.calls) == 3
        # New rows get numbers of their own.
        assert set(add_clients(make_actor(), 2, first=200)).isdisjoint({row.id for row in before[0]})
        assert fan_out_all(make_actor(), everybody=True, tags=()) > mailing_id


def test_it_comes_back_on_a_machine_that_has_nothing_yet(
    any_app: Flask, tmp_path: Path, request: pytest.FixtureRequest, worker_id: str
) -> None:
    a_mailing_half_sent(any_app)
    before = rows(any_app)
    file = tmp_path / "kept.backup"
    flask(any_app, "backup", file)
    folder = tmp_path / "new"
    url = f"sqlite:///{folder / 'vestnik.db'}"
    if "postgresql" in any_app.config["SQLALCHEMY_DATABASE_URI"]:
        url = create_database(request.getfixturevalue("_postgres_server"), f"restored_{worker_id}")

    with running_app(folder, DATABASE_URL=url) as new:
        restored = flask(new, "restore", file)

        assert restored.exit_code == 0, restored.output
        assert rows(new) == before
        with new.app_context():
            assert brakes.standing().stop_reason is StopReason.RESTORED


@pytest.mark.postgres
def test_tables_of_another_version_make_way_and_such_as_refuse_changes_are_filled_too(
    pg_app: Flask, tmp_path: Path, request: pytest.FixtureRequest, worker_id: str
) -> None:
    a_mailing_half_sent(pg_app)
    with pg_app.app_context(), transaction() as session:
        for statement in REFUSING:
            session.execute(text(statement))
    before = rows(pg_app)
    file = tmp_path / "kept.backup"
    flask(pg_app, "backup", file)
    a_minute_passes(pg_app)
    url = create_database(request.getfixturevalue("_postgres_server"), f"older_{worker_id}")

    same = flask(pg_app, "restore", file, "--force")
    with running_app(tmp_path / "older", DATABASE_URL=url) as older:
        with older.app_context():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"), revision="0012")
            with transaction() as session:
                session.execute(text(REFUSING[0]))
        other = flask(older, "restore", file)

        assert (same.exit_code, other.exit_code) == (0, 0), same.output + other.output
        assert rows(pg_app) == rows(older) == before
        with older.app_context(), transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM pg_proc WHERE proname = 'refuses'")) == 0
    with pg_app.app_context(), pytest.raises(DBAPIError, match="only added to"), transaction() as session:
        session.execute(text("DELETE FROM webhook_settlements"))


@pytest.mark.slow
@pytest.mark.postgres
def test_what_was_kept_of_a_whole_table_fills_partitions_and_the_other_way_round(
    pg_app: Flask, tmp_path: Path
) -> None:
    a_mailing_half_sent(pg_app)
    before = rows(pg_app)
    whole, in_parts = tmp_path / "whole.backup", tmp_path / "in_parts.backup"
    flask(pg_app, "backup", whole)
    partition(plain(pg_app))
    a_minute_passes(pg_app)

    into_parts = flask(pg_app, "restore", whole, "--force")
    in_partitions = rows(pg_app)
    flask(pg_app, "backup", in_parts)
    with pg_app.app_context():
        reach = partitions.reach()
        # As before a restore of another version.
        dump_postgres.clear()
        assert inspect(db.engine).get_table_names() == []
    into_a_whole = flask(pg_app, "restore", in_parts)

    assert (into_parts.exit_code, into_a_whole.exit_code) == (0, 0), into_parts.output + into_a_whole.output
    assert in_partitions == rows(pg_app) == before
    assert reach is not None
    with pg_app.app_context():
        assert partitions.reach() is None


def test_a_service_at_work_is_not_overwritten_even_by_force(any_app: Flask, tmp_path: Path) -> None:
    a_mailing_half_sent(any_app)
    file = tmp_path / "kept.backup"
    flask(any_app, "backup", file)
    with any_app.app_context():
        waking.beat()

    beating = flask(any_app, "restore", file, "--force")
    a_minute_passes(any_app)
    with any_app.app_context():
        reader = db.engine.connect()
        reader.execute(select(Mailing.id)).all()
        db.session.remove()
        # The command's own connections come from the same pool, but this one is not in it.
        open_ = any_app.test_cli_runner().invoke(args=["restore", str(file), "--force"])
        reader.close()

    assert beating.exit_code == 1
    assert "was at work" in beating.output
    assert open_.exit_code == 1, open_.output
    assert "stop all" in open_.output
    with any_app.app_context():
        assert brakes.standing().stopped_at is None


@pytest.mark.parametrize("damage", ["cut off", "a bit turned", "no backup", "a newer version", "another database"])
def test_a_file_that_does_not_fit_is_named_and_nothing_is_touched(
    app: Flask, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mailing_half_sent(app)
    file = tmp_path / "kept.backup"
    if damage == "another database":
        monkeypatch.setattr(backup, "_kind", lambda: "postgresql")
        monkeypatch.setattr(backup.dump_postgres, "dump", lambda folder: None)
    elif damage == "a newer version":
        monkeypatch.setattr(backup, "_revision", lambda: "9999")
    flask(app, "backup", file)
    monkeypatch.undo()
    if damage == "cut off":
        file.write_bytes(file.read_bytes()[:-2000])
    elif damage == "a bit turned":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "no backup":
        file.write_text("phone\n79001234567\n")
    a_minute_passes(app)
    before = rows(app)

    done = flask(app, "restore", file, "--force")

    assert done.exit_code == 1
    assert "cannot be restored" in done.output
    assert rows(app) == before


def test_a_name_that_leads_out_of_the_folder_is_refused(app: Flask, tmp_path: Path) -> None:
    a_mailing_half_sent(app)
    file, evil = tmp_path / "kept.backup", tmp_path / "evil.backup"
    flask(app, "backup", file)
    with tarfile.open(file) as source, tarfile.open(evil, "w:gz") as target:
        for member in source.getmembers():
            content = source.extractfile(member)
            member.name = "../../escaped" if member.name.startswith("imports/") else member.name
            target.addfile(member, content)
    a_minute_passes(app)

    done = flask(app, "restore", evil, "--force")

    assert done.exit_code == 1
    assert "cannot be restored" in done.output
    assert list(tmp_path.parent.glob("**/escaped")) == []


def test_a_backup_never_replaces_a_file_and_says_what_is_not_in_it(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "kept.backup"
    first = flask(app, "backup", file)

    second = flask(app, "backup", file)

    assert "SECRET_KEY" in first.output
    assert second.exit_code == 1
    assert "exists already" in second.output


def test_who_restores_by_other_tools_says_so_and_everything_stops(app: Flask) -> None:
    done = flask(app, "restored")

    assert "nothing is sent until an administrator" in done.output
    with app.app_context():
        assert brakes.standing().stop_reason is StopReason.RESTORED
