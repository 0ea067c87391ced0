"""How many messages may still leave, and when does each begin?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import mailings, outbox, releasing, throttle
from dashboard.domain.armed import Armed
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import Allowance, Mailing, PauseReason, RateUnit, Service, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    TOKEN,
    add_clients,
    another_try_is_due,
    arm,
    fan_out_all,
    ledger,
    saying,
    settle,
    state_of,
)

BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0)
# 71 characters of Cyrillic: two parts.
TWO_PARTS = "я" * 71


def running(count: int, text: str = "Hello", **limits: Any) -> int:
    owner = make_actor()
    add_clients(owner, count)
    mailing_id = fan_out_all(owner, text=text)
    if limits:
        with transaction() as session:
            session.execute(update(Mailing).where(Mailing.id == mailing_id).values(**limits))
    return mailing_id


def limit_everything(**limits: Any) -> None:
    with transaction() as session:
        session.execute(update(Service).values(**limits))


def pause_of(mailing_id: int) -> tuple[State, PauseReason | None]:
    db.session.rollback()
    mailing = db.session.get_one(Mailing, mailing_id)
    return mailing.state, mailing.pause_reason


def gaps(armed: list[Armed]) -> list[float]:
    """Seconds between one call's moment and the next one's."""
    return [round(later.begins_at - sooner.begins_at, 3) for sooner, later in zip(armed, armed[1:], strict=False)]


def test_without_limits_all_may_leave_at_once(any_context: Flask) -> None:
    mailing_id = running(5)

    armed = arm(mailing_id)

    assert len({each.begins_at for each in armed}) == 1
    assert db.session.get(Allowance, mailing_id) is None


def test_each_call_of_a_limited_mailing_has_a_moment_of_its_own(any_context: Flask) -> None:
    mailing_id = running(20, rate_limit=10)

    armed = arm(mailing_id)

    # The moments of the next 0.8 seconds; the rest stays where it is.
    assert gaps(armed) == [0.1] * 8
    assert ledger(mailing_id) == {Status.SENDING: 9, Status.QUEUED: 11}
    for each in armed:
        assert each.begins_before - each.begins_at <= 0.1


def test_another_worker_goes_on_where_the_first_has_stopped(any_context: Flask) -> None:
    mailing_id = running(9, rate_limit=10)

    both = [*arm(mailing_id, 3, TOKEN), *arm(mailing_id, 3, OTHER)]

    moments = [each.begins_at for each in both]
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] == pytest.approx(0.5, abs=0.02)


def test_who_has_missed_a_moment_gets_the_next_that_nobody_has_taken(any_context: Flask) -> None:
    mailing_id = running(9, rate_limit=20)
    late = arm(mailing_id, 3)
    others = arm(mailing_id, 3, OTHER)
    ends = [each.ends for each in late]

    renewed = outbox.renew(late, 0.0)

    assert renewed == late
    assert gaps([*others, *renewed]) == pytest.approx([0.05] * 5, abs=0.02)
    assert [each.ends for each in renewed] == ends
    assert all(each.begins_at < each.begins_before <= each.ends for each in renewed)
    assert ledger(mailing_id) == {Status.SENDING: 6, Status.QUEUED: 3}


def test_nobody_gets_a_moment_after_the_time_in_which_it_had_to_begin_anyway(any_context: Flask) -> None:
    mailing_id = running(9, rate_limit=10)
    late = arm(mailing_id, 4)
    arm(mailing_id, 9, OTHER)

    renewed = outbox.renew(late, 0.0)

    # Of the 0.8 s that are given away ahead, the nine have all but a moment or none.
    assert len(renewed) <= 1
    assert all(each.begins_at <= each.ends for each in renewed)


@pytest.mark.parametrize("brake", [mailings.pause, mailings.cancel, lambda *_: stop_everything()])
def test_after_a_brake_nobody_gets_another_moment(any_context: Flask, brake: Callable[[Actor, int], None]) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id, other_id = fan_out_all(owner), fan_out_all(owner)
    with transaction() as session:
        session.execute(update(Mailing).values(rate_limit=100))
    late, of_other = arm(mailing_id), arm(other_id)

    brake(owner, mailing_id)

    renewed = outbox.renew([*late, *of_other], 0.0)
    assert not set(map(id, renewed)) & set(map(id, late))


def stop_everything() -> None:
    with transaction() as session:
        session.get_one(Service, 1).stopped_at = clock.now()


def test_another_moment_is_no_other_message_of_a_canary(any_context: Flask) -> None:
    mailing_id = running(9, rate_limit=100, canary_size=4)
    late = arm(mailing_id, 3)

    renewed = outbox.renew(late, 0.0)

    assert len(renewed) == 3
    assert len(arm(mailing_id, 9)) == 1


def test_it_is_asked_again_when_moments_are_free(any_context: Flask) -> None:
    # Should the machine stand still for half a second between the two, there are free moments again: once more.
    for _ in range(5):
        mailing_id = running(40, rate_limit=10)

        first = outbox.arm([mailing_id], 100, TOKEN, HOLD)
        second = outbox.arm([mailing_id], 100, TOKEN, HOLD)

        if not second.armed:
            break

    assert second.armed == []
    # Half of what may be given away ahead is still to come then.
    in_seconds = second.again[mailing_id] - clock.monotonic()
    assert 0.2 < in_seconds <= 0.5
    assert first.armed[-1].begins_at < second.again[mailing_id] + throttle.AHEAD


def test_two_workers_that_arm_at_the_same_instant_share_the_moments(any_app: Flask) -> None:
    with any_app.app_context():
        first, second = running(50), running(50)
        limit_everything(rate_limit=50)
    together = Barrier(2, timeout=30)

    def work(mailing_id: int) -> list[float]:
        with any_app.app_context():
            together.wait()
            return [each.begins_at for _ in range(5) for each in arm(mailing_id, 5, f"{mailing_id:08}" * 4)]

    with ThreadPoolExecutor(2) as workers:
        moments = sorted(at for mine in workers.map(work, (first, second)) for at in mine)

    assert len(moments) >= 25
    # 20 ms each, but for the milliseconds in which clock and database are asked.
    for sooner, later in zip(moments, moments[10:], strict=False):
        assert later - sooner > 0.2 - 0.05


def test_the_limit_of_the_installation_holds_for_all_mailings_together(any_context: Flask) -> None:
    three = [running(10), running(10, rate_limit=100), running(10)]
    limit_everything(rate_limit=20)

    armed = outbox.arm(three, 30, TOKEN, HOLD).armed

    assert len(armed) <= 17
    assert all(gap >= 0.05 - 1e-6 for gap in gaps(sorted(armed, key=lambda each: each.begins_at)))


def test_a_slow_mailing_holds_no_other_up(any_context: Flask) -> None:
    """Moments of the installation before the slow one's next are left to the others."""
    slow, quick = running(20, rate_limit=2), running(20)
    limit_everything(rate_limit=20)

    armed = outbox.arm([slow, quick], 40, TOKEN, HOLD).armed

    of_slow = [each for each in armed if each.mailing_id == slow]
    of_quick = [each for each in armed if each.mailing_id == quick]
    assert len(of_slow) == 1
    assert len(of_quick) >= 14


