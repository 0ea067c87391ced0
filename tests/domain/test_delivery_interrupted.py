"""Is nothing lost or doubled in a round whose database fails, or does not say whether it did as told?"""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from dashboard.domain import breaker, delivery, outbox, recovery, releasing, retries, settling, writing
from dashboard.domain.armed import Armed, Arming
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Flight, Status
from tests.factories import make_actor
from tests.support.engine import (
    RETRY,
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    attempts_of,
    count_rows,
    deliver,
    leases_run_out,
    ledger,
    messages_of,
    saying,
    schedule,
)


def scheduled(count: int) -> int:
    owner = make_actor()
    add_clients(owner, count)
    return schedule(owner)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes again, looks for due mailings, and gives another try after milliseconds."""
    for module in (delivery, writing):
        monkeypatch.setattr(module, "WRITE_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(retries, "wait", lambda *_: timedelta(milliseconds=1))


def failing(work: Callable[..., None], times: int) -> Callable[..., None]:
    left = [times]

    def call(*args: object) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("UPDATE messages", {}, Exception("the database is locked"))
        work(*args)

    return call


def losing_the_answer(work: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """Of the first calls; what they did is done."""
    lost = OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))
    answers = chain(repeat(lost, times), repeat(None))

    def call(*args: object, **options: object) -> Any:
        result, error = work(*args, **options), next(answers)
        if error:
            raise error
        return result

    return call


@pytest.mark.usefixtures("_impatient")
def test_a_database_that_takes_no_results_for_a_while_loses_none(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_id = scheduled(40)
    monkeypatch.setattr(settling, "settle", failing(settling.settle, times=3))

    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 40}
    assert count_rows(Flight, mailing_id) == 0


def test_an_error_in_mid_round_still_settles_what_was_called_for(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_id = scheduled(30)
    monkeypatch.setattr(outbox, "arm", failing_after_first(outbox.arm))

    with pytest.raises(OperationalError):
        deliver(ScriptedGateway(connections=10))

    assert ledger(mailing_id) == {Status.SENT: 10, Status.QUEUED: 20}
    assert count_rows(Flight, mailing_id) == 0


def failing_after_first(work: Callable[..., Arming]) -> Callable[..., Arming]:
    calls = [0]

    def call(*args: object, **options: object) -> Arming:
        calls[0] += 1
        if calls[0] > 1:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return work(*args, **options)

    return call


def test_messages_armed_by_a_commit_whose_answer_was_lost_are_given_back(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_id = scheduled(30)
    monkeypatch.setattr(outbox, "arm", losing_the_answer(outbox.arm))
    gateway = ScriptedGateway(connections=10)

    with pytest.raises(OperationalError):
        deliver(gateway)

    assert gateway.calls == []
    assert ledger(mailing_id) == {Status.QUEUED: 30}


def test_what_may_have_been_given_back_is_never_called_for(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_id = scheduled(10)
    too_late(monkeypatch, armings=1_000)
    monkeypatch.setattr(releasing, "release", losing_the_answer(releasing.release))
    gateway = ScriptedGateway()

    deliver(gateway, seconds=0.3)

    assert ledger(mailing_id) == {Status.QUEUED: 10}
    assert gateway.calls == []


def too_late(monkeypatch: pytest.MonkeyPatch, armings: int) -> None:
    """The COMMIT of the first armings takes so long that their calls may not begin any more."""
    arm, left = outbox.arm, [armings]

    def slow(*args: Any, **options: Any) -> Arming:
        arming = arm(*args, **options)
        if arming.armed and left[0]:
            left[0] -= 1
            for each in arming.armed:
                each.begins_before -= 1.0
                each.ends -= 1.0
        return arming

    monkeypatch.setattr(outbox, "arm", slow)


class SlowGateway(ScriptedGateway):
    """Answers only what it has been asked to wait for a few times."""

    def poll(self, timeout_seconds: float) -> list[Answer]:
        self.polls = getattr(self, "polls", 0) + 1
        return super().poll(timeout_seconds) if self.polls % 40 == 0 else []


@pytest.mark.usefixtures("_impatient")
def test_nothing_is_given_back_while_it_is_called_for(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was given back and armed again before the answer to the first COMMIT was missed."""
    mailing_id = scheduled(10)
    gateway = SlowGateway()
    too_late(monkeypatch, armings=1)
    called: list[int] = []
    release = losing_the_answer(releasing.release)

    def watched(armed: list[Armed], *more: Any) -> None:
        called.extend({each.id for each in armed} & {call.message_id for call in gateway.calls})
        release(armed, *more)

    monkeypatch.setattr(releasing, "release", watched)

    deliver(gateway, seconds=20)

    assert called == []
    assert ledger(mailing_id) == {Status.SENT: 10}
    assert len(gateway.calls) == 10


@pytest.mark.usefixtures("_impatient")
def test_a_result_of_one_try_is_never_taken_for_the_result_of_the_next(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written, and the message armed again before the answer to the first COMMIT was missed."""
    mailing_id = scheduled(10)
    tried: set[int] = set()
    monkeypatch.setattr(settling, "settle", losing_the_answer(settling.settle))

    deliver(SlowGateway(lambda call: busy_at_first(tried, call)), RETRY, seconds=20)

    assert ledger(mailing_id) == {Status.SENT: 10}
    for message in messages_of(mailing_id):
        assert (message.tries, [each.reason for each in attempts_of(message.id)]) == (2, ["http_429", "ok"])


def busy_at_first(tried: set[int], call: Call) -> Answer:
    if call.message_id in tried:
        return accepted(call)
    tried.add(call.message_id)
    return answer(call, Verdict.NOT_ACCEPTED, "http_429", http_status=429)


@pytest.mark.usefixtures("_impatient")
def test_results_survive_a_database_that_is_away_when_the_gateway_fails_too(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_id = scheduled(20)
    monkeypatch.setattr(settling, "settle", failing(settling.settle, times=2))
    monkeypatch.setattr(breaker, "open_", failing(breaker.open_, times=1))
    monkeypatch.setattr(releasing, "release", failing(releasing.release, times=1))
    gateway = ScriptedGateway(saying(Verdict.DENIED, "bad_token"), connections=10)

    deliver(gateway, seconds=1)

    assert ledger(mailing_id) == {Status.QUEUED: 20}


@pytest.mark.usefixtures("_impatient")
def test_what_is_still_being_called_for_is_not_called_for_again_after_a_suspension(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was stopped in the middle of a call, and the sweep takes the message for lost."""
    mailing_id = scheduled(1)
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 0.0)
    gateway = SuspendedGateway(mailing_id)

    deliver(gateway, RETRY, seconds=20)

    assert len(gateway.calls) == 1
    assert ledger(mailing_id) == {Status.SENT: 1}


class SuspendedGateway(SlowGateway):
    """The first look for the answer to a call takes longer than a lease."""

    def __init__(self, mailing_id: int) -> None:
        super().__init__()
        self._mailing_id = mailing_id
        self._was_suspended = False

    def poll(self, timeout_seconds: float) -> list[Answer]:
        if self.calls and not self._was_suspended:
            self._was_suspended = True
            leases_run_out(self._mailing_id)
            recovery.recover(RETRY)
            return []
        return super().poll(timeout_seconds)
