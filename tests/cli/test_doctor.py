"""Does the doctor name each fault rightly, and nothing else beside it?"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from config import ROOT, Settings
from dashboard import clock
from dashboard.cli import checks
from dashboard.cli.checks import Verdict, examine
from dashboard.cli.doctor import doctor_command
from dashboard.database import db, transaction
from dashboard.domain import brakes, breaker, waking
from dashboard.gateway.simulator_server import RunningSimulator, running_simulator
from dashboard.jobs import queues, schedule, worker
from dashboard.models import Heartbeat, Role
from tests.factories import make_actor
from tests.gateway.conftest import RawServer
from tests.support.apps import sqlite_app
from tests.support.mail_server import Mailbox, mail_server

# Runs out in 2100, and in 1970.
GOOD = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"
OVER = "eyJhbGciOiJub25lIn0.eyJleHAiOjF9.c2ln"
Usage = namedtuple("Usage", "total used free")


@dataclass
class Patient:
    app: Flask
    simulator: RunningSimulator
    mailbox: Mailbox
    monkeypatch: pytest.MonkeyPatch

    @property
    def settings(self) -> Settings:
        settings = self.app.config["SETTINGS"]
        assert isinstance(settings, Settings)
        return settings

    def set(self, **settings: object) -> None:
        self.app.config["SETTINGS"] = replace(self.settings, **settings)  # type: ignore[arg-type]


@pytest.fixture
def patient(
    sqlite_template: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Patient]:
    """A whole installation in good health: workers and scheduler are entered in Redis as real ones enter."""
    (tmp_path / "data").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "kept.db")
    with (
        running_simulator(token=GOOD) as simulator,
        mail_server() as mailbox,
        sqlite_app(
            sqlite_template,
            tmp_path / "data",
            DATABASE_URL=f"sqlite:///{tmp_path / 'kept.db'}",
            REDIS_URL=redis_url,
            GATEWAY_URL=simulator.url,
            GATEWAY_TOKEN=GOOD,
            SMTP_URL=mailbox.url,
            MAIL_FROM="vestnik@example.com",
        ) as app,
        app.app_context(),
    ):
        for name in queues.QUEUES:
            worker.build(name).register_birth()
        schedule.Clock(connection=queues.connection()).register_birth()
        with transaction() as session:
            session.get_one(Heartbeat, "sweep").at = clock.now()
        patient = Patient(app, simulator, mailbox, monkeypatch)
        patient.set(environment="production")
        yield patient


def no_folder(patient: Patient) -> None:
    shutil.rmtree(patient.settings.data_dir)


def full_disk(patient: Patient) -> None:
    patient.monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: Usage(2**40, 2**40, 2**20))


def broken_database(patient: Patient) -> None:
    db.session.remove()
    db.engine.dispose()
    assert db.engine.url.database
    Path(db.engine.url.database).write_bytes(b"no database at all " * 1000)


def old_tables(_patient: Patient) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def redis_away(patient: Patient) -> None:
    patient.app.extensions.pop("redis")
    patient.set(redis_url="unix:///nowhere/redis.sock")


def no_worker(_patient: Patient) -> None:
    for gone in worker.ForkingWorker.all(queue=queues.queue(queues.WEBHOOKS)):
        gone.register_death()


def no_scheduler(_patient: Patient) -> None:
    for key in queues.connection().scan_iter("rq:scheduler_instance:*"):
        queues.connection().delete(key)


def nobody_looks(_patient: Patient) -> None:
    with transaction() as session:
        session.get_one(Heartbeat, "sweep").at = clock.now() - timedelta(minutes=10)


def gateway_away(patient: Patient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        patient.set(gateway_url=f"http://127.0.0.1:{free.getsockname()[1]}")


def token_over(patient: Patient) -> None:
    patient.set(gateway_token=OVER)


def mail_refused(patient: Patient) -> None:
    patient.set(smtp_url="smtp://127.0.0.1:1?starttls=0")


def everything_stopped(_patient: Patient) -> None:
    brakes.stop_everything(make_actor(Role.ADMINISTRATOR))


def woken_up(_patient: Patient) -> None:
    waking.restored()


def breaker_open(_patient: Patient) -> None:
    breaker.open_("http_503")


def open_registration(patient: Patient) -> None:
    patient.set(registration="open")


FAULTS: dict[Callable[[Patient], None], dict[str, Verdict]] = {
    no_folder: {"data folder": Verdict.FAIL, "disk": Verdict.FAIL},
    full_disk: {"disk": Verdict.FAIL},
    broken_database: {"database": Verdict.FAIL},
    old_tables: {"migrations": Verdict.FAIL},
    redis_away: {"redis": Verdict.FAIL},
    no_worker: {"workers": Verdict.FAIL},
    no_scheduler: {"scheduler": Verdict.FAIL},
    nobody_looks: {"sending": Verdict.FAIL},
    gateway_away: {"gateway": Verdict.FAIL},
    token_over: {"gateway": Verdict.FAIL, "token": Verdict.FAIL},
    mail_refused: {"mail": Verdict.FAIL},
    everything_stopped: {"brakes": Verdict.WARN},
    woken_up: {"brakes": Verdict.WARN},
    breaker_open: {"brakes": Verdict.WARN},
    open_registration: {"settings": Verdict.WARN},
}


@pytest.mark.parametrize("inject", FAULTS, ids=lambda inject: inject.__name__)
def test_each_fault_is_named_and_nothing_else(patient: Patient, inject: Callable[[Patient], None]) -> None:
    before = examine(patient.settings)

    inject(patient)
    findings = examine(patient.settings)

    assert {finding.part for finding in before if finding.verdict is not Verdict.OK} == set()
    found = {finding.part: finding for finding in findings if finding.verdict is not Verdict.OK}
    assert {part: finding.verdict for part, finding in found.items()} == FAULTS[inject]
    assert all(finding.said and finding.advice for finding in found.values())
    assert GOOD not in str(findings)


def test_a_gateway_whose_clock_is_wrong_is_told(patient: Patient) -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        date = "Date: Wed, 21 Oct 2015 07:28:00 GMT"
        connection.sendall(f"HTTP/1.1 400 No\r\n{date}\r\nContent-Length: 0\r\n\r\n".encode())

    server = RawServer(serve)
    patient.set(gateway_url=server.url)

    findings = examine(patient.settings)
    server.stop()

    verdicts = {finding.part: finding.verdict for finding in findings}
    assert verdicts["gateway's clock"] is Verdict.FAIL
    assert verdicts["clock"] is Verdict.OK
    assert verdicts["gateway"] is Verdict.OK


def test_the_command_ends_with_one_if_anything_fails_and_speaks_json(patient: Patient) -> None:
    run = patient.app.test_cli_runner().invoke
    well = run(doctor_command)
    no_scheduler(patient)
    ill = run(doctor_command)
    told = run(doctor_command, ["--json"])

    assert (well.exit_code, ill.exit_code, told.exit_code) == (0, 1, 1)
    assert "FAIL" not in well.output
    assert "FAIL  scheduler: none lives\n        → start `flask --app wsgi scheduler`" in ill.output
    assert {each["part"]: each["verdict"] for each in json.loads(told.output)}["scheduler"] == "fail"


@pytest.mark.slow
def test_a_wrong_setting_is_named_before_anything_else(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1", "DATA_DIR": str(tmp_path), "SENDERS": "none"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "doctor"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "SENDERS: expected a whole number" in done.stderr
