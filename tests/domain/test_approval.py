"""Does a mailing to many start only once a second person has agreed?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db
from dashboard.domain import approval, fan_out, limits, live, mailings, starting
from dashboard.domain.errors import Conflict, Forbidden, NotFound
from dashboard.domain.limits import Limits
from dashboard.domain.permissions import Actor
from dashboard.models import Mailing, Role, State, Status
from tests.factories import make_actor
from tests.support.engine import add_clients, count_messages, ledger, make_draft, schedule, set_mailing, state_of


def bounded(above: int | None) -> Actor:
    """The administrator who has set the limit."""
    administrator = make_actor(Role.ADMINISTRATOR)
    limits.change(administrator, Limits(approval_above=above))
    return administrator


def awaits(mailing_id: int) -> bool:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id).awaits_approval


def over(mailing_id: int) -> None:
    now = clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(seconds=1))


def test_a_mailing_to_more_than_the_bound_waits_and_starts_once_approved(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    administrator = bounded(2)
    mailing_id = schedule(owner)

    before = starting.start_due()
    approval.approve(administrator, mailing_id)
    after = starting.start_due()

    assert (before, after) == ([], [mailing_id])
    mailing = db.session.get_one(Mailing, mailing_id)
    assert mailing.approved_by_id == administrator.id
    assert mailing.launched_by_id == owner.id


@pytest.mark.parametrize("above", [None, 3, 4])
def test_a_mailing_to_no_more_than_the_bound_needs_nobody(any_context: Flask, above: int | None) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    bounded(above)

    mailing_id = schedule(owner)

    assert starting.start_due() == [mailing_id]


def test_who_launched_it_cannot_approve_it(any_context: Flask) -> None:
    administrator = bounded(0)
    add_clients(administrator, 1)
    mailing_id = schedule(administrator)

    with pytest.raises(Conflict, match="approval_of_own"):
        approval.approve(administrator, mailing_id)

    assert awaits(mailing_id)


def test_an_administrator_who_launches_anothers_mailing_is_the_first_person(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    administrator = bounded(0)
    mailing_id = mailings.create(owner, make_draft())
    mailings.schedule(administrator, mailing_id)

    with pytest.raises(Conflict, match="approval_of_own"):
        approval.approve(administrator, mailing_id)
    approval.approve(make_actor(Role.ADMINISTRATOR), mailing_id)

    assert not awaits(mailing_id)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_only_administrators_approve(any_context: Flask, role: Role) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    bounded(0)
    mailing_id = schedule(owner)

    with pytest.raises(Forbidden):
        approval.approve(make_actor(role), mailing_id)


def test_approving_twice_is_approving_once(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    first = bounded(0)
    mailing_id = schedule(owner)
    approval.approve(first, mailing_id)
    starting.start_due()

    approval.approve(make_actor(Role.ADMINISTRATOR), mailing_id)

    db.session.rollback()
    assert db.session.get_one(Mailing, mailing_id).approved_by_id == first.id


def test_what_does_not_wait_for_approval_cannot_be_approved(any_context: Flask) -> None:
    owner, administrator = make_actor(), bounded(None)
    mailing_id = schedule(owner)

    with pytest.raises(Conflict, match="cannot_approve"):
        approval.approve(administrator, mailing_id)
    with pytest.raises(NotFound):
        approval.approve(administrator, mailing_id + 1)


def test_an_audience_that_has_grown_until_the_start_waits_for_approval(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    administrator = bounded(2)
    mailing_id = schedule(owner)
    add_clients(owner, 1, first=2)

    assert starting.start_due() == []
    assert awaits(mailing_id)
    approval.approve(administrator, mailing_id)
    assert starting.start_due() == [mailing_id]


def test_a_bound_that_is_set_after_the_launch_counts_at_the_start(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = schedule(owner)

    bounded(1)

    assert starting.start_due() == []
    assert awaits(mailing_id)


@pytest.mark.parametrize("is_approved", [False, True])
def test_what_is_taken_back_and_changed_needs_approval_anew(any_context: Flask, is_approved: bool) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    administrator = bounded(0)
    mailing_id = schedule(owner)
    if is_approved:
        approval.approve(administrator, mailing_id)

    mailings.unschedule(owner, mailing_id)
    as_a_draft = awaits(mailing_id)
    mailings.change(owner, mailing_id, make_draft(text="Other"), 1)
    mailings.schedule(owner, mailing_id)

    assert not as_a_draft
    assert awaits(mailing_id)
    assert db.session.get_one(Mailing, mailing_id).approved_by_id is None
    assert starting.start_due() == []


def test_what_nobody_approved_by_its_end_is_cancelled_and_says_so(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    administrator = bounded(0)
    mailing_id = schedule(owner)
    over(mailing_id)

    assert starting.start_due() == []
    assert not fan_out.one_range()

    assert state_of(mailing_id) is State.CANCELLED
    assert count_messages(mailing_id) == 0
    assert live.picture(owner, mailing_id).awaits_approval
    with pytest.raises(Conflict, match="cannot_approve"):
        approval.approve(administrator, mailing_id)


def test_an_approval_that_comes_after_the_end_is_refused(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    administrator = bounded(0)
    mailing_id = schedule(owner)
    over(mailing_id)

    with pytest.raises(Conflict, match="cannot_approve"):
        approval.approve(administrator, mailing_id)


def test_a_person_who_cancels_it_ends_the_waiting(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    bounded(0)
    mailing_id = schedule(owner)

    mailings.cancel(owner, mailing_id)

    assert not awaits(mailing_id)


def test_what_was_approved_late_starts_at_once_and_is_not_taken_for_missed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    administrator = bounded(0)
    mailing_id = schedule(owner)
    hours_ago = clock.now() - timedelta(hours=3)
    set_mailing(mailing_id, starts_at=hours_ago, launched_at=hours_ago)

    approval.approve(administrator, mailing_id)
    starting.start_due()
    while fan_out.one_range():
        pass

    assert state_of(mailing_id) is State.RUNNING
    assert ledger(mailing_id) == {Status.QUEUED: 2}


@pytest.mark.parametrize("press", [mailings.pause, mailings.resume])
def test_what_waits_for_approval_can_be_neither_paused_nor_resumed(
    any_context: Flask, press: Callable[[Actor, int], None]
) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    bounded(0)
    mailing_id = schedule(owner)

    with pytest.raises(Conflict):
        press(owner, mailing_id)

    assert state_of(mailing_id) is State.SCHEDULED
