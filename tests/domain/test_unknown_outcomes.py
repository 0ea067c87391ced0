"""Does a person's decision about an unknown outcome hold, once, and do the books follow?"""

import pytest
from flask import Flask

from dashboard.domain import mailings, messages, statistics, unknown_outcomes
from dashboard.domain.errors import Conflict, Forbidden, NotFound
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Verdict
from dashboard.models import Role, State, Status
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
    settle,
    state_of,
)

UNCERTAIN = saying(Verdict.UNCERTAIN, "timeout")


def left_unknown(owner: Actor, count: int = 4) -> int:
    add_clients(owner, count)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(UNCERTAIN))
    assert ledger(mailing_id) == {Status.UNKNOWN: count}
    return mailing_id


def ids_of(mailing_id: int) -> list[int]:
    return [each.id for each in messages_of(mailing_id)]


def test_all_are_accepted_at_once_and_the_books_follow(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = left_unknown(owner)

    counts = [unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT) for _ in range(2)]

    assert counts == [4, 0]
    assert ledger(mailing_id) == {Status.SENT: 4}
    assert state_of(mailing_id) is State.FINISHED
    assert [(row.status, row.reason, row.count) for row in statistics.reasons(mailing_id)] == [
        (Status.SENT, "taken_as_sent", 4)
    ]
    assert statistics.over_time(mailing_id).series.keys() == {Status.SENT}


def test_what_was_accepted_is_not_told_as_an_answer_of_the_gateway(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = left_unknown(owner, 1)

    unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT)

    story = messages.get(owner, ids_of(mailing_id)[0])
    assert (story.status, story.reason) == (Status.SENT, "taken_as_sent")
    assert [each.verdict for each in story.attempts] == [Verdict.UNCERTAIN]


def test_accepted_messages_have_left_when_they_were_called_for(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = left_unknown(owner, 1)
    settled_at = messages_of(mailing_id)[0].settled_at

    unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT)

    assert messages_of(mailing_id)[0].settled_at == settled_at


def test_one_is_resent_under_its_number_and_the_others_stay_unknown(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = left_unknown(owner)
    chosen = ids_of(mailing_id)[1]

    count = unknown_outcomes.decide(owner, mailing_id, Decision.RESEND, [chosen])
    gateway = ScriptedGateway()
    deliver(gateway)

    assert count == 1
    assert [call.message_id for call in gateway.calls] == [chosen]
    assert ledger(mailing_id) == {Status.UNKNOWN: 3, Status.SENT: 1}
    assert state_of(mailing_id) is State.FINISHED


def test_what_is_not_unknown_is_not_decided(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(saying(Verdict.REFUSED, "http_400")))

    for decision in Decision:
        assert unknown_outcomes.decide(owner, mailing_id, decision, ids_of(mailing_id)) == 0
    assert ledger(mailing_id) == {Status.FAILED: 2}


def test_of_a_cancelled_mailing_outcomes_are_accepted_but_not_resent(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), UNCERTAIN)
    mailings.cancel(owner, mailing_id)

    with pytest.raises(Conflict, match="cannot_resend"):
        unknown_outcomes.decide(owner, mailing_id, Decision.RESEND)
    accepted = unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT)

    assert accepted == 2
    assert ledger(mailing_id) == {Status.SENT: 2}
    assert state_of(mailing_id) is State.CANCELLED


@pytest.mark.parametrize("decision", list(Decision))
def test_others_and_those_who_only_look_on_decide_nothing(any_context: Flask, decision: Decision) -> None:
    owner = make_actor()
    mailing_id = left_unknown(owner, 1)

    with pytest.raises(NotFound):
        unknown_outcomes.decide(make_actor(), mailing_id, decision)
    with pytest.raises(Forbidden):
        unknown_outcomes.decide(make_actor(Role.VIEWER), mailing_id, decision)

    assert ledger(mailing_id) == {Status.UNKNOWN: 1}


def test_a_message_of_another_mailing_is_not_decided_with_it(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id, other = left_unknown(owner, 1), left_unknown(make_actor(), 1)

    count = unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT, ids_of(other))

    assert count == 0
    assert ledger(other) == {Status.UNKNOWN: 1}


def test_many_are_decided_in_short_transactions(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_outcomes.resending, "AT_ONCE", 3)
    owner = make_actor()
    mailing_id = left_unknown(owner, 8)

    accepted = unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT, ids_of(mailing_id)[:4])
    resent = unknown_outcomes.decide(owner, mailing_id, Decision.RESEND)

    assert (accepted, resent) == (4, 4)
    assert ledger(mailing_id) == {Status.SENT: 4, Status.QUEUED: 4}
