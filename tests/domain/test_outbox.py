"""Who may send which message, and what is written of it, whoever comes in between?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import breaker, mailings, outbox, settling, stop_list
from dashboard.gateway import Call, Verdict
from dashboard.models import Attempt, Lane, Message, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    RETRY,
    accepted,
    add_clients,
    answer,
    fan_out_all,
    ledger,
    messages_of,
    set_messages,
)

TOKEN, OTHER = "a" * 32, "b" * 32


def test_arming_marks_messages_before_anything_is_sent(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner, text="Dear {{name}}")

    calls = outbox.arm(mailing_id, 3, TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.QUEUED: 2, Status.SENDING: 3}
    assert {call.text for call in calls} <= {f"Dear N{number}" for number in range(5)}
    assert len({call.message_id for call in calls}) == 3


def test_what_one_worker_has_armed_no_other_gets(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)

    mine = outbox.arm(mailing_id, 3, TOKEN, HOLD)
    theirs = outbox.arm(mailing_id, 10, OTHER, HOLD)

    assert len(mine) == 3
    assert len(theirs) == 2
    assert not {call.message_id for call in mine} & {call.message_id for call in theirs}


@pytest.mark.parametrize("brake", [mailings.pause, mailings.cancel])
def test_after_a_brake_nothing_is_armed(any_context: Flask, brake: object) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)

    brake(owner, mailing_id)  # type: ignore[operator]

    assert outbox.arm(mailing_id, 10, TOKEN, HOLD) == []


def test_while_the_breaker_is_open_only_a_probe_is_armed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    breaker.open_("http_401")

    assert outbox.arm(mailing_id, 10, TOKEN, HOLD) == []
    assert len(outbox.arm(mailing_id, 1, TOKEN, HOLD, probing=True)) == 1


def test_a_message_whose_call_could_outlast_the_end_is_not_armed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        lane = session.get_one(Lane, (mailing_id, "Europe/Moscow"))
        lane.closes_at = clock.now() + timedelta(seconds=HOLD.call_seconds)

    assert outbox.arm(mailing_id, 10, TOKEN, HOLD) == []
    assert outbox.due_mailings(HOLD) == []


def test_a_message_that_waits_for_another_try_is_not_armed_before_its_time(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    set_messages(mailing_id, send_after=clock.now() + timedelta(minutes=1))

    assert outbox.arm(mailing_id, 10, TOKEN, HOLD) == []


def test_the_zone_that_closes_first_goes_first(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 9, zones=("Asia/Omsk", "Europe/Moscow", "UTC+03:00"))
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.get_one(Lane, (mailing_id, "UTC+03:00")).closes_at -= timedelta(minutes=2)  # type: ignore[operator]
        session.get_one(Lane, (mailing_id, "Europe/Moscow")).closes_at -= timedelta(minutes=1)  # type: ignore[operator]

    calls = outbox.arm(mailing_id, 5, TOKEN, HOLD)

    zones = {message.id: message.timezone for message in messages_of(mailing_id)}
    assert [zones[call.message_id] for call in calls] == ["UTC+03:00"] * 3 + ["Europe/Moscow"] * 2


def test_who_enters_the_stop_list_after_the_start_is_skipped_at_the_last_instant(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    listed = messages_of(mailing_id)[0].phone
    stop_list.add(owner, listed)

    calls = outbox.arm(mailing_id, 10, TOKEN, HOLD)

    assert [call.phone for call in calls] == [messages_of(mailing_id)[1].phone]
    assert ledger(mailing_id) == {Status.SKIPPED: 1, Status.SENDING: 1}


def test_what_was_armed_and_not_called_for_can_be_given_back(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    calls = outbox.arm(mailing_id, 10, TOKEN, HOLD)

    outbox.release(calls, OTHER)
    still_armed = ledger(mailing_id)
    outbox.release(calls, TOKEN)

    assert still_armed == {Status.SENDING: 2}
    assert ledger(mailing_id) == {Status.QUEUED: 2}
    assert {message.tries for message in messages_of(mailing_id)} == {0}


def armed_call(**changes: object) -> tuple[int, Call]:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner, **changes)
    (call,) = outbox.arm(mailing_id, 1, TOKEN, HOLD)
    return mailing_id, call


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
    given = answer(Call(1, "79000000000", "Hello"), verdict, reason)

    assert settling.outcome(0, given, clock.now(), HOLD).status is hold
    assert settling.outcome(0, given, clock.now(), RETRY).status is retry


def test_trouble_of_the_gateway_uses_up_no_try() -> None:
    call = Call(1, "79000000000", "Hello")
    for reason, verdict in (("bad_token", Verdict.DENIED), ("refused_connection", Verdict.NOT_ACCEPTED)):
        assert settling.outcome(2, answer(call, verdict, reason), clock.now(), HOLD).tries == 2


def test_the_last_try_decides(any_context: Flask) -> None:
    call = Call(1, "79000000000", "Hello")

    refused = settling.outcome(2, answer(call, Verdict.NOT_ACCEPTED, "http_503"), clock.now(), HOLD)
    lost = settling.outcome(11, answer(call, Verdict.UNCERTAIN, "timeout"), clock.now(), RETRY)

    assert (refused.status, refused.reason, refused.tries) == (Status.FAILED, "http_503", 3)
    assert (lost.status, lost.tries) == (Status.UNKNOWN, 12)


def test_settling_is_counted_and_may_be_repeated(any_context: Flask) -> None:
    mailing_id, call = armed_call()

    settling.settle([accepted(call)], TOKEN, HOLD)
    settling.settle([accepted(call)], TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENT: 1}
    assert messages_of(mailing_id)[0].tries == 1


def test_a_result_that_comes_after_the_lease_was_taken_away_changes_nothing(any_context: Flask) -> None:
    mailing_id, call = armed_call()
    set_messages(mailing_id, lease_token=OTHER)

    settling.settle([answer(call, Verdict.REFUSED, "http_400")], TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENDING: 1}


@pytest.mark.parametrize("earlier", [Status.UNKNOWN, Status.QUEUED, Status.CANCELLED, Status.EXPIRED])
def test_sent_wins_over_everything_whoever_reports_it(any_context: Flask, earlier: Status) -> None:
    mailing_id, call = armed_call()
    with transaction() as session:
        row = session.get_one(Message, call.message_id)
        outbox.move(
            session, [row], outbox.Place(Status.SENDING), outbox.Place(earlier, "worker_lost", clock.now())
        )

    settling.settle([accepted(call)], TOKEN, HOLD)

    assert ledger(mailing_id) == {Status.SENT: 1}


def test_every_call_but_an_accepted_first_one_leaves_a_row(any_context: Flask) -> None:
    mailing_id, call = armed_call()
    refused = answer(call, Verdict.NOT_ACCEPTED, "http_429", http_status=429, excerpt="slow down", retry_after=0.0)

    settling.settle([refused], TOKEN, HOLD)
    set_messages(mailing_id, send_after=clock.now() - timedelta(seconds=1))
    outbox.arm(mailing_id, 1, TOKEN, HOLD)
    settling.settle([accepted(call)], TOKEN, HOLD)

    assert [(attempt.reason, attempt.http_status, attempt.excerpt) for attempt in attempts_of(call)] == [
        ("http_429", 429, "slow down"),
        ("ok", 200, ""),
    ]
    assert messages_of(mailing_id)[0].tries == 2


def test_a_first_try_that_is_accepted_lives_on_the_messages_row(any_context: Flask) -> None:
    mailing_id, call = armed_call()

    settling.settle([accepted(call)], TOKEN, HOLD)

    assert attempts_of(call) == []
    assert messages_of(mailing_id)[0].duration_ms == 7


def attempts_of(call: Call) -> list[Attempt]:
    attempts = select(Attempt).where(Attempt.message_id == call.message_id).order_by(Attempt.id)
    return list(db.session.scalars(attempts))
