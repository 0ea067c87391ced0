"""Does what five other APIs show work here, said as docs/api.md says it?"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.api import signed_tokens
from dashboard.domain import fan_out, mailings, sample_clients, starting, token_families, users
from dashboard.domain.permissions import Actor
from dashboard.domain.users import NewUser
from dashboard.gateway import Verdict
from dashboard.models import Role
from tests.api.conftest import Program, Programs
from tests.api.examples import EXAMPLES
from tests.api.examples.example import Example
from tests.factories_clients import make_client
from tests.support.api_document import Mapping, mapping
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    deliver,
    fan_out_all,
    make_draft,
    messages_of,
    saying,
    schedule,
    set_mailing,
)

DOCUMENTS = tuple(dict.fromkeys(example.document for example in EXAMPLES))
# Every address there that only reads answers these, too.
ALSO = ("HEAD", "OPTIONS")


def running(owner: Actor) -> int:
    add_clients(owner, 3)
    return fan_out_all(owner)


def delivered(owner: Actor, verdict: Verdict = Verdict.ACCEPTED, reason: str = "ok") -> int:
    add_clients(owner, 3)
    mailing_id = schedule(owner)
    deliver(ScriptedGateway(saying(verdict, reason, http_status=200)))
    return mailing_id


def expired(owner: Actor) -> int:
    add_clients(owner, 3)
    mailing_id, now = schedule(owner), clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(hours=1))
    starting.start_due()
    while fan_out.one_range():
        pass
    return mailing_id


def person(_owner: Actor) -> int:
    new = NewUser("your_username", "you@example.com", "your_password", Role.OPERATOR, "ru", "Europe/Moscow")
    return users.create(new)


def pair(owner: Actor) -> signed_tokens.Pair:
    return signed_tokens.pair(token_families.begin(owner.id))


# What an example needs to be there: its number, or a token.
THINGS: dict[str, Callable[[Actor], int | str]] = {
    "client": lambda owner: make_client(owner, "79051112233", "vip"),
    "mailer client": lambda owner: make_client(
        owner, "70000000000", "new_client", timezone="GMT+3", operator_code="913"
    ),
    "draft": lambda owner: mailings.create(owner, make_draft()),
    "due": schedule,
    "running": running,
    "queued": lambda owner: messages_of(running(owner))[0].id,
    "mailing": delivered,
    "message": lambda owner: messages_of(delivered(owner))[0].id,
    "failed": lambda owner: delivered(owner, Verdict.REFUSED, "http_400"),
    "expired": expired,
    "sample": lambda owner: sample_clients.add(owner, 30),
    "person": person,
    "access": lambda owner: pair(owner).access,
    "refresh": lambda owner: pair(owner).refresh,
}


def request_of(example: Example, told: Mapping, there: Callable[[str], int | str]) -> tuple[str, str, Any]:
    """Method, path and body, in our words."""
    method, path = told.addresses[example.theirs].split(" ")
    if example.of:
        path = path.replace("{id}", str(there(example.of)))
    if example.body is None and not example.adding:
        return method, path, None
    body = told.translated(example.body or {}) | example.adding
    named = {name: re.fullmatch(r"\{(\w+)\}", value) for name, value in body.items() if isinstance(value, str)}
    return method, path, body | {name: there(found[1]) for name, found in named.items() if found}


def shows(answer: Any, promised: Any) -> bool:
    """A type stands for any value of it; an object may say more than was promised."""
    if isinstance(promised, type):
        return isinstance(answer, promised)
    if isinstance(promised, dict):
        return all(name in answer and shows(answer[name], value) for name, value in promised.items())
    if isinstance(promised, list):
        return len(answer) == len(promised) and all(map(shows, answer, promised))
    return bool(answer == promised)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_gives_what_its_document_promises(app: Flask, program_of: Programs, example: Example) -> None:
    program = program_of(example.by)

    def there(thing: str) -> int | str:
        with app.app_context():
            return THINGS[thing](program.user.actor)

    method, path, body = request_of(example, mapping(example.document), there)

    answer = program.ask(method, path, body)

    assert answer.status_code == example.gives, answer.text
    faults = (answer.json or {}).get("errors", []) if example.gives >= 400 else []
    assert sorted((each["field"], each["code"]) for each in faults) == sorted(example.faults)
    assert example.answer is None or shows(answer.json, example.answer), answer.text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_address_of_a_document_has_an_example(document: str) -> None:
    shown = {example.theirs for example in EXAMPLES if example.document == document}

    named = {theirs for theirs in mapping(document).addresses if theirs.split(" ")[0] not in ALSO}

    assert shown == named


@pytest.mark.parametrize("document", DOCUMENTS)
def test_an_address_that_reads_answers_head_and_options(program: Program, document: str) -> None:
    ours = [each.split(" ") for each in mapping(document).addresses.values()]

    answers = {
        (method, path): program.ask(method, path.replace("{id}", "1")).status_code
        for method, path in ours
        if method in ALSO
    }

    assert {status for (method, _path), status in answers.items() if method == "OPTIONS"} <= {200}
    assert {status for (method, _path), status in answers.items() if method == "HEAD"} <= {200, 404}


def test_nothing_but_signing_in_is_open(client: FlaskClient) -> None:
    """Without a token, as all five have it."""
    closed = {
        each.split("?")[0]
        for document in DOCUMENTS
        for each in mapping(document).addresses.values()
        if not re.search(r" /$| /token| /docs/| /redoc/| /users/register", each)
    }

    answers = {
        each: client.open("/api/v1" + each.split(" ")[1].replace("{id}", "1"), method=each.split(" ")[0])
        for each in closed
        if not each.startswith("OPTIONS")
    }

    assert len(answers) > 20
    assert {each: answer.status_code for each, answer in answers.items()} == dict.fromkeys(answers, 401)


def test_people_see_their_own_and_administrators_everything(
    app: Flask, program: Program, program_of: Programs
) -> None:
    with app.app_context():
        make_client(program.user.actor, "79051112233")

    seen = {
        role: len(program_of(role).get("/clients").json["items"]) for role in (Role.ADMINISTRATOR, Role.OPERATOR)
    }

    assert seen == {Role.ADMINISTRATOR: 1, Role.OPERATOR: 0}


def test_a_mailing_whose_start_has_passed_starts_at_once(app: Flask, program: Program) -> None:
    now = clock.now()
    with app.app_context():
        add_clients(program.user.actor, 3)
    body = {"title": "Now", "text": "Hello", "filter": {"tags": ["vip"]}, "launch": True}
    span = {"start_at": (now - timedelta(days=1)).isoformat(), "end_at": (now + timedelta(hours=1)).isoformat()}
    mailing = program.post("/mailings", body | span).json

    with app.app_context():
        started = starting.start_due()

    assert started == [mailing["id"]]
    assert program.get(f"/mailings/{mailing['id']}").json["state"] == "running"
