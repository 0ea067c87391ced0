"""How does a call's answer come into the books, whoever comes in between, and however often it is written?"""

from collections.abc import Callable

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import moves, outbox, outcomes, recovery, settling
from dashboard.domain.armed import Armed
from dashboard.domain.policy import SendingPolicy
from dashboard.domain.settling import Result
from dashboard.domain.tallies import Place
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Flight, Message, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    RETRY,
    TOKEN,
    accepted,
    add_clients,
    another_try_is_due,
    answer,
    arm,
    attempts_of,
    count_rows,
    fan_out_all,
    flights_of,
    leases_run_out,
    ledger,
    messages_of,
    saying,
    settle,
)

BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", http_status=429, excerpt="slow down", retry_after=0.0)
REFUSED = saying(Verdict.REFUSED, "http_400", http_status=400)
CALL = Call(1, "79000000000", "Hello")


def armed_one(count: int = 1) -> tuple[int, list[Armed]]:
    owner = make_actor()
    add_clients(owner, count)
    mailing_id = fan_out_all(owner)
    return mailing_id, arm(mailing_id)


@pytest.mark.parametrize(
    "verdict, reason, hold, retry",
    [
        (Verdict.ACCEPTED, "ok", Status.SENT, Status.SENT),
        (Verdict.REFUSED, "http_400", Status.FAILED, Status.FAILED),
        (Verdict.NOT_ACCEPTED, "http_429", Status.QUEUED, Status.QUEUED),
        (Verdict.NOT_ACCEPTED, "refused_connection", Status.QUEUED, Status.QUEUED),
        (Verdict.DENIED, "bad_token", Status.QUEUED, Status.QUEUED),
        (Verdict.UNCERTAIN, "timeout", Status.UNKNOWN, Status.QUEUED),
        (Verdict.UNCERTAIN, "http_500", Status.UNKNOWN, Status.QUEUED),
    ],
)
def test_each_verdict_has_its_outcome(verdict: Verdict, reason: str, hold: Status, retry: Status) -> None:
    given = answer(CALL, verdict, reason)

    assert outcomes.after(0, given, clock.now(), HOLD).status is hold
    assert outcomes.after(0, given, clock.now(), RETRY).status is retry


def test_trouble_of_the_gateway_uses_up_no_try() -> None:
    for reason, verdict in (("bad_token", Verdict.DENIED), ("refused_connection", Verdict.NOT_ACCEPTED)):
        assert outcomes.after(2, answer(CALL, verdict, reason), clock.now(), HOLD).tries == 2


def test_the_last_try_decides() -> None:
    refused = outcomes.after(2, answer(CALL, Verdict.NOT_ACCEPTED, "http_503"), clock.now(), HOLD)
    lost = outcomes.after(11, answer(CALL, Verdict.UNCERTAIN, "timeout"), clock.now(), RETRY)

    assert (refused.status, refused.reason, refused.tries) == (Status.FAILED, "http_503", 3)
    assert (lost.status, lost.tries) == (Status.UNKNOWN, 12)


def test_accepted_and_other_results_of_one_flight_are_written_together(any_context: Flask) -> None:
    mailing_id, armed = armed_one(4)
    scripts = [accepted, REFUSED, BUSY, saying(Verdict.UNCERTAIN, "timeout")]
    results = [Result(each, script(each.call)) for each, script in zip(armed, scripts, strict=True)]

    settling.settle(results, flights_of(results), TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENT: 1, Status.FAILED: 1, Status.QUEUED: 1, Status.UNKNOWN: 1}
    assert count_rows(Flight, mailing_id) == 0


@pytest.mark.parametrize(
    "script, status",
    [
        (accepted, Status.SENT),
        (REFUSED, Status.FAILED),
        (BUSY, Status.QUEUED),
        (saying(Verdict.UNCERTAIN, "timeout"), Status.UNKNOWN),
    ],
)
def test_a_result_that_is_written_again_changes_nothing(
    any_context: Flask, script: object, status: Status
) -> None:
    """The answer to the first COMMIT was lost."""
    mailing_id, armed = armed_one(3)
    results = settle(armed, script)  # type: ignore[arg-type]
    once = story(mailing_id)

    settling.settle(results, flights_of(results), TOKEN, HOLD)

    assert ledger(mailing_id) == {status: 3}
    assert story(mailing_id) == once
    assert {tries for tries, _traces in once} == {1}


def story(mailing_id: int) -> list[tuple[int, int]]:
    """Of each message, its tries and the rows they have left."""
    return [(message.tries, len(attempts_of(message.id))) for message in messages_of(mailing_id)]


def test_a_result_written_again_after_another_worker_took_the_message_over_leaves_it_alone(
    any_context: Flask,
) -> None:
    mailing_id, armed = armed_one()
    results = settle(armed, BUSY)
    another_try_is_due(mailing_id)
    arm(mailing_id, token=OTHER)

    settling.settle(results, [], TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENDING: 1}
    assert story(mailing_id) == [(1, 1)]


def test_part_of_a_flight_overtaken_by_the_sweep_settles_all_the_same(any_context: Flask) -> None:
    """Of a thousand written all alike, one has been decided about: "sent" wins for it as well."""
    mailing_id, armed = armed_one(3)
    decide(armed[1], Place(Status.UNKNOWN, "worker_lost", clock.now()))

    settle(armed)

    assert ledger(mailing_id) == {Status.SENT: 3}


