"""Is a lane open when the clients of its zone may be messaged, and moved on in time?"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import lanes, mailings
from dashboard.domain.errors import Invalid
from dashboard.domain.permissions import Actor
from dashboard.domain.timing import Opening, next_opening
from dashboard.models import Lane, Mailing, Status, TimeBasis
from tests.factories import make_actor
from tests.support.engine import HOLD, add_clients, fan_out_all, ledger, make_draft

KALININGRAD, MOSCOW, KAMCHATKA = "Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"
DAY = timedelta(days=1)


def wall(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 — what a client's clock shows


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def shown_now(zone: str) -> datetime:
    """What clocks there show, to the minute."""
    return clock.now().astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)


def by_the_clients_clock(owner: Actor, starts: datetime, ends: datetime, **changes: object) -> Mailing:
    """A draft."""
    times = {"time_basis": TimeBasis.CLIENT, "starts_wall": starts, "ends_wall": ends}
    draft = make_draft(starts_at=None, ends_at=None, **times, **changes)
    return mailings.get(owner, mailings.create(owner, draft))


def opening_of(mailing_id: int, zone: str) -> tuple[datetime | None, datetime | None]:
    db.session.rollback()
    lane = db.session.get_one(Lane, (mailing_id, zone))
    return lane.opens_at, lane.closes_at


def set_closing(mailing_id: int, zone: str, closes_at: datetime) -> None:
    with transaction() as session:
        session.get_one(Lane, (mailing_id, zone)).closes_at = closes_at


def test_by_the_clients_clock_each_zone_opens_and_closes_at_its_own_instant(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3, zones=(KALININGRAD, MOSCOW, KAMCHATKA))
    starts = shown_now(KAMCHATKA) - timedelta(hours=1)

    mailing_id = fan_out_all(
        owner, time_basis=TimeBasis.CLIENT, starts_wall=starts, ends_wall=starts + timedelta(hours=3)
    )

    db.session.rollback()
    found = {lane.timezone: (lane.opens_at, lane.closes_at) for lane in db.session.scalars(select(Lane))}
    assert found == {
        zone: (first := starts.replace(tzinfo=ZoneInfo(zone)), first + timedelta(hours=3))
        for zone in (KALININGRAD, MOSCOW, KAMCHATKA)
    }
    assert ledger(mailing_id) == {Status.QUEUED: 3}


def test_who_lives_where_the_clients_end_has_passed_is_expired_at_once(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2, zones=(MOSCOW, KAMCHATKA))
    ends = shown_now(KAMCHATKA) - timedelta(hours=1)

    mailing_id = fan_out_all(
        owner, time_basis=TimeBasis.CLIENT, starts_wall=ends - timedelta(hours=1), ends_wall=ends
    )

    assert opening_of(mailing_id, KAMCHATKA) == (None, None)
    assert ledger(mailing_id) == {Status.EXPIRED: 1, Status.QUEUED: 1}


def test_who_lives_where_the_window_never_opens_before_the_end_is_expired_at_once(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2, zones=(MOSCOW, KAMCHATKA))
    moscow = shown_now(MOSCOW)

    mailing_id = fan_out_all(
        owner,
        window_from=(moscow - timedelta(hours=1)).time(),
        window_to=(moscow + timedelta(hours=2)).time(),
    )

    assert opening_of(mailing_id, KAMCHATKA) == (None, None)
    assert ledger(mailing_id) == {Status.EXPIRED: 1, Status.QUEUED: 1}


def two_days_of_windows(owner: Actor) -> int:
    """A running mailing whose window in Moscow is open from an hour ago for two hours."""
    moscow = shown_now(MOSCOW)
    return fan_out_all(
        owner,
        ends_at=clock.now() + 2 * DAY,
        window_from=(moscow - timedelta(hours=1)).time(),
        window_to=(moscow + timedelta(hours=1)).time(),
    )


def test_a_lane_moves_on_when_no_call_could_end_inside_its_window_any_more(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = two_days_of_windows(owner)
    nearly_over = clock.now() + HOLD.call_deadline - timedelta(milliseconds=1)
    set_closing(mailing_id, MOSCOW, nearly_over)

    moved = lanes.move_on(HOLD)

    times = lanes.timetable(mailings.get(owner, mailing_id))
    following = next_opening(times, ZoneInfo(MOSCOW), nearly_over)
    assert moved == 1
    assert following is not None
    assert opening_of(mailing_id, MOSCOW) == (following.opens_at, following.closes_at)


def test_a_lane_whose_window_has_time_left_stays(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = two_days_of_windows(owner)
    before = opening_of(mailing_id, MOSCOW)

    assert lanes.move_on(HOLD) == 0
    assert opening_of(mailing_id, MOSCOW) == before


@pytest.mark.parametrize("basis", TimeBasis)
def test_a_lane_that_has_come_to_the_end_is_closed(any_context: Flask, basis: TimeBasis) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    now, moscow = clock.now(), shown_now(MOSCOW)
    walls = {"starts_wall": moscow - timedelta(hours=1), "ends_wall": moscow + timedelta(hours=1)}
    mailing_id = fan_out_all(owner, time_basis=basis, **(walls if basis is TimeBasis.CLIENT else {}))
    with transaction() as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.starts_at, mailing.ends_at = now - 2 * DAY, now - DAY
        if basis is TimeBasis.CLIENT:
            mailing.starts_wall, mailing.ends_wall = moscow - 2 * DAY, moscow - DAY
    set_closing(mailing_id, MOSCOW, now)

    lanes.move_on(HOLD)

    assert opening_of(mailing_id, MOSCOW) == (None, None)


def test_one_instant_for_everybody_is_the_span_of_all(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing = mailings.get(owner, mailings.create(owner, make_draft()))

    assert lanes.span(mailing) == Opening(mailing.starts_at, mailing.ends_at)


def test_the_span_reaches_from_the_first_zones_start_to_the_last_ones_end(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 6, zones=(MOSCOW, KALININGRAD, KAMCHATKA))
    # Who is not addressed, or is another's, counts for nothing.
    add_clients(owner, 1, zones=("Pacific/Kiritimati",), tag="others", first=6)
    add_clients(make_actor(), 1, zones=("Pacific/Honolulu",))

    mailing = by_the_clients_clock(owner, wall(2030, 5, 1, 10), wall(2030, 5, 2, 20))

    # Kamchatka is UTC+12, Kaliningrad UTC+2.
    assert lanes.span(mailing) == Opening(utc(2030, 4, 30, 22), utc(2030, 5, 2, 18))


def test_before_anybody_is_addressed_the_owners_zone_gives_the_span(any_context: Flask) -> None:
    mailing = by_the_clients_clock(make_actor(), wall(2030, 5, 1, 10), wall(2030, 5, 2, 20))

    assert lanes.span(mailing) == Opening(utc(2030, 5, 1, 7), utc(2030, 5, 2, 17))


def test_times_that_no_client_has_between_them_are_refused(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1, zones=("Europe/Berlin",))
    # 31 March 2030: 02:00 becomes 03:00, so that 02:30 is read as 03:30.
    mailing = by_the_clients_clock(owner, wall(2030, 3, 31, 2, 30), wall(2030, 3, 31, 3, 10))

    with pytest.raises(Invalid) as refusal:
        lanes.span(mailing)

    assert [(problem.field, problem.code) for problem in refusal.value.problems] == [
        ("ends_wall", "ends_before_start")
    ]


def test_a_window_and_the_clients_clock_go_together(any_context: Flask) -> None:
    owner = make_actor()
    daytime = {"window_from": time(9), "window_to": time(21)}
    mailing = by_the_clients_clock(owner, wall(2030, 5, 1, 8), wall(2030, 5, 2, 10), **daytime)

    opening = next_opening(lanes.timetable(mailing), ZoneInfo(KAMCHATKA), utc(2030, 4, 1))

    assert opening == Opening(utc(2030, 4, 30, 21), utc(2030, 5, 1, 9))
