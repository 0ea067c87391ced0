"""Is nothing sent again that a program has, and nothing changed that is no longer what it has read?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard.api import answers
from dashboard.gateway import Verdict
from dashboard.models import Role
from tests.api.conftest import Program, Programs, program_in
from tests.factories_clients import make_client
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, saying, schedule
from tests.support.webhooks import add_endpoint

SALE = {
    "title": "Spring sale",
    "text": "Everything is cheaper.",
    "start_at": "2030-03-01T10:00:00+03:00",
    "end_at": "2030-03-02T20:00:00+03:00",
    "everybody": True,
}
# So long the first of two waits for the second, which the database keeps waiting itself.
SECONDS_TO_MEET = 0.3


def a_client(app: Flask, program: Program) -> str:
    with app.app_context():
        return f"/clients/{make_client(program.user.actor)}"


def a_draft(app: Flask, program: Program) -> str:
    return f"/mailings/{program.post('/mailings', SALE).json['id']}"


def a_running_mailing(app: Flask, program: Program) -> str:
    with app.app_context():
        add_clients(program.user.actor, 1)
        return f"/mailings/{fan_out_all(program.user.actor)}"


def a_failed_mailing(app: Flask, program: Program) -> str:
    with app.app_context():
        add_clients(program.user.actor, 1)
        mailing_id = schedule(program.user.actor)
        deliver(ScriptedGateway(saying(Verdict.REFUSED, "http_400", http_status=400)))
    return f"/mailings/{mailing_id}"


def an_import(app: Flask, program: Program) -> str:
    made = program.post("/imports", (b"phone;name\n79991234567;Anna\n", "clients.csv"))
    return f"/imports/{made.json['id']}"


def a_webhook(app: Flask, program: Program) -> str:
    with app.app_context():
        return f"/webhooks/{add_endpoint(program.user.actor)[0]}"


def a_waiting_message(app: Flask, program: Program) -> str:
    return f"/messages/{program.get(f'{a_running_mailing(app, program)}/messages').json['items'][0]['id']}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/clients",
        "/clients?limit=1&order=phone",
        "/mailings",
        "/imports",
        "/messages",
        "/tokens",
        "/stop-list",
        "/statistics",
        "/statistics/days",
        "/statistics/messages?status=queued",
        "{mailing}",
        "{mailing}/messages",
        "{mailing}/statistics",
    ],
)
def test_what_a_program_has_read_is_not_sent_again(app: Flask, program_of: Programs, path: str) -> None:
    program = program_of(Role.ADMINISTRATOR)
    path = path.format(mailing=a_running_mailing(app, program))
    first = program.get(path)

    again = program.get(path, If_None_Match=first.headers["ETag"])
    asked = program.ask("HEAD", path)
    other = program.get(path, If_None_Match='"another"')

    assert (first.status_code, again.status_code, other.status_code) == (200, 304, 200)
    assert (again.data, again.headers["ETag"]) == (b"", first.headers["ETag"])
    assert asked.headers["ETag"] == first.headers["ETag"]


def test_a_list_has_another_version_once_something_in_it_has_changed(app: Flask, program: Program) -> None:
    client = a_client(app, program)
    first = program.get("/clients").headers["ETag"]

    program.ask("PATCH", client, {"tags": ["vip"]})
    answer = program.get("/clients", If_None_Match=first)

    assert answer.status_code == 200
    assert answer.json["items"][0]["tags"] == ["vip"]


@pytest.mark.parametrize(
    ("thing", "method", "more", "body"),
    [
        (a_client, "PUT", "", {"phone_number": "79991234567"}),
        (a_client, "PATCH", "", {}),
        (a_client, "DELETE", "", None),
        (a_draft, "PUT", "", SALE),
        (a_draft, "PATCH", "", {}),
        (a_draft, "DELETE", "", None),
        (a_draft, "POST", "/launch", None),
        (a_running_mailing, "POST", "/pause", None),
        (a_running_mailing, "POST", "/cancel", None),
        (a_running_mailing, "POST", "/resend", {}),
        (a_waiting_message, "PATCH", "", {"text": "Today only."}),
        (a_waiting_message, "PUT", "", {"text": "Today only."}),
        (a_waiting_message, "DELETE", "", None),
    ],
)
def test_whoever_names_another_version_changes_nothing(
    app: Flask,
    program: Program,
    thing: Callable[[Flask, Program], str],
    method: str,
    more: str,
    body: dict[str, Any] | None,
) -> None:
    path = thing(app, program)
    before = program.get(path).json

    answer = program.ask(method, path + more, body, If_Match='"another"')

    assert (answer.status_code, answer.json["code"]) == (412, "changed_since")
    assert program.get(path).json == before


@pytest.mark.parametrize(
    ("thing", "method", "more", "bodies"),
    [
        (a_client, "PATCH", "", [{"tags": ["a"]}, {"tags": ["b"]}]),
        (a_draft, "PATCH", "", [{"title": "A"}, {"title": "B"}]),
        (a_running_mailing, "POST", "/pause", [None, None]),
        (a_waiting_message, "PATCH", "", [{"text": "A"}, {"text": "B"}]),
        (a_failed_mailing, "POST", "/resend", [{}, {}]),
        (an_import, "PATCH", "", [{"timezone": "Asia/Omsk"}, {"timezone": "Asia/Tomsk"}]),
        (a_webhook, "POST", "/rotate-secret", [None, None]),
    ],
)
def test_of_two_who_have_read_the_same_version_one_changes_it(
    any_app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    thing: Callable[[Flask, Program], str],
    method: str,
    more: str,
    bodies: list[dict[str, Any] | None],
) -> None:
    """Whoever has found the version to be the right one waits for the other, who must not find the same."""
    program = program_in(any_app)
    path = thing(any_app, program)
    version = program.get(path).headers["ETag"]
    both = Barrier(2)
    look = answers.require_version

    def look_together(*arguments: Any) -> None:
        look(*arguments)
        try:
            both.wait(SECONDS_TO_MEET)
        except BrokenBarrierError:
            return

    def ask(body: dict[str, Any] | None) -> TestResponse:
        mine = Program(any_app.test_client(), program.user, program.token)
        return mine.ask(method, path + more, body, If_Match=version)

    monkeypatch.setattr(answers, "require_version", look_together)
    with ThreadPoolExecutor(2) as threads:
        statuses = sorted(answer.status_code for answer in threads.map(ask, bodies))

    assert (statuses[0] < 300, statuses[1]) == (True, 412)


def test_without_a_version_two_changes_at_once_are_made_one_after_the_other(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each changes its own fields, and neither is lost or refused."""
    program = program_in(any_app)
    path = a_client(any_app, program)
    both = Barrier(2)

    def look_together(*_arguments: Any) -> None:
        try:
            both.wait(SECONDS_TO_MEET)
        except BrokenBarrierError:
            return

    def ask(body: dict[str, Any]) -> int:
        return Program(any_app.test_client(), program.user, program.token).ask("PATCH", path, body).status_code

    monkeypatch.setattr(answers, "require_version", look_together)
    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(ask, [{"tags": ["vip"]}, {"attributes": {"name": "Anna"}}]))

    client = program.get(path).json
    assert statuses == [200, 200]
    assert (client["tags"], client["attributes"]) == (["vip"], {"name": "Anna"})
