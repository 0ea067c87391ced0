"""A mailing half sent is kept, the rest sent, the backup restored: is nobody messaged before a person decides?"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests
from flask import Flask
from sqlalchemy import update

from config import Settings
from dashboard import clock, create_app
from dashboard.cli.backup import SILENCE
from dashboard.database import db, transaction
from dashboard.domain import brakes, pulse
from dashboard.gateway.simulator_server import running_simulator
from dashboard.models import Heartbeat, Role, State, StopReason
from tests.factories import make_actor
from tests.support.engine import add_clients, schedule, state_of
from tests.support.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLIENTS = 300


@contextmanager
def database_of(installation: Installation) -> Iterator[Flask]:
    app = create_app(Settings.from_environ(installation.environ))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def wait_until(holds: Callable[[], bool], seconds: float = 40) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def test_a_restored_installation_sends_nothing_until_a_person_lets_it_go_on(
    any_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("backup") / "kept.backup"
    with running_simulator() as gateway:
        any_installation.environ |= {"GATEWAY_URL": gateway.url, "GATEWAY_TOKEN": gateway.token}

        def sent() -> int:
            return int(requests.get(f"{gateway.url}/stats", timeout=5).json()["accepted"])

        with any_installation:
            with database_of(any_installation):
                owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
                add_clients(owner, CLIENTS)
                mailing_id = schedule(owner, rate_limit=20)
            wait_until(lambda: sent() >= CLIENTS // 4)
            any_installation.flask("backup", str(file))
            kept_at = sent()
            wait_until(lambda: sent() == CLIENTS)
            with database_of(any_installation):
                wait_until(lambda: state_of(mailing_id) is State.FINISHED)
        assert CLIENTS // 4 <= kept_at < CLIENTS
        with database_of(any_installation), transaction() as session:
            # A minute passes.
            then = clock.database_now(session) - SILENCE - timedelta(seconds=1)
            session.execute(update(Heartbeat).where(Heartbeat.name == pulse.NAME).values(at=then))

        told = any_installation.flask("restore", str(file), "--force")

        assert "nothing is sent until an administrator lets it go on" in told
        with any_installation:
            time.sleep(5)
            assert sent() == CLIENTS
            with database_of(any_installation):
                held = brakes.standing()
                assert state_of(mailing_id) is State.RUNNING
                assert held.stop_reason is StopReason.RESTORED
                brakes.go_on(administrator, held.stopped_at)
                wait_until(lambda: state_of(mailing_id) is State.FINISHED)
        assert sent() > CLIENTS
