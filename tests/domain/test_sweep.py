"""Is everything put right that a crash, a closed window, an end or a cancelling leaves behind?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import lanes, mailings, outbox, sweep, tallies
from dashboard.models import Heartbeat, Lane, Mailing, Message, State, Status, Tally
from tests.factories import make_actor
from tests.support.engine import HOLD, RETRY, add_clients, fan_out_all, ledger, messages_of, set_messages, state_of

TOKEN = "a" * 32


def lost_messages() -> int:
    """Three messages armed by a worker that has died since; a fourth still waits."""
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = fan_out_all(owner)
    outbox.arm(mailing_id, 3, TOKEN, HOLD)
    armed_long_ago(mailing_id)
    return mailing_id


def armed_long_ago(mailing_id: int) -> None:
    armed = update(Message).where(Message.mailing_id == mailing_id, Message.status == Status.SENDING)
    with transaction() as session:
        session.execute(armed.values(lease_until=clock.now() - timedelta(seconds=1)))


def test_a_lost_workers_messages_are_unknown_under_hold(any_context: Flask) -> None:
    mailing_id = lost_messages()

    assert sweep.recover(HOLD) == 3
    assert ledger(mailing_id) == {Status.QUEUED: 1, Status.UNKNOWN: 3}
    assert {message.reason for message in messages_of(mailing_id)} == {None, "worker_lost"}


def test_a_lost_workers_messages_are_tried_again_under_retry(any_context: Flask) -> None:
    mailing_id = lost_messages()

    sweep.recover(RETRY)

    assert ledger(mailing_id) == {Status.QUEUED: 4}
    assert sorted(message.tries for message in messages_of(mailing_id)) == [0, 1, 1, 1]


def test_a_message_that_kills_its_workers_is_not_tried_for_ever(any_context: Flask) -> None:
    mailing_id = lost_messages()
    set_messages(mailing_id, tries=RETRY.most_tries - 1)

    sweep.recover(RETRY)

    assert ledger(mailing_id) == {Status.QUEUED: 1, Status.UNKNOWN: 3}


def test_messages_in_flight_are_left_alone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    outbox.arm(mailing_id, 2, TOKEN, HOLD)

    assert sweep.recover(HOLD) == 0
    assert ledger(mailing_id) == {Status.SENDING: 2}


def test_a_lane_moves_on_to_its_next_window(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    now = clock.now()
    moscow = (now + timedelta(hours=3)).replace(second=0, microsecond=0)
    mailing_id = fan_out_all(
        owner,
        ends_at=now + timedelta(days=2),
        window_from=(moscow - timedelta(hours=1)).time(),
        window_to=(moscow + timedelta(hours=1)).time(),
    )
    before = lane_of(mailing_id)
    with transaction() as session:
        session.get_one(Lane, (mailing_id, "Europe/Moscow")).closes_at = now + timedelta(seconds=1)

    lanes.move_on(HOLD)

    after = lane_of(mailing_id)
    assert before[0] is not None
    assert after[0] == before[0] or after[0] == before[0] + timedelta(days=1)
    assert after[0] is not None
    assert after[0] > now - timedelta(hours=1)


def lane_of(mailing_id: int) -> tuple[object, object]:
    db.session.rollback()
    lane = db.session.get_one(Lane, (mailing_id, "Europe/Moscow"))
    return lane.opens_at, lane.closes_at


def close_lane(mailing_id: int) -> None:
    with transaction() as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.starts_at = clock.now() - timedelta(hours=2)
        mailing.ends_at = clock.now() - timedelta(seconds=1)
        session.get_one(Lane, (mailing_id, "Europe/Moscow")).closes_at = mailing.ends_at


@pytest.mark.parametrize("is_paused", [False, True])
def test_what_waits_when_the_end_has_passed_is_expired(any_context: Flask, is_paused: bool) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    if is_paused:
        mailings.pause(owner, mailing_id)
    close_lane(mailing_id)

    lanes.move_on(HOLD)
    expired = sweep.expire_closed()

    assert expired == 3
    assert ledger(mailing_id) == {Status.EXPIRED: 3}
    assert sweep.finish() == [mailing_id]


def test_what_waits_in_a_cancelled_mailing_is_cancelled(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    outbox.arm(mailing_id, 1, TOKEN, HOLD)
    mailings.cancel(owner, mailing_id)

    assert sweep.cancel_waiting() == 2
    assert ledger(mailing_id) == {Status.CANCELLED: 2, Status.SENDING: 1}
    assert state_of(mailing_id) is State.CANCELLED


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SENDING])
def test_a_mailing_with_a_message_that_waits_is_not_finished(any_context: Flask, status: Status) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    set_messages(mailing_id, status=status)

    assert sweep.finish() == []


def test_unknown_outcomes_do_not_hold_a_mailing_up(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    set_messages(mailing_id, status=Status.UNKNOWN)

    assert sweep.finish() == [mailing_id]
    assert state_of(mailing_id) is State.FINISHED


def test_a_mailing_still_being_fanned_out_is_not_finished(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.get_one(Mailing, mailing_id).fanned_out_at = None

    assert sweep.finish() == []


def test_a_mailing_that_addresses_nobody_is_finished_at_once(any_context: Flask) -> None:
    mailing_id = fan_out_all(make_actor(), tags=("nobody has it",))

    assert sweep.finish() == [mailing_id]


def test_two_workers_do_not_sweep_at_the_same_time(any_context: Flask) -> None:
    assert sweep.sweep_if_due(HOLD) is True
    assert sweep.sweep_if_due(HOLD) is False
    with transaction() as session:
        session.get_one(Heartbeat, "sweep").at = clock.now() - timedelta(seconds=10)
    assert sweep.sweep_if_due(HOLD) is True


def test_folding_keeps_every_sum(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "FOLD_ABOVE", 4)
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner)
    for _ in range(6):
        outbox.arm(mailing_id, 2, TOKEN, HOLD)
    before = ledger(mailing_id)
    rows_before = db.session.query(Tally).count()

    gone = tallies.fold()

    assert ledger(mailing_id) == before == {Status.QUEUED: 8, Status.SENDING: 12}
    assert gone == rows_before - db.session.query(Tally).count() > 0


def test_the_check_says_where_books_and_count_differ(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    set_messages(mailing_id, status=Status.SENT)

    assert {(row.status, row.kept, row.counted) for row in tallies.check(mailing_id)} == {
        (Status.QUEUED, 2, 0),
        (Status.SENT, 0, 2),
    }
