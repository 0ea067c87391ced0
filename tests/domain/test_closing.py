"""What becomes of messages that wait in vain, and does what is in the air come to its own end?"""

from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import closing, fan_out, lanes, mailings, starting, stop_list, sweep
from dashboard.gateway import Verdict
from dashboard.models import Chunk, Lane, Mailing, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    add_clients,
    another_try_is_due,
    arm,
    count_rows,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    schedule,
    settle,
    state_of,
)

ZONES = ("Asia/Omsk", "Europe/Moscow")
BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=60.0)


def waiting_in_every_way(zones: tuple[str, ...] = ZONES) -> tuple[object, int, list[object]]:
    """Of twelve messages four wait for another try, two are in the air, six are in their place."""
    owner = make_actor()
    add_clients(owner, 12, zones)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 4), BUSY)
    return owner, mailing_id, list(arm(mailing_id, 2))


def end(mailing_id: int, zones: tuple[str, ...] = ZONES) -> None:
    """Its end has come a second ago."""
    ended_at = clock.now() - timedelta(seconds=1)
    with transaction() as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.starts_at, mailing.ends_at = ended_at - timedelta(hours=2), ended_at
        for zone in zones:
            session.get_one(Lane, (mailing_id, zone)).closes_at = ended_at
    lanes.move_on(HOLD)


@pytest.mark.parametrize("is_paused", [False, True])
def test_what_waits_when_the_end_has_passed_is_expired(any_context: Flask, is_paused: bool) -> None:
    owner, mailing_id, in_the_air = waiting_in_every_way()
    if is_paused:
        mailings.pause(owner, mailing_id)  # type: ignore[arg-type]
    end(mailing_id)

    expired = sum(closing.expire_closed())
    before_the_answers = ledger(mailing_id), sweep.finish()
    settle(in_the_air)  # type: ignore[arg-type]

    assert expired == 10
    assert before_the_answers == ({Status.EXPIRED: 10, Status.SENDING: 2}, [])
    assert ledger(mailing_id) == {Status.EXPIRED: 10, Status.SENT: 2}
    assert count_rows(Chunk, mailing_id) == 0
    assert sweep.finish() == [mailing_id]


def test_only_the_lanes_that_never_open_again_are_closed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 6, ZONES)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        lane = session.get_one(Lane, (mailing_id, "Asia/Omsk"))
        lane.opens_at = lane.closes_at = None

    sum(closing.expire_closed())

    found = {(message.timezone, message.status) for message in messages_of(mailing_id)}
    assert found == {("Asia/Omsk", Status.EXPIRED), ("Europe/Moscow", Status.QUEUED)}
    assert ledger(mailing_id) == {Status.EXPIRED: 3, Status.QUEUED: 3}


def test_what_waits_in_a_cancelled_mailing_is_cancelled(any_context: Flask) -> None:
    owner, mailing_id, in_the_air = waiting_in_every_way()
    mailings.cancel(owner, mailing_id)  # type: ignore[arg-type]

    assert sum(closing.cancel_waiting()) == 10
    assert ledger(mailing_id) == {Status.CANCELLED: 10, Status.SENDING: 2}

    settle(in_the_air)  # type: ignore[arg-type]
    assert ledger(mailing_id) == {Status.CANCELLED: 10, Status.SENT: 2}
    assert state_of(mailing_id) is State.CANCELLED


def test_what_comes_back_to_a_cancelled_mailing_is_cancelled_too(any_context: Flask) -> None:
    owner, mailing_id, in_the_air = waiting_in_every_way()
    mailings.cancel(owner, mailing_id)  # type: ignore[arg-type]
    sum(closing.cancel_waiting())

    settle(in_the_air, BUSY)  # type: ignore[arg-type]
    sum(closing.cancel_waiting())

    assert ledger(mailing_id) == {Status.CANCELLED: 12}


def test_a_single_in_the_air_comes_to_its_own_end(any_context: Flask) -> None:
    owner, mailing_id, in_the_air = waiting_in_every_way()
    settle(in_the_air)  # type: ignore[arg-type]
    another_try_is_due(mailing_id)
    singles = arm(mailing_id, 2, OTHER)
    mailings.cancel(owner, mailing_id)  # type: ignore[arg-type]

    sum(closing.cancel_waiting())
    settle(singles, token=OTHER)

    assert ledger(mailing_id) == {Status.CANCELLED: 8, Status.SENT: 4}


def test_a_mailing_that_goes_on_loses_nothing(any_context: Flask) -> None:
    _owner, mailing_id, _in_the_air = waiting_in_every_way()

    assert (sum(closing.expire_closed()), sum(closing.cancel_waiting())) == (0, 0)
    assert ledger(mailing_id) == {Status.QUEUED: 10, Status.SENDING: 2}


def test_more_than_one_transaction_takes_are_all_closed(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the next few of them have never waited."""
    monkeypatch.setattr(closing, "AT_ONCE", 3)
    owner = make_actor()
    add_clients(owner, 20)
    for number in range(4, 12):
        stop_list.add(owner, f"790{number % 5}{number:07}")
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 5), BUSY)
    mailings.cancel(owner, mailing_id)

    sum(closing.cancel_waiting())

    assert ledger(mailing_id) == {Status.SKIPPED: 8, Status.CANCELLED: 12}
    assert count_rows(Chunk, mailing_id) == 0


def test_a_mailing_cancelled_in_the_midst_of_its_fan_out_is_cancelled_whole(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = schedule(owner)
    starting.start_due()
    mailings.cancel(owner, mailing_id)
    while fan_out.one_range():
        pass

    sum(closing.cancel_waiting())

    assert ledger(mailing_id) == {Status.CANCELLED: 5}


def test_it_is_done_in_steps_between_which_answers_can_be_listened_to(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "AT_ONCE", 2)
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    mailings.cancel(owner, mailing_id)

    steps = closing.steps()

    assert next(steps) == 2
    assert ledger(mailing_id) == {Status.CANCELLED: 2, Status.QUEUED: 3}
    assert list(steps) == [2, 1]
