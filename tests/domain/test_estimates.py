"""Is the end of a running mailing told only where it can be told, and what it waits for where it cannot?"""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import estimates, starting, statistics
from dashboard.domain.estimates import Estimate
from dashboard.models import Dimension, Lane, Mailing
from tests.factories import make_actor
from tests.support.engine import add_clients, fan_out_all, schedule

ZONES = ("Europe/Moscow", "Asia/Omsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Magadan", "Asia/Kamchatka")
MINUTE = timedelta(minutes=1)


def running(count: int, zones: tuple[str, ...] = ZONES[:1]) -> Mailing:
    """To so many clients, in these zones in turn, of whom nobody has been sent to; it ends in an hour."""
    owner = make_actor()
    add_clients(owner, count, zones)
    return db.session.get_one(Mailing, fan_out_all(owner))


def estimate_of(mailing: Mailing, rate: int | None, now: datetime) -> Estimate:
    return estimates.of(mailing, statistics.by_status(mailing.id, Dimension.ZONE), rate, now)


def set_lane(mailing: Mailing, zone: str, opens_at: datetime | None, closes_at: datetime | None) -> None:
    with transaction() as session:
        lane = session.get_one(Lane, (mailing.id, zone))
        lane.opens_at, lane.closes_at = opens_at, closes_at


def test_what_may_leave_now_ends_when_its_pace_has_worked_it_off(any_context: Flask) -> None:
    mailing, now = running(100), clock.now()

    found = estimate_of(mailing, 20, now)

    assert found.end_at is not None
    assert 5 * MINUTE <= found.end_at - now <= 6 * MINUTE
    assert (found.end_at.second, found.closes_at, found.shut) == (0, None, ())


@pytest.mark.parametrize("rate", [None, 0])
def test_without_a_pace_no_end_is_told(any_context: Flask, rate: int | None) -> None:
    assert estimate_of(running(10), rate, clock.now()) == estimates.NOTHING


def test_while_clients_are_being_selected_no_end_is_told(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = schedule(owner)
    starting.start_due()

    assert estimate_of(db.session.get_one(Mailing, mailing_id), 10, clock.now()) == estimates.NOTHING


def test_a_pace_that_is_too_slow_tells_when_sending_closes_instead_of_an_end(any_context: Flask) -> None:
    mailing = running(100)

    found = estimate_of(mailing, 1, clock.now())

    assert (found.end_at, found.closes_at) == (None, mailing.ends_at)


def test_a_zone_that_opens_later_is_waited_for_and_named(any_context: Flask) -> None:
    mailing, now = running(100, ZONES[:2]), clock.now()
    opens_at = now + 20 * MINUTE
    set_lane(mailing, "Asia/Omsk", opens_at, mailing.ends_at)

    found = estimate_of(mailing, 50, now)

    assert [(each.zone, each.opens_at, each.waiting) for each in found.shut] == [("Asia/Omsk", opens_at, 50)]
    assert found.end_at is not None
    assert 21 * MINUTE <= found.end_at - now <= 22 * MINUTE


def test_where_all_wait_for_their_window_it_is_named_and_no_end_invented(any_context: Flask) -> None:
    mailing, now = running(10), clock.now()
    set_lane(mailing, "Europe/Moscow", now + 20 * MINUTE, mailing.ends_at)

    found = estimate_of(mailing, None, now)

    assert ([each.zone for each in found.shut], found.end_at) == (["Europe/Moscow"], None)


def test_a_zone_of_which_nobody_knows_when_it_opens_leaves_the_end_open(any_context: Flask) -> None:
    mailing, now = running(100, ZONES[:2]), clock.now()
    set_lane(mailing, "Asia/Omsk", now - 20 * MINUTE, now - MINUTE)

    found = estimate_of(mailing, 50, now)

    assert [(each.zone, each.opens_at) for each in found.shut] == [("Asia/Omsk", None)]
    assert (found.end_at, found.closes_at) == (None, None)


def test_of_many_shut_zones_the_soonest_are_named_and_the_others_counted(any_context: Flask) -> None:
    mailing, now = running(60, ZONES), clock.now()
    for number, zone in enumerate(ZONES):
        set_lane(mailing, zone, now + (10 - number) * MINUTE, mailing.ends_at)

    found = estimate_of(mailing, None, now)

    assert [each.zone for each in found.shut] == list(reversed(ZONES))[: estimates.ZONES_NAMED]
    assert found.shut_elsewhere == 20
