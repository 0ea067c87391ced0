"""Rounds of sending against a gateway that answers as the test says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import breaker, delivery, lookahead, mailings, outbox, single_messages, stop_list, writing
from dashboard.domain.armed import Armed
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.meanwhile import attended_by
from dashboard.models import Attempt, Breaker, Mailing, Message, Service, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    RETRY,
    ScriptedGateway,
    accepted,
    add_clients,
    another_try_is_due,
    answer,
    arm,
    attempts_of,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    schedule,
    set_messages,
    settle,
    state_of,
)

ZONES = ("Europe/Moscow", "Asia/Omsk", "UTC+03:00")


def breaker_state() -> Breaker:
    db.session.rollback()
    return db.session.get_one(Service, 1).breaker


def test_one_round_takes_a_due_mailing_from_scheduled_to_finished(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 300, zones=ZONES)
    mailing_id = schedule(owner, text="Dear {{name}}")
    gateway = ScriptedGateway()

    more_is_due = deliver(gateway)

    assert more_is_due is False
    assert ledger(mailing_id) == {Status.SENT: 300}
    assert state_of(mailing_id) is State.FINISHED
    assert sorted(call.text for call in gateway.calls) == sorted(f"Dear N{number}" for number in range(300))
    assert len({call.message_id for call in gateway.calls}) == 300


def test_a_mailing_whose_time_has_not_come_is_left_alone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = schedule(owner, starts_at=clock.now() + timedelta(minutes=10))
    gateway = ScriptedGateway()

    deliver(gateway)

    assert state_of(mailing_id) is State.SCHEDULED
    assert gateway.calls == []


def test_a_paused_mailing_sends_nothing_until_it_is_resumed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 30)
    mailing_id = schedule(owner)
    gateway = ScriptedGateway(lambda call: pause_then(owner, mailing_id, call), connections=10)

    deliver(gateway)
    while_paused = ledger(mailing_id)
    mailings.resume(owner, mailing_id)
    gateway = ScriptedGateway()
    deliver(gateway)

    assert while_paused == {Status.SENT: 10, Status.QUEUED: 20}
    assert ledger(mailing_id) == {Status.SENT: 30}
    assert state_of(mailing_id) is State.FINISHED


def pause_then(owner: Actor, mailing_id: int, call: Call) -> Answer:
    if state_of(mailing_id) is State.RUNNING:
        mailings.pause(owner, mailing_id)
    return accepted(call)


def test_mailings_that_run_together_take_turns(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "AHEAD_SECONDS", 0.0)
    owner = make_actor()
    add_clients(owner, 100)
    first, second = schedule(owner, text="first"), schedule(owner, text="second")
    gateway = ScriptedGateway(connections=10)

    deliver(gateway)

    halves = [call.text for call in gateway.calls[:60]]
    assert ledger(first) == ledger(second) == {Status.SENT: 100}
    assert {halves.count("first"), halves.count("second")} <= set(range(20, 41))


def test_many_mailings_share_a_few_connections_equally(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookahead, "AHEAD_SECONDS", 0.0)
    owner = make_actor()
    add_clients(owner, 6)
    twenty = [fan_out_all(owner, text=f"{number}") for number in range(20)]
    gateway = ScriptedGateway(connections=4)

    deliver(gateway)

    half_way = Counter(call.text for call in gateway.calls[:60])
    assert len(half_way) == 20
    assert max(half_way.values()) <= 2 * min(half_way.values())
    assert all(ledger(each) == {Status.SENT: 6} for each in twenty)


def test_calls_go_on_while_the_database_works(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "AHEAD_SECONDS", 1e9)
    monkeypatch.setattr(writing, "SETTLE_COUNT", 20)
    owner = make_actor()
    add_clients(owner, 300, zones=ZONES)
    mailing_id = schedule(owner)
    begun_meanwhile: list[bool] = []

    class Watched(ScriptedGateway):
        def submit(self, call: Call) -> None:
            begun_meanwhile.append(db.session.info.get("writing", False))
            super().submit(call)

    gateway = Watched(connections=20)
    sending_round = delivery.Round(gateway, HOLD)
    with attended_by(sending_round.attend):
        sending_round.run(20)

    assert any(begun_meanwhile)
    assert ledger(mailing_id) == {Status.SENT: 300}
    assert len({call.message_id for call in gateway.calls}) == len(gateway.calls) == 300


def test_while_the_breaker_is_being_opened_nothing_more_begins(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    add_clients(owner, 60)
    mailing_id = schedule(owner)
    gateway = ScriptedGateway(
        lambda call: answer(call, Verdict.DENIED, "bad_token", http_status=401), connections=8
    )
    begun: list[int] = []
    open_ = breaker.open_

    def watched(reason: str) -> None:
        begun.append(len(gateway.calls))
        open_(reason)
        begun.append(len(gateway.calls))

    monkeypatch.setattr(breaker, "open_", watched)
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 30.0)
    sending_round = delivery.Round(gateway, HOLD)
    with attended_by(sending_round.attend):
        sending_round.run(20)

    assert begun[0] == begun[-1] == len(gateway.calls)
    assert ledger(mailing_id) == {Status.QUEUED: 60}


def test_a_round_that_is_told_to_stop_begins_nothing_more_and_leaves_nothing_in_the_air(
    any_context: Flask,
) -> None:
    owner = make_actor()
    add_clients(owner, 40)
    mailing_id = fan_out_all(owner)

    def stop_at_the_first(call: Call) -> Answer:
        sending_round.stop()
        return accepted(call)

    gateway = ScriptedGateway(stop_at_the_first, connections=10)
    sending_round = delivery.Round(gateway, HOLD)
    sending_round.run(20)

    assert len(gateway.calls) == 10
    assert ledger(mailing_id) == {Status.SENT: 10, Status.QUEUED: 30}


def test_calls_under_a_rate_begin_at_their_moments_and_all_of_them(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 12)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.get_one(Mailing, mailing_id).rate_limit = 20
    begun: list[float] = []

    class Watched(ScriptedGateway):
        def submit(self, call: Call) -> None:
            begun.append(clock.monotonic())
            super().submit(call)

    gateway = Watched()
    deliver(gateway)
    # Whom a machine that stalls has made miss all moments is given back.
    deliver(gateway)

    assert ledger(mailing_id) == {Status.SENT: 12}
    assert len(begun) == 12
    # Eleven gaps of 50 ms; the first call may have begun a tenth of a second late.
    assert begun[-1] - begun[0] > 11 * 0.05 - 0.1


class Slow(ScriptedGateway):
    def poll(self, timeout_seconds: float) -> list[Answer]:
        clock.sleep(0.05)
        return super().poll(timeout_seconds)


def test_who_misses_a_moment_gets_another_and_is_not_given_back(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookahead, "AHEAD_SECONDS", 1e9)
    owner = make_actor()
    add_clients(owner, 60)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.get_one(Mailing, mailing_id).rate_limit = 10_000
    renewed: list[Armed] = []
    renew = outbox.renew

    def watched(late: Sequence[Armed], lead: float) -> list[Armed]:
        found = renew(late, lead)
        renewed.extend(found)
        return found

    monkeypatch.setattr(outbox, "renew", watched)
    gateway = Slow(connections=10)

    deliver(gateway)

    assert renewed
    assert ledger(mailing_id) == {Status.SENT: 60}
    assert len({call.message_id for call in gateway.calls}) == len(gateway.calls) == 60


@pytest.mark.usefixtures("any_context")
def test_what_misses_a_moment_while_the_database_fails_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "AHEAD_SECONDS", 1e9)
    owner = make_actor()
    add_clients(owner, 60)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.get_one(Mailing, mailing_id).rate_limit = 10_000

    def fails(*_: object) -> list[Armed]:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(outbox, "renew", fails)
    gateway = Slow(connections=10)

    with pytest.raises(OperationalError):
        deliver(gateway)

    assert ledger(mailing_id) == {Status.SENT: len(gateway.calls), Status.QUEUED: 60 - len(gateway.calls)}


def test_a_refused_token_opens_the_breaker_and_uses_up_no_try(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 200)
    mailing_id = schedule(owner)
    gateway = ScriptedGateway(
        lambda call: answer(call, Verdict.DENIED, "bad_token", http_status=401), connections=8
    )

    deliver(gateway)

    assert breaker_state() is Breaker.OPEN
    assert ledger(mailing_id) == {Status.QUEUED: 200}
    assert len(gateway.calls) <= 8
    assert {message.tries for message in db.session.query(Message)} == {0}


def test_the_breaker_closes_by_itself_when_a_probe_is_accepted(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(lambda call: answer(call, Verdict.DENIED, "bad_token")))
    another_try_is_due(mailing_id)
    probe_is_due()

    gateway = ScriptedGateway()
    deliver(gateway)

    assert breaker_state() is Breaker.CLOSED
    assert ledger(mailing_id) == {Status.SENT: 20}


def probe_is_due() -> None:
    with transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() - timedelta(seconds=1)


def test_a_failed_probe_waits_longer_and_sends_nothing_else(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner)
    denied = ScriptedGateway(lambda call: answer(call, Verdict.DENIED, "bad_token"))
    deliver(denied)
    another_try_is_due(mailing_id)
    probe_is_due()
    denied.calls.clear()

    deliver(denied)

    db.session.rollback()
    service = db.session.get_one(Service, 1)
    assert len(denied.calls) == 1
    assert service.breaker is Breaker.OPEN
    assert service.breaker_failed_probes == 1
    assert service.breaker_probe_at is not None
    assert service.breaker_probe_at > clock.now() + breaker.FIRST_PAUSE


def test_a_probe_that_is_surely_not_accepted_uses_up_no_try(any_context: Flask) -> None:
    """The last one that this message has."""
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    set_messages(mailing_id, tries=HOLD.most_tries - 1)
    breaker.open_("error_rate")
    busy = ScriptedGateway(lambda call: answer(call, Verdict.NOT_ACCEPTED, "http_503", http_status=503))

    for _ in range(2):
        probe_is_due()
        another_try_is_due(mailing_id)
        deliver(busy)

    assert len(busy.calls) == 2
    assert ledger(mailing_id) == {Status.QUEUED: 1}
    assert breaker_state() is Breaker.OPEN


def test_whom_nothing_is_sent_to_anyway_does_not_use_up_the_probe(any_context: Flask) -> None:
    """Thirty to be skipped, and a gap, stand before the one that can be sent."""
    owner = make_actor()
    add_clients(owner, 30)
    with transaction() as session:
        session.get_one(Service, 1).frequency_cap, session.get_one(Service, 1).frequency_days = 1, 1
    settle(arm(fan_out_all(owner)))
    add_clients(owner, 2, first=30)
    mailing_id = fan_out_all(owner)
    cancelled, wanted = messages_of(mailing_id)[-2:]
    single_messages.cancel(owner, cancelled.id)
    breaker.open_("bad_token")
    probe_is_due()

    gateway = ScriptedGateway()
    deliver(gateway)

    assert [call.message_id for call in gateway.calls] == [wanted.id]
    assert breaker_state() is Breaker.CLOSED
    assert ledger(mailing_id) == {Status.SKIPPED: 30, Status.CANCELLED: 1, Status.SENT: 1}


def test_a_probe_for_which_there_was_nobody_is_there_for_the_next_look(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    for message in messages_of(mailing_id):
        stop_list.add(owner, message.phone)
    breaker.open_("bad_token")
    probe_is_due()

    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SKIPPED: 2}
    assert breaker.take_probe(HOLD.call_deadline) is not None
    assert breaker.take_probe(HOLD.call_deadline) is None


def test_nearly_nothing_but_failures_opens_the_breaker(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 400)
    mailing_id = schedule(owner)
    gateway = ScriptedGateway(lambda call: answer(call, Verdict.UNCERTAIN, "http_500"), connections=10)

    deliver(gateway, seconds=2)

    assert breaker_state() is Breaker.OPEN
    assert ledger(mailing_id)[Status.UNKNOWN] == len(gateway.calls) < 100


def test_a_few_slow_failures_that_end_together_are_no_trouble_of_the_gateway() -> None:
    """One call in twenty hangs: by the time those run out, all that began beside them has long been accepted."""
    watch = breaker.Watch()
    began = clock.now()
    calls = [
        replace(accepted(Call(number, "79000000000", "Hi")), started_at=began + timedelta(milliseconds=number))
        for number in range(1_200)
    ]
    quick = [call for call in calls if call.message_id % 20]
    slow = [replace(call, verdict=Verdict.UNCERTAIN, reason="timeout") for call in calls[::20]]

    assert watch.trouble(quick) is None
    assert watch.trouble(slow) is None


@pytest.mark.parametrize("hours", [-2, 2])
def test_calls_of_a_worker_whose_clock_is_wrong_bear_the_databases_instant(
    pg_app: Flask, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    with pg_app.app_context():
        attempt, message = refused_by_a_clock_off_by(hours, monkeypatch)

    assert message.settled_at is not None
    assert abs(message.settled_at - attempt.at) < timedelta(minutes=1)


def refused_by_a_clock_off_by(hours: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Attempt, Message]:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + timedelta(hours=hours))

    deliver(ScriptedGateway(lambda call: answer(call, Verdict.REFUSED, "http_400")))

    (message,) = messages_of(mailing_id)
    (attempt,) = attempts_of(message.id)
    db.session.refresh(message)
    return attempt, message


def test_surely_not_accepted_is_tried_again_with_the_same_number(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(lambda call: answer(call, Verdict.NOT_ACCEPTED, "http_429")))
    after_first = ledger(mailing_id)
    numbers = {message.id for message in db.session.query(Message)}
    another_try_is_due(mailing_id)

    gateway = ScriptedGateway()
    deliver(gateway, policy=RETRY)

    assert after_first == {Status.QUEUED: 10}
    assert ledger(mailing_id) == {Status.SENT: 10}
    assert {call.message_id for call in gateway.calls} == numbers
