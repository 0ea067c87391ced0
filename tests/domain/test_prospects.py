"""Does the preview of one message more say what making it would say, and change nothing?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock, models
from dashboard.database import transaction
from dashboard.domain import mailings, prospects, single_messages, stop_list, waiting
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.domain.waiting import Cause
from dashboard.gateway import Verdict
from dashboard.models import Role, State, Status
from tests.factories import make_actor
from tests.factories_clients import make_client
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    schedule,
    set_mailing,
)

PHONE = "79051112233"


def running(owner: Actor, **changes: object) -> int:
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner, text="Dear {{name}}", **changes)
    make_client(owner, PHONE, name="Ада")
    return mailing_id


@pytest.mark.parametrize("typed", [PHONE, "8 (905) 111-22-33", "+7 905 111 22 33", "9051112233"])
def test_a_client_is_found_by_a_phone_in_any_notation(any_context: Flask, typed: str) -> None:
    owner = make_actor()
    mailing_id = running(owner)

    found = prospects.of(owner, mailing_id, typed)

    assert (found.phone, found.text, found.parts, found.opens_at) == (PHONE, "Dear Ада", 1, None)
    assert ledger(mailing_id) == {Status.QUEUED: 1}


def test_what_making_it_would_refuse_the_preview_refuses_alike(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id, over = running(owner), schedule(owner)
    set_mailing(
        over, state=State.FINISHED, starts_at=clock.now() - timedelta(2), ends_at=clock.now() - timedelta(1)
    )
    nameless = make_client(owner, "79051112244")
    make_client(make_actor(), "79051112255")
    stop_list.add(owner, "79000000000")

    def refusal(mailing: int, phone: str) -> str:
        with pytest.raises((Conflict, Invalid)) as refused:
            prospects.of(owner, mailing, phone)
        error = refused.value
        return error.code if isinstance(error, Conflict) else error.problems[0].code

    assert nameless
    assert refusal(mailing_id, "79051112244") == "missing_value"
    assert refusal(mailing_id, "79051112255") == "client_unknown"
    assert refusal(mailing_id, "12") == "phone_invalid"
    assert refusal(mailing_id, "79000000000") == "stop_list"
    assert refusal(over, PHONE) == "mailing_over"
    single_messages.create(owner, mailing_id, prospects.of(owner, mailing_id, PHONE).client_id)
    assert refusal(mailing_id, PHONE) == "message_exists"


def test_a_used_up_budget_is_told_before_and_after_the_first_arming(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, budget_parts=1)

    before = prospects.of(owner, mailing_id, PHONE)
    deliver(ScriptedGateway())

    assert before.parts == 1
    with pytest.raises(Conflict, match="budget_used_up"):
        prospects.of(owner, mailing_id, PHONE)


def test_others_learn_nothing(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    message_id = messages_of(mailing_id)[0].id

    with pytest.raises(NotFound):
        prospects.of(make_actor(), mailing_id, PHONE)
    with pytest.raises(NotFound):
        prospects.present_text(make_actor(), message_id)
    with pytest.raises(Forbidden):
        prospects.of(make_actor(Role.VIEWER), mailing_id, PHONE)
    assert prospects.open_mailings(make_actor()) == []


def test_offered_are_the_mailings_that_take_one(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id, paused, cancelled = fan_out_all(owner), fan_out_all(owner), fan_out_all(owner)
    mailings.pause(owner, paused)
    mailings.cancel(owner, cancelled)
    over = fan_out_all(owner)
    set_mailing(over, starts_at=clock.now() - timedelta(2), ends_at=clock.now() - timedelta(1))
    tomorrow = clock.now() + timedelta(1)
    schedule(owner, starts_at=tomorrow, ends_at=tomorrow + timedelta(1))

    assert [each.id for each in prospects.open_mailings(owner)] == [paused, mailing_id]
    assert prospects.open_mailings(make_actor(Role.ADMINISTRATOR), owner_id=0) == []


def test_a_text_is_shown_with_its_parts_as_it_would_be_written(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    message_id = messages_of(mailing_id)[0].id

    own = prospects.own_text(owner, message_id, "Hi {{name}} " + "ж" * 70)
    single_messages.change_text(owner, message_id, "Hi {{name}}")

    assert (own.text, own.parts, own.values) == ("Hi N0 " + "ж" * 70, 2, {"name": "N0"})
    assert prospects.present_text(owner, message_id).text == "Hi N0"


def test_what_waits_for_another_try_says_when(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(saying(Verdict.NOT_ACCEPTED, "http_503", http_status=503)))
    message_id, later = messages_of(mailing_id)[0].id, clock.now() + timedelta(hours=1)
    with transaction() as session:
        session.execute(update(models.Message).values(send_after=later))

    found = waiting.reason(message_id)

    assert found == waiting.Waiting(Cause.ANOTHER_TRY, later)
