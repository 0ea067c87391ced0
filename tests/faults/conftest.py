"""What do the fault tests share? A whole installation, a mailing in it, and the final reckoning."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from config import Settings
from dashboard import clock, create_app
from dashboard.database import db
from dashboard.models import State, Status
from tests.factories import make_actor
from tests.support.engine import add_clients, ledger, schedule, state_of
from tests.support.installation import Installation

CONNECTIONS = 4
Counts = dict[Status, int]


@dataclass
class Run:
    """A mailing on its way through a running installation."""

    installation: Installation
    mailing_id: int

    def wait_for(self, what: Callable[[Counts], bool], seconds: float) -> Counts:
        """Until the ledger is as wished; it adds up at every look."""
        give_up_at = clock.monotonic() + seconds
        while True:
            counts = ledger(self.mailing_id)
            if what(counts):
                return counts
            assert clock.monotonic() < give_up_at, f"after {seconds} s: {counts}\n{self.installation.printed}"
            clock.sleep(0.1)

    def wait_for_end(self, seconds: float) -> Counts:
        self.wait_for(lambda _: state_of(self.mailing_id) is State.FINISHED, seconds)
        return ledger(self.mailing_id)

    def order(self, **faults: Any) -> None:
        """What goes wrong at the simulator from now on."""
        answer = self.installation.ask_simulator("PUT", "/faults", json=faults)
        assert answer.ok, answer.text

    @property
    def gateway(self) -> dict[str, Any]:
        """The simulator's own statistics."""
        found: dict[str, Any] = self.installation.ask_simulator("GET", "/stats").json()
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.faults)])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings that choose the database; the test runs once on each."""
    if request.param == "sqlite":
        return {}
    return {"DATABASE_URL": request.getfixturevalue("postgres_url")}


@pytest.fixture
def start(database: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts an installation and a mailing to so many clients: start(messages, SETTING="value")."""
    with ExitStack() as stack:

        def start(messages: int, latency_ms: tuple[int, int] = (10, 30), **environ: str) -> Run:
            environ = {"GATEWAY_CONNECTIONS": str(CONNECTIONS), **database, **environ}
            installation = stack.enter_context(Installation(tmp_path, **environ))
            app = create_app(Settings.from_environ(installation.environ))
            stack.enter_context(app.app_context())
            stack.callback(let_go, app)
            run = Run(installation, 0)
            run.order(latency_ms=latency_ms)
            run.mailing_id = new_mailing(messages)
            return run

        yield start


def new_mailing(messages: int) -> int:
    owner = make_actor()
    add_clients(owner, messages, zones=("Europe/Moscow", "Asia/Omsk", "UTC+03:00"))
    return schedule(owner, text="Dear {{name}}")


def let_go(app: Flask) -> None:
    db.session.remove()
    db.engine.dispose()
