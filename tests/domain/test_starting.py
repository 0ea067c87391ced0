"""Does a mailing start at its time, and ask first when that was missed?"""

from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db
from dashboard.domain import fan_out, mailings, starting
from dashboard.domain.permissions import Actor
from dashboard.domain.starting import MISSED_START
from dashboard.models import Mailing, PauseReason, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    ledger,
    schedule,
    set_mailing,
    state_of,
)

LITTLE = timedelta(minutes=1)


def due_for(owner: Actor, late: timedelta, launched_before: timedelta = timedelta(days=1)) -> int:
    """Scheduled so long before its start, which was so long ago."""
    mailing_id = schedule(owner)
    start = clock.now() - late
    set_mailing(mailing_id, starts_at=start, launched_at=start - launched_before)
    return mailing_id


def start_and_fan_out() -> None:
    starting.start_due()
    while fan_out.one_range():
        pass


def test_a_start_missed_by_more_than_an_hour_is_selected_for_but_sends_nothing(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = due_for(owner, MISSED_START + LITTLE)

    start_and_fan_out()

    mailing = db.session.get_one(Mailing, mailing_id)
    assert (mailing.state, mailing.pause_reason) == (State.PAUSED, PauseReason.MISSED_START)
    assert ledger(mailing_id) == {Status.QUEUED: 3}
    assert arm(mailing_id) == []


def test_once_a_person_has_resumed_it_a_missed_start_sends(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = due_for(owner, MISSED_START + LITTLE)
    start_and_fan_out()

    mailings.resume(owner, mailing_id)
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 3}


@pytest.mark.parametrize(
    "late, launched_before",
    [
        (MISSED_START - LITTLE, timedelta(days=1)),
        (timedelta(hours=5), timedelta(hours=-5)),  # launched just now, for a start of five hours ago
    ],
)
def test_a_start_that_is_late_by_less_or_on_purpose_is_not_missed(
    any_context: Flask, late: timedelta, launched_before: timedelta
) -> None:
    owner = make_actor()
    mailing_id = due_for(owner, late, launched_before)

    starting.start_due()

    assert state_of(mailing_id) is State.RUNNING


def test_a_mailing_whose_end_was_missed_as_well_asks_nobody(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = due_for(owner, timedelta(days=1))
    set_mailing(mailing_id, ends_at=clock.now() - LITTLE)

    start_and_fan_out()

    assert state_of(mailing_id) is State.RUNNING
    assert ledger(mailing_id) == {Status.EXPIRED: 2}


def test_what_was_taken_back_meanwhile_does_not_start(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)
    mailings.unschedule(owner, mailing_id)

    assert starting.start_due() == []
    assert state_of(mailing_id) is State.DRAFT
