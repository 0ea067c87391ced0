"""Does nothing leave once somebody has stopped it, and does it go on only when somebody who may has said so?"""

from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import brakes, breaker, due, limits, mailings, overview
from dashboard.domain.errors import Conflict, Forbidden
from dashboard.domain.throttle import Shortage
from dashboard.models import Mailing, PauseReason, Role, Service, State, Status, User
from dashboard.zones import zone
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    ledger,
    schedule,
    set_mailing,
    settle,
    state_of,
)


def service() -> Service:
    db.session.rollback()
    return db.session.get_one(Service, 1)


def mailing_of(mailing_id: int) -> Mailing:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id)


def test_after_the_global_stop_nothing_of_any_mailing_is_armed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    first, second = fan_out_all(owner), fan_out_all(owner)

    brakes.stop_everything(owner)

    assert arm(first) == arm(second) == []
    assert due.mailings(HOLD) == []
    assert service().stopped_by_id == owner.id


def test_who_stopped_everything_and_when_is_told_until_it_goes_on(any_context: Flask) -> None:
    owner = make_actor()
    administrator = make_actor(Role.ADMINISTRATOR)
    before = brakes.standing()

    brakes.stop_everything(owner)
    stopped = brakes.standing()
    brakes.go_on(administrator)

    assert before == brakes.standing() == brakes.Brakes()
    assert stopped.stopped_by == db.session.get_one(User, owner.id).name
    assert stopped.stopped_at is not None
    assert stopped.version != before.version


def test_an_open_breaker_tells_its_reason_and_when_it_is_tried(any_context: Flask) -> None:
    breaker.open_("bad_token")
    opened = brakes.standing()
    with transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() - timedelta(seconds=1)
    due_now = brakes.standing()
    breaker.close()

    assert (opened.breaker_reason, opened.stopped_at) == ("bad_token", None)
    assert opened.probe_at is not None
    assert due_now.probe_at is None
    assert due_now.breaker_opened_at == opened.breaker_opened_at
    assert brakes.standing() == brakes.Brakes()


def test_the_mailings_that_would_be_stopped_are_everybodys_that_run(any_context: Flask) -> None:
    first, second = make_actor(), make_actor()
    for owner in (first, second):
        add_clients(owner, 1)
    fan_out_all(first)
    paused = fan_out_all(second)
    before = brakes.running()

    mailings.pause(second, paused)

    assert (before, brakes.running()) == (2, 1)


def test_what_was_in_the_air_at_the_global_stop_settles(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id, 1)

    brakes.stop_everything(owner)
    settle(armed)

    assert ledger(mailing_id) == {Status.QUEUED: 2, Status.SENT: 1}


def test_while_everything_is_stopped_a_mailing_may_be_scheduled_and_is_selected_for(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 2)
    brakes.stop_everything(owner)

    mailing_id = schedule(owner)
    deliver(ScriptedGateway())
    stopped = ledger(mailing_id)
    brakes.go_on(administrator)
    deliver(ScriptedGateway())

    assert stopped == {Status.QUEUED: 2}
    assert ledger(mailing_id) == {Status.SENT: 2}


def test_whoever_may_change_may_stop_but_only_an_administrator_lets_go_on(any_context: Flask) -> None:
    operator, viewer = make_actor(), make_actor(Role.VIEWER)

    with pytest.raises(Forbidden):
        brakes.stop_everything(viewer)
    brakes.stop_everything(operator)
    with pytest.raises(Forbidden):
        brakes.go_on(operator)

    assert service().stopped_at is not None


def test_stopping_twice_leaves_the_first_press_and_going_on_twice_is_no_harm(any_context: Flask) -> None:
    first, second = make_actor(), make_actor(Role.ADMINISTRATOR)
    brakes.stop_everything(first)
    stopped_at = service().stopped_at

    brakes.stop_everything(second)
    after_second_press = service()
    again = (after_second_press.stopped_at, after_second_press.stopped_by_id)
    brakes.go_on(second)
    brakes.go_on(second)

    assert again == (stopped_at, first.id)
    assert service().stopped_at is None


