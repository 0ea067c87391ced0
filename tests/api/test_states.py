"""May a thing be changed in exactly those states that docs/api.md names, and is anything else told as it says?"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from dashboard import clock
from dashboard.domain import fan_out, mailings, starting, stop_list
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import State, Status
from tests.api.conftest import Program
from tests.factories_clients import make_client
from tests.support.api_document import section
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    make_draft,
    messages_of,
    saying,
    schedule,
    set_mailing,
    set_messages,
)

ADDED = "79995550011"
CHANGES: dict[str, Any] = {"title": "Summer sale"}


def cells(number: int) -> Iterator[tuple[str, str, str]]:
    """Row, column and what stands there, of one of the section's tables."""
    head, *rows = section("What may be done in which state").tables[number]
    for row in rows:
        for column, cell in zip(head[1:], row[1:], strict=True):
            yield row[0].replace("`", ""), column, cell.strip("`")


def drafted(owner: Actor) -> int:
    return mailings.create(owner, make_draft())


def scheduled(owner: Actor) -> int:
    tomorrow = clock.now() + timedelta(days=1)
    return schedule(owner, starts_at=tomorrow, ends_at=tomorrow + timedelta(days=1))


def paused(owner: Actor) -> int:
    mailing_id = fan_out_all(owner)
    mailings.pause(owner, mailing_id)
    return mailing_id


def cancelled(owner: Actor) -> int:
    mailing_id = scheduled(owner)
    mailings.cancel(owner, mailing_id)
    return mailing_id


def finished(owner: Actor, verdict: Verdict = Verdict.REFUSED, reason: str = "http_400") -> int:
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(saying(verdict, reason, http_status=400)))
    return mailing_id


MAILINGS: dict[State, Callable[[Actor], int]] = {
    State.DRAFT: drafted,
    State.SCHEDULED: scheduled,
    State.RUNNING: fan_out_all,
    State.PAUSED: paused,
    State.FINISHED: finished,
    State.CANCELLED: cancelled,
}


def ask(program: Program, verb: str, mailing_id: int, client_id: int) -> Any:
    path = f"/mailings/{mailing_id}"
    if verb == "POST /messages":
        return program.post("/messages", {"mailing_id": mailing_id, "client_id": client_id})
    if verb == "resend":
        return program.post(f"{path}/resend", {})
    if verb.isupper():
        draft = program.get(path).json
        whole = {name: draft[name] for name in ("text", "start_at", "end_at", "filter")} | CHANGES
        return program.ask(verb, path, {"PUT": whole, "PATCH": CHANGES}.get(verb))
    return program.post(f"{path}/{verb}")


@pytest.mark.parametrize("state", State)
def test_a_mailing_may_be_told_what_its_state_allows(app: Flask, program: Program, state: State) -> None:
    said = {verb: cell for verbs, column, cell in cells(0) if column == state for verb in verbs.split(", ")}
    answers = {}
    with app.app_context():
        add_clients(program.user.actor, 2)
        offered = program.get(f"/mailings/{MAILINGS[state](program.user.actor)}").json["actions"]

    for verb in said:
        with app.app_context():
            mailing_id = MAILINGS[state](program.user.actor)
            assert mailings.get(program.user.actor, mailing_id).state is state
            client_id = make_client(program.user.actor, f"7999555{len(answers):04}")
        answer = ask(program, verb, mailing_id, client_id)
        answers[verb] = "yes" if answer.status_code < 300 else f"{answer.status_code} {answer.json['code']}"

    assert len(said) > 5
    assert answers == {verb: cell if cell == "yes" else f"409 {cell}" for verb, cell in said.items()}
    assert offered == sorted(verb for verb, cell in said.items() if cell == "yes" and verb.islower())


def being_sent(owner: Actor) -> int:
    mailing_id = fan_out_all(owner)
    arm(mailing_id)
    return mailing_id


def too_late(owner: Actor) -> int:
    """Its end has passed before it could start."""
    mailing_id = schedule(owner)
    now = clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(hours=1))
    starting.start_due()
    while fan_out.one_range():
        pass
    return mailing_id


def to_the_listed(owner: Actor) -> int:
    stop_list.add(owner, "79000000000")
    return fan_out_all(owner)


def cancelled_on_its_way(owner: Actor) -> int:
    mailing_id = fan_out_all(owner)
    mailings.cancel(owner, mailing_id)
    deliver(ScriptedGateway())
    return mailing_id


def unknown(owner: Actor) -> int:
    mailing_id = finished(owner, Verdict.UNCERTAIN, "timeout")
    set_messages(mailing_id, settled_at=clock.now() - timedelta(minutes=1))
    return mailing_id


MESSAGES: dict[Status, Callable[[Actor], int]] = {
    Status.QUEUED: fan_out_all,
    Status.SENDING: being_sent,
    Status.SENT: lambda owner: finished(owner, Verdict.ACCEPTED, "ok"),
    Status.FAILED: finished,
    Status.EXPIRED: too_late,
    Status.SKIPPED: to_the_listed,
    Status.CANCELLED: cancelled_on_its_way,
    Status.UNKNOWN: unknown,
}


@pytest.mark.parametrize("status", Status)
def test_a_message_may_be_told_what_its_status_allows(app: Flask, program: Program, status: Status) -> None:
    said = {verb: cell for verb, column, cell in cells(1) if column == status}
    with app.app_context():
        add_clients(program.user.actor, 1)
        mailing_id = MESSAGES[status](program.user.actor)
        path = f"/messages/{messages_of(mailing_id)[0].id}"
    assert program.get(path).json["status"] == status
    bodies = {"text": {"text": "Another text"}, "resolve": {"resolve": "accept"}}

    answers = {}
    for verb in sorted(said, key=lambda verb: said[verb] == "yes"):  # what changes it comes last
        answer = program.ask("PATCH" if verb in bodies else verb, path, bodies.get(verb))
        answers[verb] = "yes" if answer.status_code < 300 else f"{answer.status_code} {answer.json['code']}"

    assert list(said) == ["text", "resolve", "DELETE"]
    assert answers == {verb: cell if cell == "yes" else f"409 {cell}" for verb, cell in said.items()}
