"""Does a test send reach one's own phone once, and nothing else?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import brakes, stop_list, trials
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import Message, Role, Trial, TrialOutcome
from tests.factories import make_actor
from tests.support.engine import ScriptedGateway, add_clients, make_draft, saying

PHONE = "79991234567"


def begin(actor: Actor, phone: str = "8 999 123-45-67", text: str = "Dear {{name}}") -> int:
    return trials.begin(actor, make_draft(text=text), actor.id, phone)


def set_trials(**values: object) -> None:
    with transaction() as session:
        session.execute(update(Trial).values(**values))
    db.session.rollback()


@pytest.fixture
def owner(any_context: Flask) -> Actor:
    owner = make_actor()
    add_clients(owner, 3)
    return owner


def test_it_sends_what_the_first_recipient_would_read_and_counts_nowhere(owner: Actor) -> None:
    gateway = ScriptedGateway()
    trial_id = begin(owner)

    trials.run(trial_id, gateway, 1.0)

    assert [(call.message_id, call.phone, call.text) for call in gateway.calls] == [(trial_id, PHONE, "Dear N0")]
    assert trials.get(owner, trial_id).outcome is TrialOutcome.SENT
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_job_that_comes_twice_sends_once(owner: Actor) -> None:
    gateway = ScriptedGateway()
    trial_id = begin(owner)

    trials.run(trial_id, gateway, 1.0)
    trials.run(trial_id, gateway, 1.0)

    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    "verdict, reason, outcome",
    [
        (Verdict.REFUSED, "http_400", TrialOutcome.NOT_SENT),
        (Verdict.DENIED, "bad_token", TrialOutcome.NOT_SENT),
        (Verdict.NOT_ACCEPTED, "refused_connection", TrialOutcome.NOT_SENT),
        (Verdict.UNCERTAIN, "timeout", TrialOutcome.UNKNOWN),
    ],
)
def test_what_the_gateway_says_is_told(owner: Actor, verdict: Verdict, reason: str, outcome: TrialOutcome) -> None:
    trial_id = begin(owner)

    trials.run(trial_id, ScriptedGateway(saying(verdict, reason)), 1.0)

    told = trials.get(owner, trial_id)
    assert (told.outcome, told.reason, told.is_over) == (outcome, reason, True)


def test_the_phone_is_remembered_in_its_canonical_form(owner: Actor) -> None:
    begin(owner)

    assert trials.phone_of(owner) == PHONE
    assert trials.phone_of(make_actor()) == ""


def test_nothing_is_asked_for_while_everything_is_stopped(owner: Actor) -> None:
    brakes.stop_everything(make_actor(Role.ADMINISTRATOR))

    with pytest.raises(Conflict, match="sending_stopped"):
        begin(owner)


def test_a_stop_that_comes_between_asking_and_sending_counts(owner: Actor) -> None:
    gateway = ScriptedGateway()
    trial_id = begin(owner)
    brakes.stop_everything(make_actor(Role.ADMINISTRATOR))

    trials.run(trial_id, gateway, 1.0)

    assert gateway.calls == []
    assert trials.get(owner, trial_id).reason == "stopped"


def test_a_phone_on_the_stop_list_gets_no_test_either(owner: Actor) -> None:
    gateway = ScriptedGateway()
    trial_id = begin(owner)
    stop_list.add(make_actor(Role.ADMINISTRATOR), PHONE)

    trials.run(trial_id, gateway, 1.0)

    assert gateway.calls == []
    assert trials.get(owner, trial_id).reason == "stop_list"
    with pytest.raises(Invalid):
        begin(owner)


def test_a_few_a_minute_are_enough(owner: Actor) -> None:
    for _ in range(trials.MOST_A_MINUTE):
        begin(owner)

    with pytest.raises(Conflict, match="too_many_trials"):
        begin(owner)

    set_trials(created_at=clock.now() - timedelta(seconds=61))
    assert begin(owner)


@pytest.mark.parametrize("text", ["", "Dear {{nothing}}", "Dear {{na me}}"])
def test_what_nobody_could_read_is_not_sent(owner: Actor, text: str) -> None:
    with pytest.raises(Invalid):
        begin(owner, text=text)


def test_what_no_job_finds_within_a_minute_is_never_sent(owner: Actor) -> None:
    gateway = ScriptedGateway()
    trial_id = begin(owner)
    set_trials(created_at=clock.now() - timedelta(seconds=61))

    trials.run(trial_id, gateway, 1.0)

    assert gateway.calls == []
    told = trials.get(owner, trial_id)
    assert (told.outcome, told.reason) == (TrialOutcome.NOT_SENT, "no_worker")


def test_of_a_job_that_died_in_the_midst_nobody_knows_the_outcome(owner: Actor) -> None:
    trial_id = begin(owner)
    set_trials(outcome=TrialOutcome.SENDING, created_at=clock.now() - trials.LOST_AFTER - timedelta(seconds=1))

    told = trials.get(owner, trial_id)

    assert (told.outcome, told.reason) == (TrialOutcome.UNKNOWN, "worker_lost")


def test_others_neither_see_nor_send_any(owner: Actor) -> None:
    trial_id = begin(owner)

    with pytest.raises(NotFound):
        trials.get(make_actor(), trial_id)
    with pytest.raises(Forbidden):
        begin(make_actor(Role.VIEWER))
