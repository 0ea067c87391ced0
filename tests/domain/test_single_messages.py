"""May one message more be sent, changed or taken back, and never once it has left the house?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import clients, mailings, single_messages, statistics, stop_list, sweep
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Chunk, Client, Lane, Mailing, PauseReason, Role, State, Status
from tests.factories import make_actor
from tests.factories_clients import make_client
from tests.support.engine import (
    HOLD,
    ScriptedGateway,
    accepted,
    add_clients,
    arm,
    count_rows,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    set_mailing,
    settle,
    state_of,
)

PHONE = "79995554433"
BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0)


def running(owner: Actor, count: int = 2, **changes: object) -> int:
    add_clients(owner, count)
    return fan_out_all(owner, **changes)


def problems(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refused.value.problems]


def first_of(mailing_id: int) -> int:
    return messages_of(mailing_id)[0].id


def test_one_message_more_goes_to_one_client_and_is_counted(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, text="Dear {{name}}")
    client_id = make_client(owner, PHONE, name="Ann")

    message_id = single_messages.create(owner, mailing_id, client_id)
    waiting = ledger(mailing_id)
    gateway = ScriptedGateway()
    deliver(gateway)

    texts = {call.message_id: (call.phone, call.text) for call in gateway.calls}
    assert waiting == {Status.QUEUED: 3}
    assert texts[message_id] == (PHONE, "Dear Ann")
    assert ledger(mailing_id) == {Status.SENT: 3}


def test_a_finished_mailing_whose_end_lies_ahead_runs_again(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    deliver(ScriptedGateway())
    finished = state_of(mailing_id)

    single_messages.create(owner, mailing_id, make_client(owner, PHONE, timezone="Asia/Omsk"))
    reopened = state_of(mailing_id)
    deliver(ScriptedGateway())

    assert (finished, reopened, state_of(mailing_id)) == (State.FINISHED, State.RUNNING, State.FINISHED)
    assert ledger(mailing_id) == {Status.SENT: 3}


def test_after_its_end_nothing_is_added(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    deliver(ScriptedGateway())
    now = clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(seconds=1))

    with pytest.raises(Conflict, match="mailing_over"):
        single_messages.create(owner, mailing_id, make_client(owner, PHONE))

    assert state_of(mailing_id) is State.FINISHED


@pytest.mark.parametrize(
    "state, code",
    [
        (State.DRAFT, "mailing_not_started"),
        (State.SCHEDULED, "mailing_not_started"),
        (State.CANCELLED, "mailing_cancelled"),
    ],
)
def test_nothing_is_added_to_what_does_not_run(app_context: Flask, state: State, code: str) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    set_mailing(mailing_id, state=state)

    with pytest.raises(Conflict, match=code):
        single_messages.create(owner, mailing_id, make_client(owner, PHONE))


def test_a_client_or_a_phone_has_one_message_and_never_two(any_context: Flask) -> None:
    owner = make_actor()
    (client_id, renumbered) = add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    with transaction() as session:
        session.execute(update(Client).where(Client.id == renumbered).values(phone=PHONE))
    same_phone = make_client(owner, messages_of(mailing_id)[1].phone)

    for addressee in (client_id, same_phone):
        with pytest.raises(Conflict, match="message_exists"):
            single_messages.create(owner, mailing_id, addressee)

    assert ledger(mailing_id) == {Status.QUEUED: 2}


def test_who_cannot_be_messaged_is_refused_with_the_reason(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, text="Dear {{name}}")
    listed, nameless = make_client(owner, PHONE, name="Ann"), make_client(owner, "79995554434", name="")
    stop_list.add(owner, PHONE)
    others = make_client(make_actor(), "79995554435", name="Bob")
    deleted = make_client(owner, "79995554436", name="Eve")
    clients.delete(owner, deleted)

    for client_id, code in (
        (listed, "stop_list"),
        (nameless, "missing_value"),
        (others, "client_unknown"),
        (deleted, "client_unknown"),
        (10**9, "client_unknown"),
    ):
        with pytest.raises(Invalid) as refused:
            single_messages.create(owner, mailing_id, client_id)
        assert problems(refused) == [("client_id", code)]

    assert ledger(mailing_id) == {Status.QUEUED: 2}


def test_a_zone_without_a_window_before_the_end_is_refused(any_context: Flask) -> None:
    owner = make_actor()
    opens = (clock.now() + timedelta(hours=3 - 1)).replace(second=0, microsecond=0)
    closes = opens + timedelta(hours=2, minutes=30)
    mailing_id = running(owner, window_from=opens.time(), window_to=closes.time())
    far_away = make_client(owner, PHONE, timezone="UTC-09:00")

    with pytest.raises(Invalid) as refused:
        single_messages.create(owner, mailing_id, far_away)

    assert problems(refused) == [("client_id", "no_window_left")]
    assert db.session.get(Lane, (mailing_id, "UTC-09:00")) is None


def test_a_single_message_counts_against_the_budget(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, count=2, budget_parts=2)

    single_messages.create(owner, mailing_id, make_client(owner, PHONE))
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 2, Status.QUEUED: 1}
    db.session.rollback()
    assert db.session.get_one(Mailing, mailing_id).pause_reason is PauseReason.BUDGET
    with pytest.raises(Conflict, match="budget_used_up"):
        single_messages.create(owner, mailing_id, make_client(owner, "79995554434"))
    assert ledger(mailing_id) == {Status.SENT: 2, Status.QUEUED: 1}


@pytest.mark.parametrize("waits_in_its_place", [True, False])
def test_a_waiting_message_gets_a_text_of_its_own(any_context: Flask, waits_in_its_place: bool) -> None:
    owner = make_actor()
    mailing_id = running(owner, text="Dear {{name}}")
    if not waits_in_its_place:
        settle(arm(mailing_id), BUSY)
    changed = first_of(mailing_id)

    single_messages.change_text(owner, changed, " {{name}}, come today ")
    gateway = ScriptedGateway()
    set_due(mailing_id)
    deliver(gateway)

    assert [call.text for call in gateway.calls if call.message_id == changed] == ["N0, come today"]
    assert len([call for call in gateway.calls if call.text.startswith("Dear")]) == 1


def set_due(mailing_id: int) -> None:
    """What waits for another try need not wait any longer."""
    with transaction() as session:
        for message in messages_of(mailing_id):
            if message.send_after is not None:
                session.merge(message).send_after = clock.now() - timedelta(seconds=1)


@pytest.mark.parametrize(
    "text, code",
    [(" ", "text_empty"), ("a {{b", "placeholder_invalid"), ("{{city}}", "placeholder_without_value")],
)
def test_a_text_that_cannot_be_sent_is_refused(any_context: Flask, text: str, code: str) -> None:
    owner = make_actor()
    mailing_id = running(owner, text="Dear {{name}}")

    with pytest.raises(Invalid) as refused:
        single_messages.change_text(owner, first_of(mailing_id), text)

    assert problems(refused) == [("text", code)]
    assert messages_of(mailing_id)[0].text is None


def test_a_dearer_text_of_a_message_already_charged_is_charged_too(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, count=2, budget_parts=3)
    settle(arm(mailing_id), BUSY)
    long = "x" * 161

    single_messages.change_text(owner, first_of(mailing_id), long)
    with pytest.raises(Conflict, match="budget_used_up"):
        single_messages.change_text(owner, messages_of(mailing_id)[1].id, long)

    assert [each.text for each in messages_of(mailing_id)] == [long, None]


@pytest.mark.parametrize("waits_in_its_place", [True, False])
def test_a_message_that_is_taken_back_never_leaves(any_context: Flask, waits_in_its_place: bool) -> None:
    owner = make_actor()
    mailing_id = running(owner, count=3)
    if not waits_in_its_place:
        settle(arm(mailing_id), BUSY)
        set_due(mailing_id)
    taken_back = messages_of(mailing_id)[1].id

    single_messages.cancel(owner, taken_back)
    single_messages.cancel(owner, taken_back)
    gateway = ScriptedGateway()
    deliver(gateway)

    assert taken_back not in {call.message_id for call in gateway.calls}
    assert ledger(mailing_id) == {Status.SENT: 2, Status.CANCELLED: 1}
    assert [(row.status, row.reason) for row in statistics.reasons(mailing_id)] == [(Status.CANCELLED, "operator")]
    assert state_of(mailing_id) is State.FINISHED


def test_a_row_of_taken_back_messages_does_not_hold_up_those_behind(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, count=6)
    for message in messages_of(mailing_id)[:4]:
        single_messages.cancel(owner, message.id)

    armed = [each for _ in range(3) for each in arm(mailing_id, 2)]

    assert [each.id for each in armed] == [each.id for each in messages_of(mailing_id)[4:]]


def test_a_mailing_all_of_whose_messages_were_taken_back_is_finished(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner, count=3)
    for message in messages_of(mailing_id):
        single_messages.cancel(owner, message.id)

    deliver(ScriptedGateway())

    assert count_rows(Chunk, mailing_id) == 0
    assert state_of(mailing_id) is State.FINISHED
    assert ledger(mailing_id) == {Status.CANCELLED: 3}


def change(actor: Actor, message_id: int) -> None:
    single_messages.change_text(actor, message_id, "Other")


PRESSES = pytest.mark.parametrize("press", [change, single_messages.cancel])
Press = Callable[[Actor, int], None]


@PRESSES
@pytest.mark.parametrize("is_another_try", [False, True])
def test_what_is_on_its_way_cannot_be_called_back(any_context: Flask, press: Press, is_another_try: bool) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    if is_another_try:
        settle(arm(mailing_id), BUSY)
        set_due(mailing_id)
    armed = arm(mailing_id)

    for each in armed:
        with pytest.raises(Conflict, match="message_being_sent"):
            press(owner, each.id)

    settle(armed)
    assert ledger(mailing_id) == {Status.SENT: 2}


@PRESSES
@pytest.mark.parametrize(
    "script, code",
    [
        (accepted, "message_sent"),
        (saying(Verdict.UNCERTAIN, "timeout"), "message_may_be_sent"),
        (saying(Verdict.REFUSED, "http_400"), "message_settled"),
    ],
)
def test_what_was_settled_cannot_be_called_back(
    any_context: Flask, press: Press, script: Callable[[Call], Answer], code: str
) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    settle(arm(mailing_id), script)
    before = ledger(mailing_id)

    with pytest.raises(Conflict, match=code):
        press(owner, first_of(mailing_id))

    assert ledger(mailing_id) == before


@PRESSES
def test_others_and_those_who_only_look_on_touch_no_message(any_context: Flask, press: Press) -> None:
    mailing_id = running(make_actor())

    with pytest.raises(NotFound):
        press(make_actor(), first_of(mailing_id))
    with pytest.raises(Forbidden):
        press(make_actor(Role.VIEWER), first_of(mailing_id))
    with pytest.raises(NotFound):
        press(make_actor(), 10**9)

    assert ledger(mailing_id) == {Status.QUEUED: 2}


def test_others_and_those_who_only_look_on_create_no_message(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    client_id = make_client(owner, PHONE)

    with pytest.raises(NotFound):
        single_messages.create(make_actor(), mailing_id, client_id)
    with pytest.raises(Forbidden):
        single_messages.create(make_actor(Role.VIEWER), mailing_id, client_id)

    assert ledger(mailing_id) == {Status.QUEUED: 2}


def test_a_single_message_keeps_its_mailing_from_being_finished(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    deliver(ScriptedGateway())

    single_messages.create(owner, mailing_id, make_client(owner, PHONE))

    assert sweep.finish() == []
    assert len(arm(mailing_id, policy=HOLD)) == 1


def test_in_a_paused_mailing_a_single_message_waits_with_the_others(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = running(owner)
    mailings.pause(owner, mailing_id)

    single_messages.create(owner, mailing_id, make_client(owner, PHONE))

    assert state_of(mailing_id) is State.PAUSED
    assert arm(mailing_id) == []
    assert ledger(mailing_id) == {Status.QUEUED: 3}
