"""Who may do what to whose things? Every address, by every method, asked by everybody there is.

What is expected follows from a few rules; the lists below name the exceptions. An address of which these tests do
not know how to ask it fails them: see tests/support/api_world.py.
"""

import re
from enum import StrEnum

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard.models import Role, Scope
from tests.api.conftest import Program, Programs
from tests.support import api_world
from tests.support.api_world import BODIES, Route, request_for, routes


class Who(StrEnum):
    ANONYMOUS = "anonymous"
    VIEWER = "viewer"
    OTHER = "another operator"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"


class Verdict(StrEnum):
    """What an answer says of who asks. DONE also stands for what only the thing's state forbids."""

    DONE = "done"
    WHO_ARE_YOU = "401"
    NOT_YOU = "403"
    NOTHING_THERE = "404"


# Nobody is asked who they are.
OPEN = {
    ("GET", ""),
    ("GET", "/openapi.json"),
    ("POST", "/token"),
    ("POST", "/token/refresh"),
    ("POST", "/token/verify"),
    ("POST", "/token/revoke"),
    ("POST", "/users/register"),
}
ADMINISTRATORS = {
    ("GET", "/audit"),
    ("POST", "/erasures"),
    ("GET", "/users"),
    ("POST", "/users/<user_id>/approve"),
    ("POST", "/users/<user_id>/refuse"),
    ("POST", "/mailings/process-due"),
    ("POST", "/sample-clients"),
    ("DELETE", "/sample-clients"),
}
# They touch nothing but one's own account, so that viewers may, too; and see no more of others' than operators do.
OWN_ACCOUNT = {("POST", "/tokens"), ("DELETE", "/tokens/<token_id>")}
# They carry a secret of one user's: nobody else sees them, whatever their role.
PERSONAL = "/webhooks/"
# Whose things they are stands in the body.
ABOUT_WHAT_IS_NAMED = {("POST", "/messages"), ("POST", "/stop-list/remove")}
# Of what they may see, it is for administrators to do.
A_SECOND_PERSONS = {("POST", "/mailings/<mailing_id>/approve")}
# What lets messages leave: the scope `send`.
SENDING = {
    ("POST", "/messages"),
    ("POST", "/mailings/process-due"),
    *(
        ("POST", f"/mailings/<mailing_id>/{verb}")
        for verb in ("launch", "unschedule", "pause", "resume", "cancel", "approve", "resend")
    ),
}


def reads(route: Route) -> bool:
    return route[0] in ("GET", "HEAD")


def is_in(route: Route, listed: set[Route]) -> bool:
    """HEAD is where GET is."""
    return route in listed or (route[0] == "HEAD" and ("GET", route[1]) in listed)


def expected(route: Route, who: Who) -> Verdict:
    if is_in(route, OPEN):
        return Verdict.DONE
    if who is Who.ANONYMOUS:
        return Verdict.WHO_ARE_YOU
    if is_in(route, ADMINISTRATORS):
        return Verdict.DONE if who is Who.ADMINISTRATOR else Verdict.NOT_YOU
    is_own = is_in(route, OWN_ACCOUNT)
    if who is Who.VIEWER and not reads(route) and not is_own:
        return Verdict.NOT_YOU
    if route[1].startswith(PERSONAL):
        return Verdict.DONE if who is Who.OWNER else Verdict.NOTHING_THERE
    is_of_somebody = "<" in route[1] or route in ABOUT_WHAT_IS_NAMED
    if is_of_somebody and (who is Who.OTHER or (who is Who.VIEWER and is_own)):
        return Verdict.NOTHING_THERE
    if route in A_SECOND_PERSONS and who is not Who.ADMINISTRATOR:
        return Verdict.NOT_YOU
    return Verdict.DONE


def verdict(route: Route, answer: TestResponse) -> Verdict:
    if is_in(route, OPEN):
        # An open address refuses what was sent, not who sends it.
        code = (answer.get_json(silent=True) or {}).get("code")
        return Verdict.WHO_ARE_YOU if code in ("token_missing", "scope_not_granted") else Verdict.DONE
    refused = {each.value: each for each in Verdict}.get(str(answer.status_code))
    if refused:
        return refused
    assert answer.status_code < 300 or answer.status_code == 409, (route, answer.status_code, answer.text)
    return Verdict.DONE


@pytest.fixture
def everybody(app: Flask, program_of: Programs) -> dict[Who, Program]:
    roles = {Who.VIEWER: Role.VIEWER, Who.OTHER: Role.OPERATOR, Who.OWNER: Role.OPERATOR}
    programs = {who: program_of(role) for who, role in roles.items()}
    programs[Who.ADMINISTRATOR] = program_of(Role.ADMINISTRATOR)
    programs[Who.ANONYMOUS] = Program(app.test_client(), programs[Who.OWNER].user, "nonsense")
    return programs


