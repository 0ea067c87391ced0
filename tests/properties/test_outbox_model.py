"""Whatever people, workers, gateway and clock do: is the ledger true, and nobody forgotten or sent to twice?"""

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, event

from dashboard import clock
from dashboard.database import db
from dashboard.domain import fan_out, retries
from dashboard.domain.policy import SendingPolicy
from dashboard.domain.unknown_outcomes import Decision
from tests.support.engine import HOLD, RETRY
from tests.support.outbox_actors import Brake, Clock, Fate
from tests.support.outbox_world import CLIENTS, WINDOWS, World

MOST_MAILINGS = 12
# Clients of one step of the fan-out.
RANGE = 6
workers, mailings, windows = st.integers(0, 1), st.integers(0, MOST_MAILINGS - 1), st.integers(0, len(WINDOWS) - 1)
limits, fates = st.sampled_from([4, 1, 33]), st.lists(st.sampled_from(Fate), min_size=1, max_size=9)
# Whether the answer to a COMMIT is lost.
losses = st.sampled_from([False, False, True])
# Who arms next: most faults show when another worker does so at once.
successors = st.none() | workers
# A moment, a call, a lease, a while, until another window.
pauses = st.sampled_from([timedelta(seconds=seconds) for seconds in (0.3, 2, 14, 14, 600, 3_600)])


class OutboxModel(RuleBasedStateMachine):
    def __init__(self, policy: SendingPolicy, clock: Clock) -> None:
        super().__init__()
        self.world = World(policy, clock)

    @initialize(window=windows, number=workers, limit=limits)
    def begin(self, window: int, number: int, limit: int) -> None:
        self.launch_whole(window)
        self.let_arm(number, limit)

    def launch_whole(self, window: int) -> None:
        self.world.launch(window)
        for _ in range(CLIENTS // RANGE + 1):
            self.world.fan_out()

    def let_arm(self, number: int | None, limit: int = 4) -> None:
        """Where all have been armed before, there is another mailing: else most of the deeds would be idle."""
        if number is None:
            return
        if not self.world.has_more_to_arm() and len(self.world.mailings) < MOST_MAILINGS:
            self.launch_whole(len(self.world.mailings) % len(WINDOWS))
        self.world.arm(self.world.workers[number], limit)

    def mailing(self, number: int) -> int:
        return list(self.world.mailings)[number % len(self.world.mailings)]

    @precondition(lambda self: len(self.world.mailings) < MOST_MAILINGS)
    @rule(window=windows)
    def launch(self, window: int) -> None:
        self.world.launch(window)
        self.world.fan_out()

    @rule()
    def fan_out(self) -> None:
        self.world.fan_out()

    @rule(number=workers, limit=limits)
    def arm(self, number: int, limit: int) -> None:
        self.let_arm(number, limit)

    @rule(number=workers)
    def arm_and_lose_the_answer(self, number: int) -> None:
        self.world.arm_and_lose_the_answer(self.world.workers[number])

    @rule(number=workers, fates=fates)
    def call(self, number: int, fates: list[Fate]) -> None:
        self.world.call(self.world.workers[number], fates)

    @rule(number=workers, limit=limits, fates=fates, count=st.integers(0, 9))
    def work(self, number: int, limit: int, fates: list[Fate], count: int) -> None:
        """As on most days, but nothing need come to its end in one go."""
        self.let_arm(number, limit)
        self.call(number, fates)
        self.world.settle(self.world.workers[number], count)

    @rule(number=workers, count=st.integers(1, 9), is_answer_lost=losses, successor=successors)
    def settle(self, number: int, count: int, is_answer_lost: bool, successor: int | None) -> None:
        self.world.settle(self.world.workers[number], count, is_answer_lost=is_answer_lost)
        self.let_arm(successor)

    @rule(number=workers, is_answer_lost=losses, successor=successors)
    def release(self, number: int, is_answer_lost: bool, successor: int | None) -> None:
        self.world.release(self.world.workers[number], is_answer_lost=is_answer_lost)
        self.let_arm(successor)

    @rule(number=workers, fates=fates)
    def crash_in_the_midst_of_calls(self, number: int, fates: list[Fate]) -> None:
        self.let_arm(number)
        self.call(number, fates)
        self.world.crash(number)

    @rule(number=workers, fates=fates)
    def outlive_its_leases(self, number: int, fates: list[Fate]) -> None:
        """It writes its results when the sweep has taken it for lost, and the other has armed again."""
        self.let_arm(number)
        self.call(number, fates)
        self.time_passes(timedelta(seconds=14), is_swept=True, successor=1 - number)
        self.world.settle(self.world.workers[number], len(fates))

    @rule(pause=pauses, is_swept=st.booleans(), successor=successors)
    def time_passes(self, pause: timedelta, is_swept: bool, successor: int | None) -> None:
        self.world.clock.at += pause
        if is_swept:
            self.world.sweep()
        self.let_arm(successor)

    @rule(brake=st.sampled_from(Brake), number=mailings, successor=workers)
    def brake(self, brake: Brake, number: int, successor: int) -> None:
        self.world.brake(brake, self.mailing(number))
        self.let_arm(successor)

    @rule(number=st.integers(0, CLIENTS - 1), successor=workers)
    def list_phone(self, number: int, successor: int) -> None:
        self.world.list_phone(number)
        self.let_arm(successor)

    @rule(number=mailings, decision=st.none() | st.sampled_from(Decision), successor=successors)
    def send_again(self, number: int, decision: Decision | None, successor: int | None) -> None:
        self.world.send_again(self.mailing(number), decision)
        self.let_arm(successor)

    @invariant()
    def the_ledger_is_true(self) -> None:
        self.world.truth.check()

    def teardown(self) -> None:
        self.world.run_to_the_end()


@pytest.mark.parametrize("policy", [HOLD, pytest.param(RETRY, marks=pytest.mark.slow)], ids=["hold", "retry"])
def test_the_ledger_is_true_whatever_happens(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch, policy: SendingPolicy
) -> None:
    run(monkeypatch, policy, examples=9, steps=70)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("policy", [HOLD, RETRY], ids=["hold", "retry"])
def test_the_ledger_is_true_whatever_happens_for_long(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch, policy: SendingPolicy
) -> None:
    run(monkeypatch, policy, examples=60, steps=100)


def hurry(engine: Engine) -> None:
    """SQLite need not wait for the disk here: nobody pulls the plug, and it is three times as fast."""
    if engine.dialect.name == "sqlite":
        engine.dispose()
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))


def run(monkeypatch: pytest.MonkeyPatch, policy: SendingPolicy, examples: int, steps: int) -> None:
    hurry(db.engine)
    turned = Clock()
    for name in ("now", "database_now"):
        monkeypatch.setattr(clock, name, turned.now)
    monkeypatch.setattr(clock, "monotonic", turned.monotonic)
    # Several ranges, and so several chunks; and no dice but hypothesis's.
    monkeypatch.setattr(fan_out, "RANGE", RANGE)
    monkeypatch.setattr(retries, "wait", lambda *_: timedelta(seconds=5))
    run_state_machine_as_test(
        lambda: OutboxModel(policy, turned),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
