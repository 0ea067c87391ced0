"""Does anything break of what fits no column, no calendar and no stack? It is refused, or is nobody's."""

import base64
import json
from typing import Any

import pytest
from flask import Flask

from dashboard.models import Role
from tests.api.conftest import Program, program_in
from tests.support.engine import ScriptedGateway, add_clients, deliver, schedule

TOO_GREAT = 3_000_000_000
FAR_TOO_GREAT = 10**20
EDGES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
SALE = {
    "title": "Sale",
    "text": "Hello",
    "start_at": "2030-03-01T10:00:00Z",
    "end_at": "2030-03-02T10:00:00Z",
}
UNREADABLE = {
    "deeper than the stack": "[" * 5_000,
    "deep in a field": '{"username": ' + "[" * 5_000,
    "more digits than Python reads": '{"token": ' + "1" * 5_000 + "}",
    "no UTF-8": b'{"token": "\xff"}',
    "cut off": '{"token',
}

LISTS = (
    "/audit",
    "/clients",
    "/clients?order=phone",
    "/imports",
    "/mailings",
    "/mailings/1/messages",
    "/messages",
    "/messages?client_id=1",
    "/messages?mailing_id=1",
    "/statistics",
    "/statistics/messages?status=sent",
    "/stop-list",
    "/users",
)
PHONE = "79991234567"
MADE_UP: tuple[tuple[Any, ...], ...] = (
    (10**22,),
    (float("inf"),),
    (True,),
    (10**22, PHONE),
    (1, "\0"),
    (EDGES[1], PHONE),
)


@pytest.fixture
def chief(any_app: Flask) -> Program:
    """An administrator's program, with three clients and a mailing that has been sent to them."""
    program = program_in(any_app, Role.ADMINISTRATOR)
    with any_app.app_context():
        add_clients(program.user.actor, 3)
        schedule(program.user.actor)
        deliver(ScriptedGateway())
    return program


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_what_cannot_be_read_is_told_so_whoever_sends_it(app: Flask, program: Program) -> None:
    client, said = app.test_client(), {"Authorization": f"Token {program.token}"}

    answers = {
        (path, what): client.post(f"/api/v1{path}", data=text, headers=said, content_type="application/json")
        for path in ("/token", "/token/verify", "/clients")
        for what, text in UNREADABLE.items()
    }

    told = {asked: (answer.status_code, answer.json["code"]) for asked, answer in answers.items()}
    assert told == dict.fromkeys(answers, (400, "bad_request"))


def test_a_field_that_nothing_can_encode_is_told_as_an_unknown_one(program: Program) -> None:
    answer = program.client.post(
        "/api/v1/clients",
        data='{"phone_number": "79991234567", "\\ud800": 1}',
        headers={"Authorization": f"Token {program.token}"},
        content_type="application/json",
    )

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "field_unknown")


def test_a_number_that_fits_no_column_is_nobodys(chief: Program) -> None:
    lists = ("/messages?mailing_id={}", "/messages?client_id={}", "/tokens?user_id={}")
    drafts = [
        SALE | {"filter": {"tags": ["a"], "exclude": {"mailing_id": each}}} for each in (TOO_GREAT, FAR_TOO_GREAT)
    ]

    asked = {
        path.format(each): chief.get(path.format(each)).status_code
        for path in lists
        for each in (TOO_GREAT, FAR_TOO_GREAT, -1)
    }
    audited = [chief.get(f"/audit?{name}={FAR_TOO_GREAT}").json["items"] for name in ("actor_id", "object_id")]
    refused = [chief.post("/mailings", draft) for draft in drafts]
    previewed = [chief.post("/mailings/preview", draft) for draft in drafts]

    assert set(asked.values()) == {404}, asked
    assert audited == [[], []]
    assert [answer.json["errors"][0]["code"] for answer in refused] == ["excluded_mailing_unknown"] * 2
    assert {answer.status_code for answer in previewed} == {200}


def test_a_cursor_that_no_list_has_given_breaks_none(chief: Program) -> None:
    asked = [(path, cursor(*values)) for path in LISTS for values in MADE_UP]

    answers = {
        (path, said): chief.get(f"{path}{'&' if '?' in path else '?'}cursor={said}") for path, said in asked
    }

    assert {answer.status_code for answer in answers.values()} <= {200, 422}
    assert {answers[path, cursor(10**22)].json["code"] for path in LISTS} == {"cursor_invalid"}


def test_a_moment_at_the_edge_of_the_calendar_is_none(chief: Program) -> None:
    new = {"phone_number": "79991230000"}
    for edge in EDGES:
        written = edge.replace("+", "%2B")
        asked = [
            chief.post("/clients", new | {"consent_at": edge}),
            chief.get(f"/audit?since={written}"),
            chief.get(f"/mailings/1/messages?since={written}"),
            chief.get(f"/messages?until={written}"),
            chief.post("/mailings/1/resend", {"end_at": edge}),
        ]
        batch = chief.post("/clients/bulk", {"clients": [new | {"consent_at": edge}]})
        previews = [
            chief.post("/mailings/preview", SALE | {"everybody": True, name: edge})
            for name in ("start_at", "end_at")
        ]

        assert {(answer.status_code, answer.json["errors"][0]["code"]) for answer in asked} == {
            (422, "not_a_moment")
        }
        assert batch.json["results"][0]["errors"][0]["code"] == "not_a_moment"
        assert {(answer.status_code, answer.json["errors"][0]["code"]) for answer in previews} == {
            (422, "not_a_moment")
        }
