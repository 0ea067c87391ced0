"""Does a service that has slept, or come back from a backup, wait for a person before anything leaves?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import (
    brakes,
    half_sign_ins,
    mailings,
    password_changes,
    pulse,
    sessions,
    token_families,
    waking,
)
from dashboard.domain.brakes import Brakes
from dashboard.models import Heartbeat, Role, Service, Status, StopReason
from tests.domain.test_brakes_races import at_once
from tests.factories import make_actor, make_user
from tests.support.engine import ScriptedGateway, add_clients, arm, deliver, fan_out_all, ledger, schedule

TOO_LONG = pulse.GAP + timedelta(seconds=5)


def sleep(gap: timedelta = TOO_LONG) -> None:
    """As if the last sign of life lay so far back."""
    with transaction() as session:
        now = clock.database_now(session)
        session.execute(update(Heartbeat).where(Heartbeat.name == pulse.NAME).values(at=now - gap))


def standing() -> Brakes:
    db.session.rollback()
    return brakes.standing()


def test_what_waited_through_a_sleep_waits_for_an_administrator(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 3)
    waking.beat()
    mailing_id = fan_out_all(owner)
    sleep()

    before_anybody_looked = arm(mailing_id)
    gateway = ScriptedGateway()
    deliver(gateway)
    held = standing()
    brakes.go_on(administrator, held.stopped_at)
    calls_before = list(gateway.calls)
    deliver(gateway)

    assert before_anybody_looked == calls_before == []
    assert (held.stop_reason, held.stopped_by) == (StopReason.ASLEEP, None)
    assert held.known_until is not None
    assert held.stopped_at is not None
    assert held.stopped_at - held.known_until > pulse.GAP
    assert standing() == Brakes()
    assert ledger(mailing_id) == {Status.SENT: 3}


def test_a_short_sleep_an_empty_queue_and_a_new_database_stop_nothing(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    new = fan_out_all(owner)
    deliver(ScriptedGateway())
    schedule(owner, starts_at=clock.now() + timedelta(hours=2), ends_at=clock.now() + timedelta(hours=3))

    sleep()
    deliver(ScriptedGateway())
    empty = standing()
    short = fan_out_all(owner)
    sleep(pulse.GAP - timedelta(seconds=30))
    deliver(ScriptedGateway())

    assert (empty, standing()) == (Brakes(), Brakes())
    assert ledger(new) == ledger(short) == {Status.SENT: 2}


@pytest.mark.parametrize("state", ["its start has passed", "paused"])
def test_what_could_leave_after_a_sleep_counts_as_waiting(app_context: Flask, state: str) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    waking.beat()
    if state == "paused":
        mailings.pause(owner, fan_out_all(owner))
    else:
        schedule(owner)
    sleep()

    waking.beat()

    assert standing().stop_reason is StopReason.ASLEEP


def test_a_clock_that_went_back_by_hours_is_no_sign_of_life(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    waking.beat()
    mailing_id = fan_out_all(owner)
    sleep(-TOO_LONG)

    armed = arm(mailing_id)
    waking.beat()

    assert armed == []
    assert standing().stop_reason is StopReason.ASLEEP


def test_workers_that_wake_together_stop_once_and_arm_nothing(any_app: Flask) -> None:
    with any_app.app_context():
        owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
        add_clients(owner, 20)
        waking.beat()
        mailing_id = fan_out_all(owner)
        sleep()
    gateways = [ScriptedGateway() for _ in range(3)]

    at_once(any_app, *(lambda gateway=gateway: deliver(gateway, seconds=1) for gateway in gateways))  # type: ignore[misc]

    with any_app.app_context():
        first = standing()
        brakes.go_on(administrator, first.stopped_at)
        waking.beat()
        assert first.stop_reason is StopReason.ASLEEP
        assert [call for gateway in gateways for call in gateway.calls] == []
        assert standing() == Brakes()
        assert ledger(mailing_id) == {Status.QUEUED: 20}


def test_a_persons_stop_stays_theirs_and_says_besides_that_the_service_has_slept(app_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    waking.beat()
    fan_out_all(owner)
    brakes.stop_everything(owner)
    pressed = standing()
    sleep()

    waking.beat()

    held = standing()
    assert (held.stopped_at, held.stopped_by) == (pressed.stopped_at, pressed.stopped_by)
    assert held.stop_reason is StopReason.ASLEEP
    assert held.version != pressed.version


def test_after_a_restore_everything_stops_even_where_nothing_waits(any_context: Flask) -> None:
    made_at = clock.now() - timedelta(days=3)

    with transaction() as session:
        waking.stop_after_restore(session, made_at)

    held = standing()
    assert (held.stop_reason, held.known_until) == (StopReason.RESTORED, made_at)


def test_after_a_restore_nobody_is_signed_in_who_may_have_signed_out_since(any_context: Flask) -> None:
    user = make_user()
    cookie, half = sessions.begin(user.id, remember=True), half_sign_ins.begin(user.id, remember=False)
    family, link = token_families.begin(user.id), password_changes.issue(user.id, password_changes.HANDED)

    waking.restored()

    assert sessions.resume(cookie, touch=False) is None
    assert half_sign_ins.resume(half) is None
    assert token_families.rotate(family.family_id, family.serial) is None
    assert password_changes.owner_of(link) is None


def test_a_beat_is_written_at_least_once_a_minute_and_not_at_every_look(app_context: Flask) -> None:
    waking.beat()
    first = db.session.get_one(Heartbeat, pulse.NAME).at
    sleep(timedelta(seconds=5))
    waking.beat()
    unchanged = db.session.get_one(Heartbeat, pulse.NAME, populate_existing=True).at
    sleep(pulse.EVERY)
    waking.beat()

    assert unchanged < first
    assert db.session.get_one(Heartbeat, pulse.NAME, populate_existing=True).at >= first
    assert pulse.EVERY.total_seconds() <= 60
    assert db.session.get_one(Service, 1).stopped_at is None
