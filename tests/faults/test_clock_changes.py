"""The clocks go forward or back while a mailing runs: nobody is messaged outside the window, nobody forgotten.

Rounds of sending in this process, because the clock has to be moved; the gateway is called over real sockets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import pulse
from dashboard.domain.delivery import Round
from dashboard.domain.policy import OnUncertain, SendingPolicy
from dashboard.domain.timing import Window
from dashboard.gateway import GatewaySettings, HttpGateway
from dashboard.gateway.simulator_server import running_simulator
from tests.faults.reckoning import Reckoning
from tests.faults.record import recorded
from tests.faults.run import MESSAGES, Run

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

ZONE = "Europe/Berlin"
# In Berlin: from 02:00 to 03:00 at the first, from 03:00 back to 02:00 at the second.
FORWARD = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
BACK = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
POLICY = SendingPolicy(call_seconds=2.0, most_tries=12, on_uncertain=OnUncertain.HOLD)
# About 200 messages a second: half the mailing in the five seconds before a window closes.
CONNECTIONS, LATENCY_MS = 16, [60, 100]
ROUND_SECONDS = 2.0


@dataclass(frozen=True)
class Change:
    """`starts` before the change and, where it closes a window, `goes_on` later, just before the next one."""

    name: str
    window: Window
    starts: datetime
    goes_on: datetime | None = None


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


CHANGES = [
    Change("clocks go forward: a window opens with it", Window(time(2, 10), time(4, 0)), FORWARD - seconds(4)),
    Change(
        "clocks go forward: a window closes with it",
        Window(time(0, 30), time(2, 30)),
        FORWARD - seconds(8),
        # 00:30 of the next day.
        goes_on=FORWARD + timedelta(hours=21, minutes=30) - seconds(2),
    ),
    Change("clocks go back: a window opens with it", Window(time(2, 0), time(2, 45)), BACK - seconds(4)),
    Change(
        "clocks go back: a window closes with it, and opens again",
        Window(time(2, 30), time(3, 30)),
        BACK - seconds(8),
        goes_on=BACK + timedelta(minutes=30) - seconds(2),
    ),
]


class MovedClock:
    """Runs as fast as the true one, elsewhere."""

    def __init__(self) -> None:
        self._true_now = clock.now
        self._offset = timedelta()

    def set(self, to: datetime) -> None:
        self._offset = to - self._true_now()

    def now(self) -> datetime:
        return self._true_now() + self._offset


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    moved = MovedClock()
    monkeypatch.setattr(clock, "now", moved.now)
    monkeypatch.setattr(clock, "database_now", lambda _session: moved.now())
    return moved


@pytest.fixture
def run(any_context: Flask, moved: MovedClock) -> Iterator[Run]:
    database = "postgres" if "postgresql" in any_context.config["SQLALCHEMY_DATABASE_URI"] else "sqlite"
    with running_simulator() as gateway:
        yield Run("1", "hold", database, gateway)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_window_moves_with_the_clocks(change: Change, run: Run, moved: MovedClock) -> None:
    run.order(latency_ms=LATENCY_MS)
    with recorded(change.name, run) as line:
        moved.set(change.starts)
        run.launch((ZONE,), window_from=change.window.opens, window_to=change.window.closes)
        work(run, 10)
        if change.goes_on:
            assert 0 < len(run.accepted()) < MESSAGES
            moved.set(change.goes_on)
            # It was at work all the time between.
            with transaction() as session:
                pulse.mark(session, moved.now())
        work(run, 30)

        reckoning = Reckoning(run)
        line |= reckoning.figures()
        reckoning.check()
        zone = ZoneInfo(ZONE)
        assert all(change.window.holds_at(at.astimezone(zone).time()) for _number, at in run.accepted())


def work(run: Run, most_seconds: float) -> None:
    """Round after round, until all is over or so long has passed."""
    settings = GatewaySettings(
        url=run.gateway.url,
        token=run.gateway.token,
        not_accepted=frozenset(),
        timeout_seconds=POLICY.call_seconds,
        connections=CONNECTIONS,
    )
    until = clock.monotonic() + most_seconds
    with HttpGateway(settings) as gateway:
        while clock.monotonic() < until and run.finished_at is None:
            Round(gateway, POLICY).run(ROUND_SECONDS)
            run.look()
