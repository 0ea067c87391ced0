"""Is a mailing finished as soon as nothing waits, never earlier, and the sweep done by one worker at a time?"""

import logging
from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import closing, mailings, sweep
from dashboard.gateway import Verdict
from dashboard.models import Heartbeat, Mailing, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    RETRY,
    add_clients,
    another_try_is_due,
    arm,
    fan_out_all,
    leases_run_out,
    ledger,
    saying,
    set_messages,
    settle,
    state_of,
)

BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=60.0)


def running(count: int) -> int:
    owner = make_actor()
    add_clients(owner, count)
    return fan_out_all(owner)


def test_a_mailing_is_not_finished_while_a_single_message_waits_anywhere(any_context: Flask) -> None:
    mailing_id = running(2)

    finished = [sweep.finish()]  # both in their place
    first = arm(mailing_id, 1)
    finished.append(sweep.finish())  # one in the air, one in its place
    settle(first)
    finished.append(sweep.finish())  # one in its place
    second = arm(mailing_id, 1)
    finished.append(sweep.finish())  # one in the air
    settle(second, BUSY)
    finished.append(sweep.finish())  # one waits for another try
    another_try_is_due(mailing_id)
    third = arm(mailing_id, 1)
    finished.append(sweep.finish())  # and is in the air
    settle(third)

    assert finished == [[]] * 6
    assert sweep.finish() == [mailing_id]
    assert state_of(mailing_id) is State.FINISHED


def test_unknown_outcomes_do_not_hold_a_mailing_up(any_context: Flask) -> None:
    mailing_id = running(1)
    settle(arm(mailing_id), saying(Verdict.UNCERTAIN, "timeout"))

    assert sweep.finish() == [mailing_id]
    assert state_of(mailing_id) is State.FINISHED


def test_a_paused_mailing_of_which_nothing_waits_is_finished(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id)
    mailings.pause(owner, mailing_id)
    settle(armed)

    assert sweep.finish() == [mailing_id]


def test_a_cancelled_mailing_stays_cancelled(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = fan_out_all(owner)
    mailings.cancel(owner, mailing_id)

    assert sweep.finish() == []
    assert state_of(mailing_id) is State.CANCELLED


def test_a_mailing_still_being_fanned_out_is_not_finished(any_context: Flask) -> None:
    mailing_id = fan_out_all(make_actor())
    with transaction() as session:
        session.get_one(Mailing, mailing_id).fanned_out_at = None

    assert sweep.finish() == []


def test_a_mailing_that_addresses_nobody_is_finished_at_once(any_context: Flask) -> None:
    mailing_id = fan_out_all(make_actor(), tags=("nobody has it",))

    assert sweep.finish() == [mailing_id]


def test_books_that_differ_at_the_end_are_said_in_the_log(
    any_context: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    mailing_id = running(2)
    settle(arm(mailing_id))
    set_messages(mailing_id, status=Status.FAILED)

    sweep.finish()

    said = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert set(said) == {"books and messages differ"}


def test_one_sweep_puts_everything_right(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    lost, cancelled = fan_out_all(owner), fan_out_all(owner)
    arm(lost)
    leases_run_out(lost)
    mailings.cancel(owner, cancelled)

    sweep.sweep_if_due(HOLD)
    closed = sum(closing.steps())
    finished = set(sweep.finishing())

    assert closed == 4
    assert finished == {lost}
    assert ledger(lost) == {Status.UNKNOWN: 4}
    assert ledger(cancelled) == {Status.CANCELLED: 4}
    assert state_of(lost) is State.FINISHED


def test_two_workers_do_not_sweep_at_the_same_time(any_context: Flask) -> None:
    assert sweep.sweep_if_due(HOLD) is True
    assert sweep.sweep_if_due(RETRY) is False
    with transaction() as session:
        session.get_one(Heartbeat, "sweep").at = clock.now() - timedelta(seconds=10)
    assert sweep.sweep_if_due(HOLD) is True
