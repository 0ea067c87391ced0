"""Do the kept counts say what really happened, seen from every side?"""

from datetime import timedelta

from flask import Flask

from dashboard import clock
from dashboard.domain import recovery, statistics
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Dimension, Role, Status
from tests.factories import make_actor, make_user
from tests.support.engine import (
    HOLD,
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    arm,
    deliver,
    fan_out_all,
    leases_run_out,
    settle,
)


def mixed(call: Call) -> Answer:
    """By the operator code: 900 is accepted, 901 refused, 902 uncertain, the rest accepted."""
    if call.phone.startswith("7901"):
        return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="no such subscriber")
    if call.phone.startswith("7902"):
        return answer(call, Verdict.UNCERTAIN, "timeout")
    return accepted(call)


def run(owner: Actor, count: int = 20) -> int:
    add_clients(owner, count, ("Europe/Moscow", "Asia/Omsk"))
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(mixed))
    return mailing_id


def test_the_ledger_of_a_mailing_adds_up_to_its_selection(any_context: Flask) -> None:
    mailing_id = run(make_actor())

    counts = statistics.counts(mailing_id)

    assert sum(counts.values()) == 20
    assert (counts[Status.SENT], counts[Status.FAILED], counts[Status.UNKNOWN]) == (12, 4, 4)
    assert set(counts) == set(Status)


def test_several_ledgers_come_in_one_answer_and_an_unknown_mailing_has_an_empty_one(any_context: Flask) -> None:
    owner = make_actor()
    first, second = run(owner), fan_out_all(owner)

    ledgers = statistics.counts_of([first, second, 999])

    assert [sum(ledgers[each].values()) for each in (first, second, 999)] == [20, 20, 0]
    assert ledgers[second][Status.QUEUED] == 20


def test_each_breakdown_adds_up_to_the_ledger(any_context: Flask) -> None:
    mailing_id = run(make_actor())

    by_code = {row.key: row for row in statistics.breakdown(mailing_id, Dimension.CODE)}
    by_zone = statistics.breakdown(mailing_id, Dimension.ZONE)

    assert sum(row.total for row in by_code.values()) == sum(row.total for row in by_zone) == 20
    assert (by_code["900"].sent, by_code["901"].failed, by_code["902"].other) == (4, 4, 4)
    assert {row.key for row in by_zone} == {"Europe/Moscow", "Asia/Omsk"}


def test_reasons_are_counted_and_the_newest_errors_tell_what_the_gateway_said(any_context: Flask) -> None:
    mailing_id = run(make_actor())

    reasons = {(row.reason, row.status): row.count for row in statistics.reasons(mailing_id)}
    errors = statistics.newest_errors(mailing_id)

    assert reasons == {("http_400", Status.FAILED): 4, ("timeout", Status.UNKNOWN): 4}
    assert len(errors) == statistics.NEWEST_ERRORS
    assert {error.phone[:4] for error in errors} <= {"7901", "7902"}
    assert {error.excerpt for error in errors if error.reason == "http_400"} == {"no such subscriber"}


def test_outcomes_are_told_by_the_minute(any_context: Flask) -> None:
    before = clock.now().replace(second=0, microsecond=0)
    mailing_id = run(make_actor())

    found = statistics.over_time(mailing_id)

    assert all(before <= minute <= clock.now() for minute in found.minutes)
    assert {status: sum(values) for status, values in found.series.items()} == {
        Status.SENT: 12,
        Status.FAILED: 4,
        Status.UNKNOWN: 4,
    }


def test_before_anything_has_happened_there_is_nothing_over_time(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)

    assert statistics.over_time(fan_out_all(owner)).minutes == []


def test_today_sums_what_one_may_see_since_the_day_began(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_user(Role.ADMINISTRATOR)
    run(owner)
    run(make_actor(), count=5)
    an_hour_ago, in_an_hour = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)

    own = statistics.today(owner, an_hour_ago)
    everybodys = statistics.today(administrator.actor, an_hour_ago)
    later = statistics.today(owner, in_an_hour)

    assert (own[Status.SENT], everybodys[Status.SENT], later[Status.SENT]) == (12, 15, 0)


def test_a_late_acceptance_moves_the_count_it_does_not_add_to_it(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id)
    leases_run_out(mailing_id)
    recovery.recover(HOLD)

    settle(armed[:1])

    counts = statistics.counts(mailing_id)
    assert (counts[Status.SENT], counts[Status.UNKNOWN], sum(counts.values())) == (1, 19, 20)
    assert sum(row.count for row in statistics.reasons(mailing_id) if row.status is Status.UNKNOWN) == 19


def test_of_many_codes_the_largest_are_shown_and_the_rest_is_one_row(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 13)
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway())

    whole = statistics.breakdown(mailing_id, Dimension.CODE, 5)
    cut = statistics.breakdown(mailing_id, Dimension.CODE, 3)

    assert [row.key for row in whole] == ["900", "901", "902", "903", "904"]
    assert [(row.key, row.keys, row.sent) for row in cut] == [("900", 1, 3), ("901", 1, 3), ("", 3, 7)]
