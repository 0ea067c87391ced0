"""Can programs follow each message, and do with one what a person could?"""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from dashboard import clock, models
from dashboard.database import transaction
from dashboard.domain import stop_list
from dashboard.gateway import Verdict
from dashboard.models import Role, Status
from tests.api.conftest import Program, Programs, program_in
from tests.factories_clients import make_client
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    messages_of,
    saying,
    schedule,
)


def codes(answer: TestResponse) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json["errors"]]


def walked(program: Program, path: str | None) -> list[dict[str, Any]]:
    met: list[dict[str, Any]] = []
    for _turn in range(100):
        if path is None:
            return met
        page = program.get(path).json
        met += page["items"]
        path = page["next"] and page["next"].removeprefix("/api/v1")
    raise AssertionError("the walk has no end")


@pytest.fixture
def sent(app: Flask, program: Program) -> int:
    """A mailing of three."""
    with app.app_context():
        add_clients(program.user.actor, 3)
        mailing_id = schedule(program.user.actor)
        deliver(ScriptedGateway())
    return mailing_id


@pytest.fixture
def waiting(app: Flask, program: Program) -> int:
    """A mailing of three that has started."""
    with app.app_context():
        add_clients(program.user.actor, 3)
        return fan_out_all(program.user.actor, text="Dear {{name}}")


def first_of(app: Flask, mailing_id: int) -> int:
    with app.app_context():
        return messages_of(mailing_id)[0].id


def test_a_message_tells_its_story(app: Flask, program: Program, sent: int) -> None:
    told = program.get(f"/messages/{first_of(app, sent)}").json

    assert (told["status"], told["mailing_id"], told["tries"]) == ("sent", sent, 1)
    assert [(each["verdict"], each["http_status"]) for each in told["attempts"]] == [("accepted", 200)]
    assert told["text"]


def test_a_mailings_messages_are_walked_through_by_phone(program: Program, sent: int) -> None:
    one_way = walked(program, f"/mailings/{sent}/messages?limit=1")
    another = walked(program, f"/messages?mailing_id={sent}&limit=2")

    assert one_way == another
    assert [each["phone_number"] for each in one_way] == sorted({each["phone_number"] for each in one_way})
    assert len(one_way) == 3


def test_messages_of_all_mailings_are_walked_through_from_the_newest_or_the_oldest(
    app: Flask, program: Program, sent: int
) -> None:
    with app.app_context():
        newer = fan_out_all(program.user.actor)

    everything = walked(program, "/messages?limit=2")
    oldest_first = walked(program, "/messages?limit=2&order=oldest")
    client_id = everything[0]["client_id"]
    of_client = walked(program, f"/messages?client_id={client_id}&limit=1&order=oldest")
    by_status = walked(program, "/statistics/messages?status=sent&limit=2")

    assert [each["mailing_id"] for each in everything] == [newer] * 3 + [sent] * 3
    assert [each["mailing_id"] for each in oldest_first] == [sent] * 3 + [newer] * 3
    assert [each["mailing_id"] for each in of_client] == [sent, newer]
    assert [each["mailing_id"] for each in by_status] == [sent] * 3


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=sent", 3),
        ("status=failed", 0),
        ("since=2000-01-01T00:00:00Z", 3),
        ("until=2000-01-01T00:00:00Z", 0),
    ],
)
def test_messages_are_found(program: Program, sent: int, query: str, count: int) -> None:
    assert len(walked(program, f"/mailings/{sent}/messages?{query}")) == count


def test_a_clients_messages_are_found_by_every_condition(any_app: Flask) -> None:
    program = program_in(any_app)
    with any_app.app_context():
        add_clients(program.user.actor, 3)
        sent = schedule(program.user.actor)
        deliver(ScriptedGateway())
        flying = fan_out_all(program.user.actor)
        arm(flying)
        waiting = fan_out_all(program.user.actor)
        strange = program_in(any_app)
    client = program.get("/clients").json["items"][0]
    newest_first = [waiting, flying, sent]

    found = {
        condition: [
            each["mailing_id"]
            for each in walked(program, f"/messages?client_id={client['id']}&limit=2{condition}")
        ]
        for condition in (
            "",
            *("&status=sent", "&status=sending", "&status=queued", "&status=failed", "&reason=timeout"),
            *("&since=2000-01-01T00:00:00Z", "&until=2000-01-01T00:00:00Z"),
            *(f"&operator_code={client['operator_code']}", "&operator_code=000", "&timezone=Asia/Tomsk"),
            *(f"&phone={client['phone_number'][:5]}", "&phone=74951", f"&phone={client['phone_number'][-4:]}"),
            *(f"&mailing_id={sent}", f"&mailing_id={sent}&status=sent", f"&mailing_id={sent}&status=failed"),
        )
    }

    assert found == {
        "": newest_first,
        "&status=sent": [sent],
        "&status=sending": [flying],
        "&status=queued": [waiting],
        "&status=failed": [],
        "&reason=timeout": [],
        "&since=2000-01-01T00:00:00Z": [sent],
        "&until=2000-01-01T00:00:00Z": [],
        f"&operator_code={client['operator_code']}": newest_first,
        "&operator_code=000": [],
        "&timezone=Asia/Tomsk": [],
        f"&phone={client['phone_number'][:5]}": newest_first,
        "&phone=74951": [],
        f"&phone={client['phone_number'][-4:]}": newest_first,
        f"&mailing_id={sent}": [sent],
        f"&mailing_id={sent}&status=sent": [sent],
        f"&mailing_id={sent}&status=failed": [],
    }
    assert strange.get(f"/messages?client_id={client['id']}&status=sent").status_code == 404
    assert program.get(f"/messages?client_id={client['id']}&mailing_id=999999").status_code == 404