def test_by_parts_a_long_text_takes_as_many_moments(any_context: Flask) -> None:
    mailing_id = running(20, TWO_PARTS, rate_limit=10, rate_unit=RateUnit.PARTS)

    armed = arm(mailing_id)

    assert gaps(armed) == [0.2] * 4


def test_tries_take_moments_too(any_context: Flask) -> None:
    mailing_id = running(3, rate_limit=10)
    settle(arm(mailing_id), BUSY)
    another_try_is_due(mailing_id)
    asked_at = clock.monotonic()

    again = arm(mailing_id)

    assert gaps(again) == [0.1, 0.1]
    assert again[0].begins_at > asked_at


def test_a_canary_stops_after_exactly_so_many_and_says_why(any_context: Flask) -> None:
    mailing_id = running(20, canary_size=7)

    armed = [*arm(mailing_id, 3), *arm(mailing_id, 3, OTHER), *arm(mailing_id, 14), *arm(mailing_id, 20)]

    assert len(armed) == 7
    assert pause_of(mailing_id) == (State.PAUSED, PauseReason.CANARY)
    assert ledger(mailing_id) == {Status.SENDING: 7, Status.QUEUED: 13}


def test_a_canarys_second_tries_are_not_counted(any_context: Flask) -> None:
    mailing_id = running(10, canary_size=4)
    settle(arm(mailing_id, 3), BUSY)
    another_try_is_due(mailing_id)

    armed = arm(mailing_id)

    assert sum(each.stretch is None for each in armed) == 3
    assert sum(each.stretch is not None for each in armed) == 1
    assert pause_of(mailing_id) == (State.PAUSED, PauseReason.CANARY)


