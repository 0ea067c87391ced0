"""Are the last days' outcomes each under its day, as the asker's clock has it, and only of what they may see?"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, transaction
from dashboard.domain import daily, tallies
from dashboard.domain.permissions import Actor
from dashboard.domain.tallies import Move, Place
from dashboard.models import Dimension, HourTally, Role, Status, Tally
from tests.factories import make_actor
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all

MOSCOW = ZoneInfo("Europe/Moscow")


def sent_at(mailing_id: int, *instants: datetime) -> None:
    """As settling would write it."""
    moves = [Move(mailing_id, "900", "UTC", None, Place(Status.SENT, None, at)) for at in instants]
    with transaction() as session:
        tallies.record(session, moves)


def a_mailing(owner: Actor) -> int:
    add_clients(owner, 1)
    return fan_out_all(owner)


def test_the_last_day_is_today_and_there_are_thirty(any_context: Flask) -> None:
    found = daily.last_days(make_actor(), MOSCOW)

    assert found.days == [found.days[-1] - timedelta(days=back) for back in reversed(range(30))]
    assert found.days[-1] in (datetime.now(MOSCOW).date(), datetime.now(MOSCOW).date() - timedelta(days=1))
    assert found.series == {}


@pytest.mark.parametrize("name", ["Europe/Moscow", "Asia/Kolkata", "Asia/Kathmandu"])
def test_a_message_of_the_last_minute_before_midnight_is_yesterdays(any_context: Flask, name: str) -> None:
    owner, zone = make_actor(), ZoneInfo(name)
    mailing_id = a_mailing(owner)
    today = daily.last_days(owner, zone).days[-1]
    midnight = daily.day_begins(today, zone)

    sent_at(mailing_id, midnight - timedelta(minutes=1), midnight, midnight + timedelta(minutes=14))

    found = daily.last_days(owner, zone)
    by_day = dict(zip(found.days, found.series[Status.SENT], strict=True))
    assert by_day[today - timedelta(days=1)] == 1
    assert by_day[today] == 2


def test_what_is_older_than_the_first_day_is_left_out(app_context: Flask) -> None:
    owner = make_actor()
    mailing_id = a_mailing(owner)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    first = daily.day_begins(date(2026, 11, 20), MOSCOW)

    sent_at(mailing_id, first - timedelta(minutes=1), first)

    with time_machine.travel(now, tick=False):
        assert daily.last_days(owner, MOSCOW, count=2).series == {Status.SENT: [1, 0]}


def test_what_waits_is_no_outcome_and_what_is_undone_disappears(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    before = daily.last_days(owner, UTC).series
    now = datetime.now(UTC)

    with transaction() as session:
        unknown, sent = Place(Status.UNKNOWN, "timeout", now), Place(Status.SENT, "taken_as_sent", now)
        tallies.record(session, [Move(mailing_id, "900", "UTC", None, unknown)])
        tallies.record(session, [Move(mailing_id, "900", "UTC", unknown, sent)])

    assert before == {}
    assert {status: sum(n) for status, n in daily.last_days(owner, UTC).series.items()} == {Status.SENT: 1}


def test_operators_see_their_own_days_and_administrators_everybodys(any_context: Flask) -> None:
    one, other = make_actor(), make_actor()
    for owner, count in ((one, 2), (other, 3)):
        add_clients(owner, count)
        fan_out_all(owner)
    deliver(ScriptedGateway())

    seen = [
        sum(daily.last_days(actor, MOSCOW).series[Status.SENT])
        for actor in (one, other, make_actor(Role.ADMINISTRATOR))
    ]

    assert seen == [2, 3, 5]


def test_hours_are_counted_with_the_minutes(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    fan_out_all(owner)
    deliver(ScriptedGateway())

    by_minute, by_hour = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for minute in db.session.scalars(select(Tally).where(Tally.dimension == Dimension.MINUTE)):
        by_minute[tallies.hour_of_minute(minute.key), minute.status] += minute.change
    for hour in db.session.scalars(select(HourTally)):
        by_hour[hour.hour, hour.status] += hour.change
    assert by_hour == by_minute
    assert by_hour.total() == 20


@pytest.mark.parametrize(
    "zone, now, began",
    [
        ("Europe/Moscow", "2026-11-21T00:30:00+03:00", "2026-11-21T00:00:00+03:00"),
        ("Asia/Kamchatka", "2026-11-21T14:00:00+00:00", "2026-11-21T12:00:00+00:00"),
        # Beirut put its clocks forward at midnight: the day began at one.
        ("Asia/Beirut", "2022-03-27T09:00:00+03:00", "2022-03-27T01:00:00+03:00"),
    ],
)
def test_a_day_begins_at_the_users_midnight(zone: str, now: str, began: str) -> None:
    start = daily.day_begins(datetime.fromisoformat(now).astimezone(ZoneInfo(zone)).date(), ZoneInfo(zone))

    assert start == datetime.fromisoformat(began)