def test_every_address_says_how_it_is_asked(app: Flask) -> None:
    changing = {route for route in routes(app) if not reads(route)}

    assert changing == set(BODIES)
    assert set(api_world.OBJECTS_OF) | OWN_ACCOUNT | ABOUT_WHAT_IS_NAMED | A_SECOND_PERSONS | SENDING <= changing
    assert set(routes(app)) >= OPEN | ADMINISTRATORS


def test_everybody_may_do_what_the_rules_say_and_nothing_else(app: Flask, everybody: dict[Who, Program]) -> None:
    met = {
        (route, who): verdict(route, answer)
        for route in routes(app)
        for who, answer in answers_to(app, everybody, route).items()
    }

    differing = {asked: (said, expected(*asked)) for asked, said in met.items() if said is not expected(*asked)}
    assert differing == {}
    assert set(met.values()) == set(Verdict)


def answers_to(app: Flask, everybody: dict[Who, Program], route: Route) -> dict[Who, TestResponse]:
    """Those come first who shall be able to do nothing; who may do it twice finds a new thing to do it to."""
    owner, found = everybody[Who.OWNER].user.actor, {}
    for who in Who:
        if who is Who.ANONYMOUS or (who is Who.ADMINISTRATOR and not reads(route)):
            with app.app_context():
                method, path, body = request_for(route, owner)
        found[who] = everybody[who].ask(method, path, body)
    return found


def test_no_list_shows_another_operator_what_is_the_owners(app: Flask, everybody: dict[Who, Program]) -> None:
    owner = everybody[Who.OWNER].user
    phone = "79160000001"
    with app.app_context():
        api_world.make_client(owner.actor, phone, "vip")
        api_world.one_that_runs(owner.actor)
    lists = [path for method, path in routes(app) if method == "GET" and "<" not in path]

    def shown_to(who: Who) -> set[str]:
        texts = {path: everybody[who].get(path).text for path in lists}
        return {path for path, text in texts.items() if phone in text or api_world.TITLE in text}

    assert shown_to(Who.OTHER) == set()
    # Administrators also read of it in the audit log.
    assert shown_to(Who.OWNER) == shown_to(Who.VIEWER) == shown_to(Who.ADMINISTRATOR) - {"/audit"}
    assert {"/clients", "/mailings", "/messages", "/statistics"} <= shown_to(Who.OWNER)


@pytest.mark.parametrize("condition", ["mailing_id", "client_id"])
def test_what_belongs_to_another_cannot_be_asked_for_by_a_condition_either(
    app: Flask, everybody: dict[Who, Program], condition: str
) -> None:
    owner = everybody[Who.OWNER].user.actor
    with app.app_context():
        number = api_world.one_that_runs(owner) if condition == "mailing_id" else api_world.a_client(owner)
    path = f"/messages?{condition}={number}"

    assert everybody[Who.OTHER].get(path).status_code == 404
    assert everybody[Who.OWNER].get(path).status_code == 200


def test_a_token_does_what_its_scopes_say_and_nothing_else(app: Flask, program_of: Programs) -> None:
    """Asked by administrators, so that nothing else forbids it, about nothing, so that nothing is done."""
    programs = {
        scopes: program_of(Role.ADMINISTRATOR, scopes)
        for scopes in [(Scope.READ,), (Scope.WRITE, Scope.SEND), (Scope.READ, Scope.WRITE)]
    }
    guarded = [route for route in routes(app) if not is_in(route, OPEN)]

    def denied(route: Route, program: Program) -> bool:
        method, path = route
        return program.ask(method, re.sub("<.*?>", "2000000000", path)).status_code == 403

    wrong = [
        (route, scopes)
        for route in guarded
        for scopes, program in programs.items()
        if denied(route, program) == (scope_of(route) in scopes)
    ]
    assert wrong == []


def scope_of(route: Route) -> Scope:
    if reads(route):
        return Scope.READ
    return Scope.SEND if route in SENDING else Scope.WRITE


def test_launching_at_once_and_resending_need_the_scope_too(app: Flask, program_of: Programs) -> None:
    writer = program_of(scopes=(Scope.READ, Scope.WRITE))
    with app.app_context():
        message_id = api_world.a_message(writer.user.actor)
        body = api_world.mailing_body(writer.user.actor)

    answers = [
        writer.post("/mailings", body | {"launch": True}),
        writer.ask("PATCH", f"/messages/{message_id}", {"resolve": "resend"}),
    ]

    assert [answer.json["code"] for answer in answers] == ["scope_not_granted"] * 2
    assert (
        writer.ask("PATCH", f"/messages/{message_id}", {"resolve": "accept"}).json["code"] == "message_not_unknown"
    )
