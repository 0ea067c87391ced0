"""Does a gateway that hangs open the breaker, although no round is long enough to see it fail fifty times?"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import breaker, throttle
from dashboard.domain.breaker import MEMORY, SHARED, WINDOW_CALLS, Watch
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Breaker, CallWindow, Service, Status
from tests.factories import make_actor
from tests.support.engine import (
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    deliver,
    fan_out_all,
    ledger,
    saying,
    schedule,
    set_mailing,
)

LITTLE = timedelta(seconds=1)


def calls(count: int, began_at: datetime | None = None, *, failed: bool = True) -> list[Answer]:
    call = Call(1, "79000000000", "Hi")
    given = answer(call, Verdict.UNCERTAIN, "timeout") if failed else accepted(call)
    return [replace(given, started_at=began_at or clock.now()) for _ in range(count)]


def a_round(answers: list[Answer]) -> str | None:
    """What one worker's round makes of these answers."""
    watch = Watch()
    watch.recall()
    trouble = watch.trouble(answers)
    watch.keep()
    return trouble


def remembered() -> int:
    db.session.rollback()
    row = db.session.get(CallWindow, SHARED)
    return len(row.calls) if row else 0


def breaker_state() -> Breaker:
    db.session.rollback()
    return db.session.get_one(Service, 1).breaker


def test_failures_of_many_short_rounds_come_together(any_context: Flask) -> None:
    troubles = [a_round(calls(4)) for _ in range(13)]

    assert troubles == [None] * 12 + ["error_rate"]
    assert remembered() == 0


def test_with_two_connections_to_a_gateway_that_hangs_the_breaker_opens(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 100)
    schedule(owner)
    gateway = ScriptedGateway(saying(Verdict.UNCERTAIN, "timeout"), connections=2)

    rounds = 0
    while breaker_state() is Breaker.CLOSED and rounds < 100:
        deliver(gateway, seconds=0.05)
        rounds += 1

    assert rounds > 1
    assert breaker_state() is Breaker.OPEN
    assert len(gateway.calls) < 100


def test_two_workers_at_once_lose_nothing_but_time(any_context: Flask) -> None:
    """Each overwrites what the other has left, and still they come to fifty."""
    trouble, rounds = None, 0
    while trouble is None and rounds < 100:
        first, second = Watch(), Watch()
        first.recall()
        second.recall()
        trouble = first.trouble(calls(4)) or second.trouble(calls(4))
        first.keep()
        second.keep()
        rounds += 1

    assert trouble == "error_rate"
    assert rounds <= WINDOW_CALLS / 4 + 1


def test_a_probe_goes_where_an_arming_takes_longer_than_a_call_may_be_late(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a moment of its own, too, which is over before it is committed; then it gets another."""
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    set_mailing(mailing_id, rate_limit=100)
    breaker.open_("bad_token")
    with transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() - timedelta(seconds=1)
    keep = throttle.Throttle.keep

    def slowly(self: throttle.Throttle, session: Session) -> None:
        keep(self, session)
        clock.sleep(0.12)

    monkeypatch.setattr(throttle.Throttle, "keep", slowly)
    gateway = ScriptedGateway()

    deliver(gateway, seconds=2)

    assert gateway.calls
    assert breaker_state() is Breaker.CLOSED


def test_an_idle_worker_does_not_overwrite_what_another_has_seen(any_context: Flask) -> None:
    idle = Watch()
    idle.recall()
    a_round(calls(4))

    idle.keep()

    assert remembered() == 4


def test_while_all_is_well_nothing_is_written(any_context: Flask) -> None:
    a_round(calls(20, failed=False))

    assert remembered() == 0


def test_a_window_without_failures_is_removed(any_context: Flask) -> None:
    a_round(calls(4))
    before = remembered()

    a_round(calls(WINDOW_CALLS, clock.now() + timedelta(milliseconds=1), failed=False))

    assert (before, remembered()) == (4, 0)


def test_old_calls_and_those_of_a_clock_that_is_ahead_are_forgotten(any_context: Flask) -> None:
    now = clock.now()
    a_round([*calls(4, now - MEMORY - LITTLE), *calls(3, now - MEMORY / 2), *calls(2, now + timedelta(hours=2))])

    a_round(calls(1))

    assert remembered() == 3 + 1


def test_a_closed_breaker_starts_with_an_empty_window(any_context: Flask) -> None:
    a_round(calls(40))
    breaker.open_("http_401")

    breaker.close()

    assert remembered() == 0


def test_a_round_that_finds_the_breaker_open_forgets_what_led_to_it(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = schedule(owner)
    a_round(calls(WINDOW_CALLS - 2))
    breaker.open_("http_401")
    with transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() - LITTLE

    answers = iter([accepted, *[saying(Verdict.UNCERTAIN, "timeout")] * 2])
    deliver(ScriptedGateway(lambda call: next(answers)(call)))

    assert ledger(mailing_id) == {Status.SENT: 1, Status.UNKNOWN: 2}
    assert breaker_state() is Breaker.CLOSED
    assert remembered() == 2
