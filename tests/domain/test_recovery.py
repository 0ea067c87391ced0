"""What becomes of messages whose worker died between arming and settling?"""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import Any

import pytest
from flask import Flask

from dashboard.domain import outbox, recovery
from dashboard.gateway import Verdict
from dashboard.models import Chunk, Flight, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    RETRY,
    add_clients,
    another_try_is_due,
    arm,
    attempts_of,
    count_rows,
    fan_out_all,
    leases_run_out,
    ledger,
    messages_of,
    saying,
    set_messages,
    settle,
)

BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0)


def lost_messages() -> int:
    """Three messages armed by a worker that has died since; a fourth still waits."""
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = fan_out_all(owner)
    arm(mailing_id, 3)
    leases_run_out(mailing_id)
    return mailing_id


def test_two_who_recover_at_once_both_come_to_an_end(pg_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has locked what the other wants next: PostgreSQL ends one of them, which begins again."""
    with pg_app.app_context():
        owner = make_actor()
        add_clients(owner, 8)
        one, two = fan_out_all(owner), fan_out_all(owner)
        for each in (one, two, two, one):
            arm(each, 2)
        for each in (one, two):
            leases_run_out(each)
    monkeypatch.setattr(recovery, "FLIGHTS_AT_ONCE", 2)
    decide, together, met = recovery._decide, Barrier(2), local()

    def slowly(*arguments: Any) -> None:
        decide(*arguments)
        if not hasattr(met, "other"):
            met.other = True
            together.wait(10)

    monkeypatch.setattr(recovery, "_decide", slowly)

    def work(_number: int) -> int:
        with pg_app.app_context():
            return recovery.recover(HOLD)

    with ThreadPoolExecutor(2) as both:
        assert sum(both.map(work, range(2))) == 8
    with pg_app.app_context():
        assert ledger(one) == ledger(two) == {Status.UNKNOWN: 4, Status.QUEUED: 4}


def test_a_lost_workers_messages_are_unknown_under_hold(any_context: Flask) -> None:
    mailing_id = lost_messages()

    assert recovery.recover(HOLD) == 3
    assert ledger(mailing_id) == {Status.QUEUED: 1, Status.UNKNOWN: 3}
    assert {message.reason for message in messages_of(mailing_id)} == {None, "worker_lost"}
    assert (count_rows(Flight, mailing_id), count_rows(Chunk, mailing_id)) == (0, 1)


def test_a_lost_workers_messages_are_tried_again_under_retry_with_the_same_numbers(any_context: Flask) -> None:
    mailing_id = lost_messages()

    recovery.recover(RETRY)

    assert ledger(mailing_id) == {Status.QUEUED: 4}
    assert sorted(message.tries for message in messages_of(mailing_id)) == [0, 1, 1, 1]
    assert {each.id for each in arm(mailing_id)} == {message.id for message in messages_of(mailing_id)}


@pytest.mark.parametrize("policy", [HOLD, RETRY])
def test_each_call_of_a_lost_worker_leaves_one_trace(any_context: Flask, policy: object) -> None:
    mailing_id = lost_messages()

    recovery.recover(policy)  # type: ignore[arg-type]
    recovery.recover(policy)  # type: ignore[arg-type]

    traces = [attempts_of(message.id) for message in messages_of(mailing_id)]
    assert sorted(len(each) for each in traces) == [0, 1, 1, 1]
    assert {(row.reason, row.verdict) for each in traces for row in each} == {("worker_lost", "uncertain")}


def test_a_single_whose_worker_was_lost_is_decided_likewise(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 2), BUSY)
    another_try_is_due(mailing_id)
    assert {each.stretch for each in arm(mailing_id, 2)} == {None}
    leases_run_out(mailing_id)

    assert recovery.recover(HOLD) == 2
    assert ledger(mailing_id) == {Status.UNKNOWN: 2, Status.QUEUED: 1}
    assert sorted(message.tries for message in messages_of(mailing_id)) == [0, 2, 2]


def test_of_a_flight_only_those_without_an_outcome_are_decided(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id)
    settle(armed[1:3], landed=False)
    leases_run_out(mailing_id)

    assert recovery.recover(HOLD) == 3
    assert ledger(mailing_id) == {Status.SENT: 2, Status.UNKNOWN: 3}


def test_a_message_that_kills_its_workers_is_not_tried_for_ever(any_context: Flask) -> None:
    mailing_id = lost_messages()
    set_messages(mailing_id, tries=RETRY.most_tries - 1)

    recovery.recover(RETRY)

    assert ledger(mailing_id) == {Status.QUEUED: 1, Status.UNKNOWN: 3}


def test_messages_in_flight_are_left_alone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    arm(mailing_id)

    assert recovery.recover(HOLD) == 0
    assert ledger(mailing_id) == {Status.SENDING: 2}


def test_the_flights_of_many_lost_workers_are_all_decided(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recovery, "FLIGHTS_AT_ONCE", 2)
    owner = make_actor()
    add_clients(owner, 20)
    first, second = fan_out_all(owner), fan_out_all(owner)
    for number in range(4):
        outbox.arm([first, second], 6, f"{number}" * 32, HOLD)
    leases_run_out(first)

    with caplog.at_level(logging.WARNING):
        recovered = recovery.recover(HOLD)

    assert recovered == 12
    assert ledger(first) == {Status.UNKNOWN: 12, Status.QUEUED: 8}
    assert ledger(second) == {Status.SENDING: 12, Status.QUEUED: 8}
    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert said == ["messages of a lost worker recovered"]


def test_what_a_worker_has_decided_before_its_lease_ran_out_stays_so(any_context: Flask) -> None:
    mailing_id = lost_messages()
    recovery.recover(RETRY)
    armed = arm(mailing_id, token=OTHER)
    settle(armed, token=OTHER)

    assert recovery.recover(RETRY) == 0
    assert ledger(mailing_id) == {Status.SENT: 4}
