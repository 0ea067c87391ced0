"""Does what was armed and never called for wait anew, and is nothing given back that is somebody else's?"""

import pytest
from flask import Flask

from dashboard.domain import recovery, releasing
from dashboard.domain.armed import Armed
from dashboard.gateway import Verdict
from dashboard.models import Flight, Status
from tests.factories import make_actor
from tests.support.engine import (
    OTHER,
    RETRY,
    TOKEN,
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
    settle,
)

BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0)


def running(count: int) -> int:
    owner = make_actor()
    add_clients(owner, count)
    return fan_out_all(owner)


def flights_among(armed: list[Armed]) -> set[int]:
    return {each.flight for each in armed if each.flight is not None}


def test_what_was_armed_and_not_called_for_waits_by_itself_at_once(any_context: Flask) -> None:
    mailing_id = running(3)
    armed = arm(mailing_id)

    releasing.release(armed, flights_among(armed), TOKEN)

    assert ledger(mailing_id) == {Status.QUEUED: 3}
    assert count_rows(Flight, mailing_id) == 0
    assert {(each.id, each.stretch) for each in arm(mailing_id, token=OTHER)} == {
        (each.id, None) for each in armed
    }


def test_what_was_armed_again_after_a_suspension_is_not_given_back_with_the_old(any_context: Flask) -> None:
    """It is being called for: given back, it would go out once more."""
    mailing_id = running(1)
    armed = arm(mailing_id)
    leases_run_out(mailing_id)
    recovery.recover(RETRY)
    armed_again = arm(mailing_id, policy=RETRY)

    releasing.release(armed, flights_among(armed), TOKEN)

    assert [each.id for each in armed_again] == [each.id for each in armed]
    assert ledger(mailing_id) == {Status.SENDING: 1}


def test_a_release_uses_up_no_try_and_leaves_no_trace(any_context: Flask) -> None:
    mailing_id = running(2)
    armed = arm(mailing_id)

    releasing.release(armed, flights_among(armed), TOKEN)

    assert {message.tries for message in messages_of(mailing_id)} == {0}
    assert [attempts_of(each.id) for each in armed] == [[], []]


def test_a_flight_of_which_a_part_is_given_back_stays_for_the_rest(any_context: Flask) -> None:
    mailing_id = running(5)
    armed = arm(mailing_id)

    releasing.release(armed[1:3], [], TOKEN)
    between = ledger(mailing_id), count_rows(Flight, mailing_id)
    settle([armed[0], *armed[3:]])

    assert between == ({Status.QUEUED: 2, Status.SENDING: 3}, 1)
    assert ledger(mailing_id) == {Status.QUEUED: 2, Status.SENT: 3}
    assert count_rows(Flight, mailing_id) == 0


@pytest.mark.parametrize("is_single", [False, True])
def test_a_release_that_is_written_again_changes_nothing(any_context: Flask, is_single: bool) -> None:
    """The answer to the first COMMIT was lost; another worker may hold the messages meanwhile."""
    mailing_id = running(3)
    armed = arm(mailing_id)
    if is_single:
        settle(armed, BUSY)
        another_try_is_due(mailing_id)
        armed = arm(mailing_id)
    releasing.release(armed, flights_among(armed), TOKEN)
    theirs = arm(mailing_id, 2, OTHER)

    releasing.release(armed, flights_among(armed), TOKEN)

    assert len(theirs) == 2
    assert ledger(mailing_id) == {Status.SENDING: 2, Status.QUEUED: 1}


def test_a_single_that_another_worker_holds_is_not_given_back(any_context: Flask) -> None:
    mailing_id = running(1)
    settle(arm(mailing_id), BUSY)
    another_try_is_due(mailing_id)
    armed = arm(mailing_id, token=OTHER)

    releasing.release(armed, [], TOKEN)

    assert ledger(mailing_id) == {Status.SENDING: 1}


def test_what_has_its_outcome_is_not_given_back(any_context: Flask) -> None:
    mailing_id = running(2)
    armed = arm(mailing_id)
    settle(armed)

    releasing.release(armed, flights_among(armed), TOKEN)
    releasing.release_all(TOKEN)

    assert ledger(mailing_id) == {Status.SENT: 2}


def test_everything_under_a_token_is_given_back_and_nothing_else(any_context: Flask) -> None:
    """After an arming whose COMMIT was never answered: nobody knows which messages it took."""
    mailing_id = running(8)
    settle(arm(mailing_id, 2), BUSY)
    another_try_is_due(mailing_id)
    mine = arm(mailing_id, 5)
    theirs = arm(mailing_id, 2, OTHER)
    assert {each.stretch is None for each in mine} == {True, False}

    releasing.release_all(TOKEN)
    releasing.release_all(TOKEN)

    assert ledger(mailing_id) == {Status.QUEUED: 6, Status.SENDING: 2}
    assert count_rows(Flight, mailing_id) == 1
    settle(theirs, token=OTHER)
    assert ledger(mailing_id) == {Status.QUEUED: 6, Status.SENT: 2}


def test_a_message_that_was_given_back_is_sent_like_any_other(any_context: Flask) -> None:
    mailing_id = running(1)
    armed = arm(mailing_id)
    releasing.release(armed, flights_among(armed), TOKEN)

    again: list[Armed] = arm(mailing_id)
    settle(again)

    assert ledger(mailing_id) == {Status.SENT: 1}
    assert (messages_of(mailing_id)[0].tries, attempts_of(again[0].id)) == (1, [])
