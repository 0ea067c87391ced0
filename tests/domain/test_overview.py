"""Does the overview show what runs, what comes, what needs a decision, and today's totals?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import overview
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Breaker, Service, Status
from tests.factories import make_actor
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all, schedule


def unsure_of_900(call: Call) -> Answer:
    return answer(call, Verdict.UNCERTAIN, "timeout") if call.phone.startswith("7900") else accepted(call)


def test_the_overview_tells_what_runs_what_comes_and_what_needs_a_decision(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    unsure_id = fan_out_all(owner, title="unsure")
    deliver(ScriptedGateway(unsure_of_900))
    running_id = fan_out_all(owner, title="runs")
    later_id = schedule(owner, title="later", starts_at=clock.now() + timedelta(minutes=30))

    picture = overview.picture(owner, ZoneInfo("Europe/Moscow"))

    assert [(row.id, row.total) for row in picture.running] == [(running_id, 10)]
    assert [row.id for row in picture.next] == [later_id]
    assert [(row.id, row.n) for row in picture.decisions.unknown_mailings] == [(unsure_id, 2)]
    assert picture.decisions.unknown == 2
    assert (picture.today[Status.SENT], picture.today[Status.UNKNOWN]) == (8, 2)
    assert (picture.has_clients, picture.is_new, picture.changes) == (True, False, True)


def test_the_overview_says_since_when_and_why_the_gateway_takes_nothing(any_context: Flask) -> None:
    with transaction() as session:
        service = session.get_one(Service, 1)
        service.breaker, service.breaker_reason, service.breaker_opened_at = Breaker.OPEN, "bad_token", clock.now()

    decisions = overview.picture(make_actor(), UTC).decisions

    assert (decisions.breaker_open, decisions.breaker_reason) == (True, "bad_token")
    assert decisions.breaker_opened_at is not None


def test_the_overview_shows_nobody_what_belongs_to_others(any_context: Flask) -> None:
    other = make_actor()
    add_clients(other, 2)
    fan_out_all(other)

    picture = overview.picture(make_actor(), UTC)

    assert (picture.running, picture.has_clients, picture.is_new, picture.changes) == ([], False, True, False)


@pytest.mark.parametrize(
    "zone, now, began",
    [
        ("Europe/Moscow", "2026-11-21T00:30:00+03:00", "2026-11-21T00:00:00+03:00"),
        ("Asia/Kamchatka", "2026-11-21T14:00:00+00:00", "2026-11-21T12:00:00+00:00"),
        # Beirut put its clocks forward at midnight: the day began at one.
        ("Asia/Beirut", "2022-03-27T09:00:00+03:00", "2022-03-27T01:00:00+03:00"),
    ],
)
def test_today_begins_at_the_users_midnight(zone: str, now: str, began: str) -> None:
    start = overview.start_of_day(datetime.fromisoformat(now), ZoneInfo(zone))

    assert start == datetime.fromisoformat(began)


def test_an_hour_after_midnight_yesterdays_messages_are_not_todays(app_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    with time_machine.travel(datetime(2026, 11, 20, 22, 30, tzinfo=UTC)):
        fan_out_all(owner)
        deliver(ScriptedGateway(), seconds=1)

    with time_machine.travel(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)):
        in_moscow = overview.picture(owner, ZoneInfo("Europe/Moscow")).today[Status.SENT]
        in_london = overview.picture(owner, ZoneInfo("Europe/London")).today[Status.SENT]
        in_berlin = overview.picture(owner, ZoneInfo("Europe/Berlin")).today[Status.SENT]

    assert (in_moscow, in_london, in_berlin) == (3, 3, 0)