def test_one_message_is_added_once(app: Flask, program: Program, waiting: int) -> None:
    with app.app_context():
        client_id = make_client(program.user.actor, "79051112233", name="Ада")
        listed_id = make_client(program.user.actor, "79051112244", name="Ева")
        stop_list.add(program.user.actor, "79051112244")

    made, again, listed, unknown = (
        program.post("/messages", {"mailing_id": waiting, "client_id": each})
        for each in (client_id, client_id, listed_id, 999_999)
    )

    assert (made.status_code, made.json["status"], made.json["text"]) == (201, "queued", "Dear Ада")
    assert (again.status_code, again.json["code"]) == (409, "message_exists")
    assert codes(listed) == [("client_id", "stop_list")]
    assert codes(unknown) == [("client_id", "client_unknown")]


def test_a_queued_message_gets_another_text_or_is_cancelled(app: Flask, program: Program, waiting: int) -> None:
    path = f"/messages/{first_of(app, waiting)}"

    changed = program.ask("PATCH", path, {"text": "Hi {{name}}"}).json
    put = program.ask("PUT", path, {"text": "Hello"}).json
    cancelled = [program.ask("DELETE", path).status_code for _ in range(2)]

    assert (changed["text"], changed["has_own_text"], put["text"]) == ("Hi N0", True, "Hello")
    assert cancelled == [204, 204]
    assert program.get(path).json["status"] == "cancelled"


def test_what_has_left_cannot_be_unsent(app: Flask, program: Program, sent: int) -> None:
    path = f"/messages/{first_of(app, sent)}"

    answers = [program.ask("DELETE", path), program.ask("PATCH", path, {"text": "No"})]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "message_sent")] * 2


@pytest.mark.parametrize(("decision", "status"), [("accept", "sent"), ("resend", "queued")])
def test_an_unknown_outcome_is_resolved(app: Flask, program: Program, decision: str, status: str) -> None:
    with app.app_context():
        add_clients(program.user.actor, 1)
        mailing_id = schedule(program.user.actor)
        deliver(ScriptedGateway(saying(Verdict.UNCERTAIN, "timeout")))
        with transaction() as session:
            earlier = clock.now() - timedelta(minutes=1)
            session.execute(update(models.Message).values(settled_at=earlier))
    path = f"/messages/{first_of(app, mailing_id)}"

    resolved = program.ask("PATCH", path, {"resolve": decision})
    again = program.ask("PATCH", path, {"resolve": decision})

    assert (resolved.status_code, resolved.json["status"]) == (200, status)
    assert (again.status_code, again.json["code"]) == (409, "message_not_unknown")


@pytest.mark.parametrize("body", [{}, {"text": "a", "resolve": "accept"}])
def test_one_thing_is_changed_at_a_time(app: Flask, program: Program, waiting: int, body: dict[str, str]) -> None:
    answer = program.ask("PATCH", f"/messages/{first_of(app, waiting)}", body)

    assert codes(answer) == [("text", "text_or_resolve")]


def test_whose_messages_one_sees(app: Flask, program: Program, program_of: Programs, sent: int) -> None:
    path = f"/messages/{first_of(app, sent)}"
    others = {role: program_of(role) for role in Role}

    seen = {role: other.get(path).status_code for role, other in others.items()}
    listed = {role: len(walked(other, "/messages")) for role, other in others.items()}
    changed = {role: other.ask("DELETE", path).status_code for role, other in others.items()}

    assert seen == {Role.ADMINISTRATOR: 200, Role.OPERATOR: 404, Role.VIEWER: 200}
    assert listed == {Role.ADMINISTRATOR: 3, Role.OPERATOR: 0, Role.VIEWER: 3}
    assert changed == {Role.ADMINISTRATOR: 409, Role.OPERATOR: 404, Role.VIEWER: 403}


def test_every_status_can_be_asked_for(program: Program, sent: int) -> None:
    found = {status: len(walked(program, f"/statistics/messages?status={status}")) for status in Status}

    assert found == dict.fromkeys(Status, 0) | {Status.SENT: 3}