def test_what_was_given_back_is_not_counted_again(any_context: Flask) -> None:
    mailing_id = running(10, canary_size=4, budget_parts=6)
    armed = arm(mailing_id, 3)
    releasing.release(armed, {each.flight for each in armed if each.flight}, TOKEN)

    again = arm(mailing_id, 4)

    assert [each.stretch is None for each in again] == [True, True, True, False]
    assert pause_of(mailing_id) == (State.RUNNING, None)
    allowance = db.session.get_one(Allowance, mailing_id)
    assert (allowance.canary_left, allowance.parts_left) == (0, 2)


def test_a_mailing_as_small_as_its_canary_is_not_paused(any_context: Flask) -> None:
    mailing_id = running(4, canary_size=4)

    settle(arm(mailing_id))
    settle(arm(mailing_id))

    assert state_of(mailing_id) is State.RUNNING
    assert ledger(mailing_id) == {Status.SENT: 4}


def test_skipped_clients_are_no_part_of_the_canary(any_context: Flask) -> None:
    limit_everything(frequency_cap=1, frequency_days=1)
    # The phones are the same, whoever's clients they are.
    settle(arm(running(3)))
    mailing_id = running(10, canary_size=4)

    armed = arm(mailing_id)

    assert len(armed) == 4
    assert ledger(mailing_id) == {Status.SKIPPED: 3, Status.SENDING: 4, Status.QUEUED: 3}


def test_a_budget_stops_before_it_is_overdrawn_and_says_why(any_context: Flask) -> None:
    mailing_id = running(10, TWO_PARTS, budget_parts=7)

    armed = [*arm(mailing_id, 2), *arm(mailing_id, 10)]

    assert len(armed) == 3
    assert pause_of(mailing_id) == (State.PAUSED, PauseReason.BUDGET)
    assert db.session.get_one(Allowance, mailing_id).parts_left == 1


def test_two_workers_at_the_same_instant_send_no_canary_too_many(any_app: Flask) -> None:
    with any_app.app_context():
        mailing_id = running(60, canary_size=11)
    together = Barrier(2, timeout=30)

    def work(token: str) -> int:
        with any_app.app_context():
            together.wait()
            return sum(len(arm(mailing_id, 2, token)) for _ in range(10))

    with ThreadPoolExecutor(2) as workers:
        assert sum(workers.map(work, (TOKEN, OTHER))) == 11


def test_moments_are_given_away_anew_after_a_quiet_time(any_context: Flask) -> None:
    """A bucket does not save up: after an hour of silence the rate is the same."""
    mailing_id = running(30, rate_limit=10)
    arm(mailing_id, 1)
    with transaction() as session:
        session.get_one(Allowance, mailing_id).next_at = clock.now() - timedelta(hours=1)

    assert gaps(arm(mailing_id)) == [0.1] * 8