def decide(each: Armed, place: Place) -> None:
    """Somebody else's word about a message that is in the air."""
    send_after = clock.now() if place.status is Status.QUEUED else None
    with transaction() as session:
        row = session.get_one(Message, each.id)
        moves.move(session, [row], Place(Status.SENDING), place, send_after=send_after)


@pytest.mark.parametrize("earlier", [Status.UNKNOWN, Status.QUEUED, Status.CANCELLED, Status.EXPIRED])
@pytest.mark.parametrize("is_single", [False, True])
def test_sent_wins_over_everything_whoever_reports_it(
    any_context: Flask, earlier: Status, is_single: bool
) -> None:
    mailing_id, (each,) = armed_one()
    if is_single:
        settle([each], BUSY)
        another_try_is_due(mailing_id)
        (each,) = arm(mailing_id)
    decide(each, Place(earlier, "worker_lost", clock.now()))

    settle([each], token=OTHER)

    assert ledger(mailing_id) == {Status.SENT: 1}
    assert messages_of(mailing_id)[0].send_after is None


@pytest.mark.parametrize("policy, swept", [(HOLD, Status.UNKNOWN), (RETRY, Status.QUEUED)])
@pytest.mark.parametrize("script", [REFUSED, BUSY, saying(Verdict.UNCERTAIN, "timeout")])
def test_after_the_sweep_has_decided_no_result_but_sent_counts(
    any_context: Flask, policy: object, swept: Status, script: object
) -> None:
    mailing_id, armed = armed_one(2)
    leases_run_out(mailing_id)
    recovery.recover(policy)  # type: ignore[arg-type]

    settle(armed, script)  # type: ignore[arg-type]
    after_others = ledger(mailing_id)
    settle(armed)

    assert after_others == {swept: 2}
    assert ledger(mailing_id) == {Status.SENT: 2}


def armed_twice(policy: SendingPolicy = RETRY) -> tuple[int, Armed, Armed]:
    """A worker was suspended for longer than its leases, and then took the same message again."""
    mailing_id, [first] = armed_one()
    leases_run_out(mailing_id)
    recovery.recover(policy)
    [second] = arm(mailing_id, policy=policy)
    return mailing_id, first, second


def test_a_result_of_an_earlier_try_of_the_same_worker_does_not_count(any_context: Flask) -> None:
    """The message would wait for another try while the second call is under way."""
    mailing_id, first, _second = armed_twice()

    settle([first], BUSY, policy=RETRY)

    assert ledger(mailing_id) == {Status.SENDING: 1}
    assert [each.reason for each in attempts_of(first.id)] == ["worker_lost", "http_429"]


@pytest.mark.parametrize("scripts", [(accepted, BUSY), (BUSY, accepted)], ids=["first", "second"])
def test_of_two_tries_written_together_the_accepted_one_counts_and_both_leave_a_trace(
    any_context: Flask, scripts: tuple[Callable[[Call], Answer], Callable[[Call], Answer]]
) -> None:
    mailing_id, first, second = armed_twice()
    results = [Result(each, script(each.call)) for each, script in zip((first, second), scripts, strict=True)]

    settling.settle(results, [], TOKEN, RETRY)

    assert ledger(mailing_id) == {Status.SENT: 1}
    assert {"ok", "http_429"} <= {each.reason for each in attempts_of(first.id)}


def test_a_late_acceptance_of_what_another_worker_has_sent_leaves_its_trace(any_context: Flask) -> None:
    """Two calls were accepted: the story must tell it."""
    mailing_id, (each,) = armed_one()
    leases_run_out(mailing_id)
    recovery.recover(RETRY)
    settle(arm(mailing_id, token=OTHER), token=OTHER, policy=RETRY)

    settle([each], policy=RETRY)

    assert ledger(mailing_id) == {Status.SENT: 1}
    assert [attempt.reason for attempt in attempts_of(each.id)] == ["worker_lost", "ok", "ok"]


def test_every_call_but_an_accepted_first_one_leaves_a_row(any_context: Flask) -> None:
    mailing_id, (each,) = armed_one()

    settle([each], BUSY)
    another_try_is_due(mailing_id)
    settle(arm(mailing_id))

    assert [(row.reason, row.http_status, row.excerpt) for row in attempts_of(each.id)] == [
        ("http_429", 429, "slow down"),
        ("ok", 200, ""),
    ]
    assert messages_of(mailing_id)[0].tries == 2


def test_a_first_try_that_is_accepted_lives_on_the_messages_row(any_context: Flask) -> None:
    mailing_id, (each,) = armed_one()

    settle([each])

    assert attempts_of(each.id) == []
    (message,) = messages_of(mailing_id)
    assert (message.tries, message.duration_ms) == (1, 7)
    assert message.settled_at is not None


def test_nothing_to_write_is_no_trouble(any_context: Flask) -> None:
    mailing_id, _armed = armed_one()

    settling.settle([], [], TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENDING: 1}
    assert outbox.arm([], 10, TOKEN, HOLD).armed == []