def test_whoever_lets_go_on_takes_back_the_stop_they_have_seen_and_no_newer_one(any_context: Flask) -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    brakes.stop_everything(administrator)
    seen = brakes.standing().stopped_at
    brakes.go_on(administrator, seen)
    after_the_first = brakes.standing().stopped_at
    brakes.stop_everything(make_actor())

    with pytest.raises(Conflict, match="stopped_anew"):
        brakes.go_on(administrator, seen)

    assert after_the_first is None
    assert brakes.standing().stopped_at is not None


def test_the_overview_tells_of_the_global_stop(any_context: Flask) -> None:
    owner = make_actor()

    brakes.stop_everything(owner)

    picture = overview.picture(owner, zone("UTC"))
    assert picture.decisions.stopped_at == service().stopped_at
    assert picture.changes


def test_a_pause_says_who_decides_and_resuming_clears_it(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)

    mailings.pause(owner, mailing_id)
    paused = mailing_of(mailing_id).pause_reason
    mailings.resume(owner, mailing_id)

    assert paused is PauseReason.OPERATOR
    assert mailing_of(mailing_id).pause_reason is None


def test_after_the_canary_the_rest_waits_for_a_person(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, canary_size=3)

    deliver(ScriptedGateway())
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 3, Status.QUEUED: 17}
    assert mailing_of(mailing_id).pause_reason is PauseReason.CANARY
    mailings.resume(owner, mailing_id)
    deliver(ScriptedGateway())
    assert ledger(mailing_id) == {Status.SENT: 20}
    assert state_of(mailing_id) is State.FINISHED


def test_a_person_who_pauses_during_the_canary_does_not_end_it(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner, canary_size=3)
    settle(arm(mailing_id, 2))

    mailings.pause(owner, mailing_id)
    mailings.resume(owner, mailing_id)
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 3, Status.QUEUED: 17}
    assert mailing_of(mailing_id).pause_reason is PauseReason.CANARY


def test_a_used_up_budget_pauses_and_needs_a_greater_one(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, budget_parts=5)
    deliver(ScriptedGateway())

    with pytest.raises(Conflict, match="budget_used_up"):
        mailings.resume(owner, mailing_id)
    limits.raise_budget(owner, mailing_id, 7)
    still_paused = state_of(mailing_id)
    mailings.resume(owner, mailing_id)
    deliver(ScriptedGateway())

    assert still_paused is State.PAUSED
    assert ledger(mailing_id) == {Status.SENT: 7, Status.QUEUED: 13}
    assert mailing_of(mailing_id).pause_reason is PauseReason.BUDGET


def test_a_late_word_of_a_spent_canary_does_not_undo_the_go_on(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, canary_size=3)
    deliver(ScriptedGateway())
    mailings.resume(owner, mailing_id)

    brakes.pause_spent({mailing_id: Shortage(PauseReason.CANARY, 1)})

    assert state_of(mailing_id) is State.RUNNING


def test_a_late_word_of_a_spent_budget_does_not_undo_its_raising(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, budget_parts=5)
    deliver(ScriptedGateway())
    limits.raise_budget(owner, mailing_id, 6)
    mailings.resume(owner, mailing_id)

    brakes.pause_spent({mailing_id: Shortage(PauseReason.BUDGET, 1)})
    enough = state_of(mailing_id)
    brakes.pause_spent({mailing_id: Shortage(PauseReason.BUDGET, 2)})

    assert enough is State.RUNNING
    assert state_of(mailing_id) is State.PAUSED


def test_nothing_is_resumed_once_its_end_has_passed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    mailings.pause(owner, mailing_id)
    now = clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(seconds=1))

    with pytest.raises(Conflict, match="mailing_over"):
        mailings.resume(owner, mailing_id)

    assert state_of(mailing_id) is State.PAUSED


@pytest.mark.parametrize("changes", [{"canary_size": 2}, {"budget_parts": 2}])
def test_a_cancelled_mailing_is_not_paused_any_more(any_context: Flask, changes: dict[str, int]) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = schedule(owner, **changes)
    deliver(ScriptedGateway())

    mailings.cancel(owner, mailing_id)

    assert mailing_of(mailing_id).pause_reason is None
