"""Each role as its own process, as a container runs it: does SIGTERM cost nothing, within the time it is given?"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from config import ROOT, Settings
from dashboard import create_app
from dashboard.database import db
from dashboard.domain import mailings
from dashboard.gateway.simulator_server import RunningSimulator, running_simulator
from dashboard.models import State, Status
from tests.factories import make_actor
from tests.support.apps import migrate
from tests.support.engine import add_clients, ledger, schedule, state_of
from tests.support.installation import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLIENTS = 600
# A call takes at most so long, here; the images give 150 s for those of 10.
CALL_SECONDS, MORE_SECONDS = 5.0, 5.0


class Roles:
    """Processes of one installation that nobody watches."""

    def __init__(self, folder: Path, redis_url: str, database_url: str, gateway: RunningSimulator) -> None:
        self.port = free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "FLASK_SKIP_DOTENV": "1",
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "GATEWAY_URL": gateway.url,
            "GATEWAY_TOKEN": gateway.token,
            "GATEWAY_TIMEOUT_SECONDS": str(CALL_SECONDS),
            "GATEWAY_CONNECTIONS": "8",
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *role: str) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *role]
        self.running[" ".join(role)] = subprocess.Popen(command, cwd=ROOT, env=self.environ)

    def stop(self, *role: str) -> tuple[int, float]:
        """Exit code, and how many seconds it took."""
        process = self.running.pop(" ".join(role))
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        return process.wait(60), time.monotonic() - begun

    def is_alive(self, role: str) -> bool:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "alive", role]
        return subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True).returncode == 0


@contextmanager
def roles_in(folder: Path, redis_url: str, database_url: str) -> Iterator[tuple[Roles, RunningSimulator]]:
    with running_simulator() as gateway:
        roles = Roles(folder, redis_url, database_url, gateway)
        app = create_app(Settings.from_environ(roles.environ))
        try:
            with app.app_context():
                yield roles, gateway
                db.session.remove()
                db.engine.dispose()
        finally:
            for process in roles.running.values():
                process.kill()
                process.wait()


def wait_until(holds: Callable[[], bool], seconds: float = 40) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'vestnik.db'}"
    migrate(url, tmp_path)
    return url


def test_a_deploy_in_the_middle_of_a_mailing_leaves_nothing_unknown_and_nothing_twice(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with roles_in(tmp_path, redis_url, database_url) as (roles, gateway):
        requests.put(f"{gateway.url}/faults", json={"latency_ms": [150, 300]}, timeout=5)
        for role in (["scheduler"], ["worker", "sending"], ["worker", "background"], ["worker", "webhooks"]):
            roles.start(*role)
        wait_until(lambda: roles.is_alive("sending"))
        wait_until(lambda: roles.is_alive("scheduler"))
        owner = make_actor()
        add_clients(owner, CLIENTS)
        mailing_id = schedule(owner)

        def stats() -> dict[str, int]:
            return dict(requests.get(f"{gateway.url}/stats", timeout=5).json())

        wait_until(lambda: stats()["accepted"] > 50)
        stopped = {role: roles.stop(*role.split()) for role in list(roles.running)}
        in_the_middle = ledger(mailing_id)
        gone = not roles.is_alive("sending")
        for role in (["scheduler"], ["worker", "sending"]):
            roles.start(*role)
        wait_until(lambda: state_of(mailing_id) is State.FINISHED)

        assert gone
        assert {role: code for role, (code, _took) in stopped.items() if code} == {}
        assert {role: took for role, (_code, took) in stopped.items() if took > CALL_SECONDS + MORE_SECONDS} == {}
        assert in_the_middle.keys() == {Status.SENT, Status.QUEUED}
        assert ledger(mailing_id) == {Status.SENT: CLIENTS}
        assert stats() | {"repeats": 0} == stats()
        assert stats()["accepted"] == CLIENTS
        assert mailings.get(owner, mailing_id).state is State.FINISHED


def test_the_web_server_answers_what_it_has_begun_to_hear(redis_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vestnik.db'}"
    migrate(url, tmp_path)
    with roles_in(tmp_path, redis_url, url) as (roles, _gateway):
        before = roles.is_alive("web")
        roles.start("web")
        wait_until(lambda: is_listening(roles.port))
        alive = roles.is_alive("web")
        with socket.create_connection(("127.0.0.1", roles.port)) as line:
            line.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nlogin=anna")
            time.sleep(0.5)
            process = roles.running["web"]
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            line.sendall(b"&password=")
            answer = line.recv(1000)
        code = process.wait(20)

        assert (before, alive) == (False, True)
        assert answer.startswith(b"HTTP/1.1 4")
        assert code == 0


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
