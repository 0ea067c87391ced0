"""Does one press decide exactly what was chosen, over all its mailings, and say what is left and why?"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from dashboard import clock
from dashboard.domain import mailings, unknown_decisions, unknown_lists
from dashboard.domain.errors import Forbidden, Invalid
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_decisions import Choice
from dashboard.domain.unknown_lists import UnknownFilter
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Verdict
from dashboard.models import Role, State, Status, TimeBasis
from tests.factories import make_actor
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    schedule,
    set_mailing,
    settle,
    state_of,
)

TIMEOUT, ERROR = saying(Verdict.UNCERTAIN, "timeout"), saying(Verdict.UNCERTAIN, "http_500")
EVERYTHING = Choice()


def left_unknown(owner: Actor, **changes: object) -> int:
    mailing_id = schedule(owner, **changes)
    deliver(ScriptedGateway(TIMEOUT))
    return mailing_id


def with_clients(count: int) -> Actor:
    owner = make_actor()
    add_clients(owner, count)
    return owner


def test_all_that_match_are_decided_in_all_mailings(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_decisions, "AT_ONCE", 2)
    owner = with_clients(5)
    ids = [left_unknown(owner) for _mailing in range(2)]

    decided = unknown_decisions.decide(owner, EVERYTHING, Decision.ACCEPT)
    again = unknown_decisions.decide(owner, EVERYTHING, Decision.ACCEPT)

    assert (decided.count, decided.left, decided.is_whole) == (10, {}, True)
    assert again.count == 0
    assert [ledger(mailing_id) for mailing_id in ids] == [{Status.SENT: 5}] * 2


def test_only_what_the_filter_says_is_decided(any_context: Flask) -> None:
    owner = with_clients(4)
    other = left_unknown(owner)
    mailing_id = fan_out_all(owner)
    for script, count in ((TIMEOUT, 1), (ERROR, 3)):
        settle(arm(mailing_id, count), script)

    decided = unknown_decisions.decide(owner, Choice(UnknownFilter(mailing_id, "http_500")), Decision.ACCEPT)

    assert decided.count == 3
    assert ledger(mailing_id) == {Status.SENT: 3, Status.UNKNOWN: 1}
    assert ledger(other) == {Status.UNKNOWN: 4}


def test_ticked_ones_are_resent_each_once_and_reach_the_gateway(any_context: Flask) -> None:
    owner = with_clients(3)
    ids = [left_unknown(owner) for _mailing in range(2)]
    ticked = [min(each.id for each in messages_of(mailing_id)) for mailing_id in ids]
    choice = Choice(message_ids=tuple(ticked))

    parts = unknown_decisions.shares(owner, choice)
    decided = unknown_decisions.decide(owner, choice, Decision.RESEND)
    again = unknown_decisions.decide(owner, choice, Decision.RESEND)
    gateway = ScriptedGateway()
    deliver(gateway)

    assert [(share.mailing_id, share.count) for share in parts] == [(each, 1) for each in reversed(ids)]
    assert (decided.count, again.count) == (2, 0)
    assert sorted(call.message_id for call in gateway.calls) == sorted(ticked)
    assert unknown_lists.page(owner).total == 4


def test_of_a_cancelled_mailing_none_is_resent_and_it_says_why(any_context: Flask) -> None:
    owner = with_clients(2)
    running = left_unknown(owner)
    cancelled = fan_out_all(owner)
    settle(arm(cancelled), TIMEOUT)
    mailings.cancel(owner, cancelled)

    decided = unknown_decisions.decide(owner, EVERYTHING, Decision.RESEND)

    assert (decided.count, decided.left) == (2, {"cannot_resend": 2})
    assert ledger(running) == {Status.QUEUED: 2}
    assert ledger(cancelled) == {Status.UNKNOWN: 2}


def test_a_mailing_that_is_over_needs_an_end_that_lies_ahead(any_context: Flask) -> None:
    owner = with_clients(2)
    running, over = left_unknown(owner), left_unknown(owner)
    set_mailing(over, starts_at=clock.now() - timedelta(hours=2), ends_at=clock.now() - timedelta(hours=1))
    ahead = clock.now() + timedelta(hours=1)

    for ends_at in (None, clock.now() - timedelta(minutes=1)):
        with pytest.raises(Invalid):
            unknown_decisions.decide(owner, EVERYTHING, Decision.RESEND, ends_at)
    untouched = ledger(running)
    decided = unknown_decisions.decide(owner, EVERYTHING, Decision.RESEND, ahead)

    assert untouched == {Status.UNKNOWN: 2}
    assert (decided.count, decided.left) == (4, {})
    assert state_of(over) is State.RUNNING


def test_a_new_end_by_the_clients_clock_is_what_was_typed(any_context: Flask) -> None:
    owner = with_clients(1)
    now = clock.now()
    wall = now.astimezone(ZoneInfo("Europe/Moscow")).replace(tzinfo=None)
    mailing_id = left_unknown(
        owner,
        starts_at=None,
        ends_at=None,
        time_basis=TimeBasis.CLIENT,
        starts_wall=wall - timedelta(hours=1),
        ends_wall=wall + timedelta(hours=1),
    )
    set_mailing(mailing_id, ends_at=now - timedelta(minutes=30), ends_wall=wall - timedelta(minutes=30))
    typed = (wall + timedelta(hours=9)).replace(tzinfo=ZoneInfo("Asia/Tokyo"))

    decided = unknown_decisions.decide(owner, EVERYTHING, Decision.RESEND, typed)

    assert decided.count == 1
    assert mailings.get(owner, mailing_id).ends_wall == typed.replace(tzinfo=None)


def test_who_has_no_window_left_stays_unknown_and_is_counted(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4, zones=("Europe/Moscow", "Asia/Tokyo"))
    mailing_id = left_unknown(owner)
    here = clock.now().astimezone(ZoneInfo("Europe/Moscow"))
    window = {
        "window_from": (here - timedelta(minutes=5)).time(),
        "window_to": (here + timedelta(minutes=55)).time(),
    }
    set_mailing(mailing_id, **window)

    decided = unknown_decisions.decide(owner, EVERYTHING, Decision.RESEND)

    assert (decided.count, decided.left) == (2, {"no_window_left": 2})
    assert ledger(mailing_id) == {Status.QUEUED: 2, Status.UNKNOWN: 2}


def test_a_press_that_runs_out_of_time_says_so_and_the_next_goes_on(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown_decisions, "AT_ONCE", 2)
    owner = with_clients(5)
    left_unknown(owner)
    seconds = iter([0.0, 1.0, 2.0, 99.0])
    monkeypatch.setattr(clock, "monotonic", lambda: next(seconds))
    cut_short = unknown_decisions.decide(owner, EVERYTHING, Decision.ACCEPT)
    monkeypatch.undo()

    whole = unknown_decisions.decide(owner, EVERYTHING, Decision.ACCEPT)

    assert (cut_short.count, cut_short.left, cut_short.is_whole) == (4, {}, False)
    assert (whole.count, whole.is_whole) == (1, True)


@pytest.mark.parametrize("decision", list(Decision))
def test_others_and_those_who_only_look_on_decide_nothing(any_context: Flask, decision: Decision) -> None:
    owner = with_clients(1)
    mailing_id = left_unknown(owner)
    choice = Choice(message_ids=(messages_of(mailing_id)[0].id,))

    assert unknown_decisions.decide(make_actor(), choice, decision).count == 0
    assert unknown_decisions.shares(make_actor(), choice) == []
    with pytest.raises(Forbidden):
        unknown_decisions.decide(make_actor(Role.VIEWER), choice, decision)
    assert ledger(mailing_id) == {Status.UNKNOWN: 1}
