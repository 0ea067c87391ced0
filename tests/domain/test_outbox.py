"""Which messages does a worker get, in which order, and when does it get none?"""

from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import breaker, due, mailings, outbox
from dashboard.domain.armed import Armed, Arming
from dashboard.domain.policy import BEGIN_WITHIN
from dashboard.gateway import Verdict
from dashboard.models import Lane, Service, Status
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
    messages_of,
    saying,
    set_mailing,
    set_messages,
    settle,
)

ZONES = ("Asia/Omsk", "Europe/Moscow", "UTC+03:00")


def running(count: int, **changes: object) -> int:
    owner = make_actor()
    add_clients(owner, count)
    return fan_out_all(owner, **changes)


def test_arming_marks_messages_before_anything_is_sent(any_context: Flask) -> None:
    mailing_id = running(5, text="Dear {{name}}")

    armed = arm(mailing_id, 3)

    assert ledger(mailing_id) == {Status.QUEUED: 2, Status.SENDING: 3}
    assert {each.call.text for each in armed} <= {f"Dear N{number}" for number in range(5)}
    assert len({each.id for each in armed}) == 3


def test_what_one_worker_has_armed_no_other_gets(any_context: Flask) -> None:
    mailing_id = running(5)

    mine = arm(mailing_id, 3, TOKEN)
    theirs = arm(mailing_id, 10, OTHER)

    assert len(mine) == 3
    assert len(theirs) == 2
    assert not {each.id for each in mine} & {each.id for each in theirs}


def test_a_text_of_its_own_goes_out_instead_of_the_mailings(any_context: Flask) -> None:
    mailing_id = running(1, text="Dear {{name}}")
    set_messages(mailing_id, text="For you alone")

    (only,) = arm(mailing_id)

    assert only.call.text == "For you alone"


@pytest.mark.parametrize("brake", [mailings.pause, mailings.cancel])
def test_after_a_brake_nothing_is_armed_and_what_was_is_settled(any_context: Flask, brake: object) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id, 2)

    brake(owner, mailing_id)  # type: ignore[operator]

    assert arm(mailing_id) == []
    assert due.mailings(HOLD) == []
    settle(armed)
    assert ledger(mailing_id) == {Status.SENT: 2, Status.QUEUED: 1}


def test_after_the_global_stop_nothing_of_any_mailing_is_armed_and_what_was_is_settled(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    first, second = fan_out_all(owner), fan_out_all(owner)
    armed = arm(first, 2)

    stopped_at(clock.now())
    while_stopped = outbox.arm([first, second], 10, TOKEN, HOLD), due.mailings(HOLD)
    settle(armed)
    stopped_at(None)

    assert while_stopped == (Arming(), [])
    assert ledger(first) == {Status.SENT: 2, Status.QUEUED: 1}
    assert due.mailings(HOLD) == [first, second]
    assert len(arm(second)) == 3


def stopped_at(at: object) -> None:
    with transaction() as session:
        session.get_one(Service, 1).stopped_at = at  # type: ignore[assignment]


def test_while_the_breaker_is_open_only_a_probe_is_armed(any_context: Flask) -> None:
    mailing_id = running(3)
    armed = arm(mailing_id, 1)
    breaker.open_("http_401")

    assert arm(mailing_id) == []
    assert len(arm(mailing_id, 100, probing=True)) == 1
    settle(armed)
    assert ledger(mailing_id) == {Status.SENT: 1, Status.SENDING: 1, Status.QUEUED: 1}


def test_not_even_a_probe_passes_the_global_stop(any_context: Flask) -> None:
    mailing_id = running(1)
    breaker.open_("http_401")
    stopped_at(clock.now())

    assert arm(mailing_id, 1, probing=True) == []


def test_a_message_whose_call_could_outlast_the_end_is_not_armed(any_context: Flask) -> None:
    mailing_id = running(1)
    closes_in(mailing_id, BEGIN_WITHIN + HOLD.call_deadline)

    assert arm(mailing_id) == []
    assert due.mailings(HOLD) == []


def closes_in(mailing_id: int, duration: timedelta, zone: str = "Europe/Moscow") -> None:
    with transaction() as session:
        session.get_one(Lane, (mailing_id, zone)).closes_at = clock.now() + duration


def test_a_message_of_a_lane_that_opens_later_is_not_armed(any_context: Flask) -> None:
    mailing_id = running(1)
    with transaction() as session:
        session.get_one(Lane, (mailing_id, "Europe/Moscow")).opens_at = clock.now() + timedelta(minutes=1)

    assert arm(mailing_id) == []
    assert due.mailings(HOLD) == []


def test_a_call_begins_at_once_or_not_at_all(any_context: Flask) -> None:
    """After a brake, what was armed may still go for less than a second."""
    mailing_id = running(1)
    before = clock.monotonic()

    (only,) = arm(mailing_id)

    after = clock.monotonic()
    assert before <= only.begins_at <= after
    assert only.begins_before <= after + BEGIN_WITHIN.total_seconds()
    assert BEGIN_WITHIN.total_seconds() < 1


def test_a_message_that_waits_for_another_try_is_not_armed_before_its_time(any_context: Flask) -> None:
    mailing_id = running(1)
    armed = arm(mailing_id)
    waits(armed)

    too_early = arm(mailing_id)
    another_try_is_due(mailing_id)
    in_time = arm(mailing_id)

    assert too_early == []
    assert [(each.id, each.stretch) for each in in_time] == [(armed[0].id, None)]


def waits(armed: list[Armed]) -> None:
    """Surely not accepted: another try, in a minute."""
    settle(armed, saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=60.0))


def test_the_zone_that_closes_first_goes_first(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 9, zones=ZONES)
    mailing_id = fan_out_all(owner)
    closes_in(mailing_id, timedelta(minutes=20), "UTC+03:00")
    closes_in(mailing_id, timedelta(minutes=30), "Europe/Moscow")

    armed = arm(mailing_id, 5)

    zones = {message.id: message.timezone for message in messages_of(mailing_id)}
    assert [zones[each.id] for each in armed] == ["UTC+03:00"] * 3 + ["Europe/Moscow"] * 2


def test_mailings_armed_together_get_equal_shares(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 30)
    three = [fan_out_all(owner) for _ in range(3)]

    arming = outbox.arm(three, 12, TOKEN, HOLD)

    assert [ledger(each)[Status.SENDING] for each in three] == [4, 4, 4]
    assert len(arming.armed) == 12
    assert set(arming.again) == set(three)


def test_of_mailings_with_a_rate_each_takes_its_share_of_the_moments_and_no_more(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 9)
    limited, unlimited = fan_out_all(owner), fan_out_all(owner)
    set_mailing(limited, rate_limit=10)

    armed = outbox.arm([limited, unlimited], 12, TOKEN, HOLD, share=2).armed

    assert Counter(each.mailing_id for each in armed) == {limited: 2, unlimited: 6}


def test_however_little_may_be_armed_every_mailing_asked_for_gets_some(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    three = [fan_out_all(owner) for _ in range(3)]

    outbox.arm(three, 2, TOKEN, HOLD)

    assert [ledger(each)[Status.SENDING] for each in three] == [1, 1, 1]


def test_of_a_mailing_with_nothing_left_to_arm_nobody_is_told_to_ask_again(any_context: Flask) -> None:
    mailing_id = running(3)
    arm(mailing_id)

    arming = outbox.arm([mailing_id], 10, TOKEN, HOLD)

    assert arming == Arming()
    assert due.mailings(HOLD) == []
