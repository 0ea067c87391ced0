"""Is a person who has to decide about a mailing told what matters, and offered only what will not be refused?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import limits, live, mailings, resending
from dashboard.domain.decisions import Approval, Budget, Canary
from dashboard.domain.limits import Limits
from dashboard.domain.mailings import Verb
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Heartbeat, PauseReason, Role, State
from tests.factories import make_actor, make_user
from tests.support.engine import (
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    deliver,
    fan_out_all,
    make_draft,
    saying,
    schedule,
    set_mailing,
)


def swept(ago: timedelta) -> None:
    """A worker has looked so long ago."""
    with transaction() as session:
        session.execute(update(Heartbeat).where(Heartbeat.name == "sweep").values(at=clock.now() - ago))


def test_who_launched_it_is_told_that_another_has_to_approve(any_context: Flask) -> None:
    anna, boris = make_user(Role.ADMINISTRATOR, name="Anna"), make_user(Role.ADMINISTRATOR)
    limits.change(anna.actor, Limits(approval_above=1))
    add_clients(anna.actor, 2)
    mailing_id = schedule(anna.actor)

    own = live.picture(anna.actor, mailing_id)
    others = live.picture(boris.actor, mailing_id).approval
    viewers = live.picture(make_actor(Role.VIEWER), mailing_id).approval

    assert own.approval == Approval("Anna", own.approval and own.approval.asked_at, is_own=True, may_approve=False)
    assert others is not None
    assert (others.asked_by, others.is_own, others.may_approve) == ("Anna", False, True)
    assert viewers is not None
    assert not viewers.may_approve
    assert own.addressed == 2


def test_after_a_canary_it_tells_how_the_first_few_went(any_context: Flask) -> None:
    def some(call: Call) -> Answer:
        if call.phone.startswith("7901"):
            return answer(call, Verdict.REFUSED, "http_400", http_status=400)
        return answer(call, Verdict.UNCERTAIN, "timeout") if call.phone.startswith("7902") else accepted(call)

    owner = make_actor()
    add_clients(owner, 10)
    mailing_id = fan_out_all(owner, canary_size=5)
    before = live.picture(owner, mailing_id).canary
    deliver(ScriptedGateway(some))

    picture = live.picture(owner, mailing_id)
    mailings.resume(owner, mailing_id)

    assert before is None
    assert picture.pause_reason is PauseReason.CANARY
    assert picture.canary == Canary(size=5, sent=3, failed=1, unknown=1, open_=0)
    assert live.picture(owner, mailing_id).canary is None


def test_a_used_up_budget_is_told_and_going_on_is_offered_only_with_a_greater_one(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    mailing_id = fan_out_all(owner, budget_parts=4)
    whole = live.picture(owner, mailing_id).budget
    deliver(ScriptedGateway())

    spent = live.picture(owner, mailing_id)
    limits.raise_budget(owner, mailing_id, 8)
    raised = live.picture(owner, mailing_id)

    assert whole == Budget(4, 0)
    assert (spent.budget, spent.verbs, spent.may_limit) == (Budget(4, 4), (Verb.CANCEL,), True)
    assert (raised.budget, raised.verbs) == (Budget(8, 4), (Verb.CANCEL, Verb.RESUME))


def test_once_its_end_has_passed_it_is_not_offered_to_go_on(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    mailings.pause(owner, mailing_id)
    before = live.picture(owner, mailing_id)
    set_mailing(mailing_id, ends_at=clock.now())

    after = live.picture(owner, mailing_id)

    assert (before.is_over, before.verbs) == (False, (Verb.CANCEL, Verb.RESUME))
    assert (after.is_over, after.verbs) == (True, (Verb.CANCEL,))


def test_failed_messages_are_offered_to_be_resent_by_those_who_may(any_context: Flask) -> None:
    user, viewer = make_user(), make_actor(Role.VIEWER)
    add_clients(user.actor, 3)
    mailing_id = fan_out_all(user.actor)
    deliver(ScriptedGateway(saying(Verdict.REFUSED, "http_400", http_status=400)))

    offered = live.picture(user.actor, mailing_id).resendable
    looked_at = live.picture(viewer, mailing_id).resendable
    resending.resend(user.actor, mailing_id)

    assert (offered, looked_at) == (3, 0)
    assert live.picture(user.actor, mailing_id).resendable == 0


@pytest.mark.parametrize(
    "state, is_said",
    [(State.RUNNING, True), (State.PAUSED, False), (State.FINISHED, False), (State.CANCELLED, True)],
)
def test_when_something_is_due_and_no_worker_looks_it_says_so(
    any_context: Flask, state: State, is_said: bool
) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    if state is State.FINISHED:
        deliver(ScriptedGateway())
    set_mailing(mailing_id, state=state)
    swept(timedelta(seconds=40))

    picture = live.picture(owner, mailing_id)

    assert (picture.workers_gone_since is not None) is is_said


def test_while_a_worker_looks_or_nothing_is_due_nothing_is_said(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    later = schedule(owner, starts_at=clock.now() + timedelta(minutes=30))
    draft = mailings.create(owner, make_draft())
    swept(timedelta(minutes=5))
    idle = [live.picture(owner, each).workers_gone_since for each in (later, draft)]
    running = fan_out_all(owner)
    swept(timedelta(seconds=5))

    assert [*idle, live.picture(owner, running).workers_gone_since] == [None, None, None]


def test_a_start_that_nobody_made_says_so_too(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)
    swept(timedelta(minutes=5))

    assert live.picture(owner, mailing_id).workers_gone_since is not None
