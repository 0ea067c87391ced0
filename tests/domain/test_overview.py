"""Does the overview show what runs, what comes, what needs a decision, and today's totals?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import time_machine
from flask import Flask
from sqlalchemy import insert

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import overview
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Breaker, Import, ImportState, KnownPhones, PauseReason, Role, Service, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    deliver,
    fan_out_all,
    schedule,
    set_mailing,
)


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


def test_mailings_that_ask_for_a_decision_are_listed_the_most_pressing_first(any_context: Flask) -> None:
    owner, now = make_actor(), clock.now()
    late, soon = now + timedelta(days=2), now + timedelta(days=1)
    waits_id = schedule(owner, title="waits", starts_at=soon, ends_at=late)
    set_mailing(waits_id, awaits_approval=True)
    asking = {}
    for reason, ends_at in ((PauseReason.BUDGET, late), (PauseReason.CANARY, soon)):
        asking[reason] = schedule(owner, ends_at=ends_at)
        set_mailing(asking[reason], state=State.PAUSED, pause_reason=reason)
    set_mailing(schedule(owner), state=State.PAUSED, pause_reason=PauseReason.OPERATOR)

    mine = overview.picture(owner, UTC).decisions.asking

    assert [(row.id, row.reason) for row in mine] == [
        (waits_id, None),
        (asking[PauseReason.CANARY], PauseReason.CANARY),
        (asking[PauseReason.BUDGET], PauseReason.BUDGET),
    ]
    assert overview.picture(make_actor(), UTC).decisions.asking == []
    assert len(overview.picture(make_actor(Role.ADMINISTRATOR), UTC).decisions.asking) == 3


def test_an_import_that_could_not_be_read_is_told_for_a_week(any_context: Flask) -> None:
    owner, now = make_actor(), clock.now()
    times = {"new": now, "old": now - timedelta(days=8)}
    with transaction() as session:
        for filename, finished_at in times.items():
            row = {"owner_id": owner.id, "filename": filename, "known": KnownPhones.UPDATE, "timezone": "UTC"}
            row |= {"state": ImportState.FAILED, "failure": "encoding", "size_bytes": 1}
            session.execute(insert(Import).values(**row, created_at=finished_at, finished_at=finished_at))

    mine = overview.picture(owner, UTC).decisions.failed_imports

    assert [(row.filename, row.failure) for row in mine] == [("new", "encoding")]
    assert overview.picture(make_actor(), UTC).decisions.failed_imports == []


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
