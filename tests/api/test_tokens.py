"""Who comes in, how long, and how far?"""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import second_factor
from dashboard.domain.users import User
from dashboard.models import Requirement, Role, Scope, Service
from tests.api.conftest import Program, Programs
from tests.factories import PASSWORD, make_user
from tests.support.authenticator import SEAL, switch_on
from tests.support.languages import foreign_in


@pytest.fixture
def ann(app: Flask) -> User:
    with app.app_context():
        return make_user(name="ann")


def sign_in(client: FlaskClient, **body: object) -> TestResponse:
    return client.post("/api/v1/token", json={"username": "ann", "password": PASSWORD, **body})


def bearing(client: FlaskClient, access: str) -> int:
    return client.get("/api/v1/tokens", headers={"Authorization": f"Bearer {access}"}).status_code


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/v1/token/refresh", json={"refresh": token})


def test_a_name_and_a_password_give_a_pair_that_lets_in(client: FlaskClient, ann: User) -> None:
    pair = sign_in(client).json

    assert pair.keys() == {"access", "refresh", "token_type", "expires_in"}
    assert pair["expires_in"] <= 15 * 60
    assert bearing(client, pair["access"]) == 200


def test_an_access_token_runs_out_and_is_no_refresh_token(client: FlaskClient, ann: User) -> None:
    pair = sign_in(client).json

    assert refresh(client, pair["access"]).status_code == 401
    assert bearing(client, pair["refresh"]) == 401
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert bearing(client, pair["access"]) == 401
        assert bearing(client, refresh(client, pair["refresh"]).json["access"]) == 200


def test_a_refresh_token_that_comes_twice_ends_every_token_of_its_sign_in(client: FlaskClient, ann: User) -> None:
    first, other = sign_in(client).json, sign_in(client).json
    second = refresh(client, first["refresh"]).json

    again = refresh(client, first["refresh"])

    assert again.status_code == 401
    assert bearing(client, second["access"]) == 401
    assert refresh(client, second["refresh"]).status_code == 401
    assert bearing(client, other["access"]) == 200


@pytest.mark.parametrize("which", ["access", "refresh"])
def test_signing_out_by_either_token_ends_both_and_may_be_repeated(
    client: FlaskClient, ann: User, which: str
) -> None:
    pair = sign_in(client).json

    answers = [client.post("/api/v1/token/revoke", json={"token": pair[which]}).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert bearing(client, pair["access"]) == 401
    assert refresh(client, pair["refresh"]).status_code == 401


def test_a_token_can_be_asked_about(client: FlaskClient, ann: User) -> None:
    pair = sign_in(client).json
    refresh(client, pair["refresh"])

    said = [
        client.post("/api/v1/token/verify", json={"token": token}).status_code
        for token in (pair["access"], pair["refresh"], "nonsense")
    ]

    assert said == [204, 401, 401]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x.y.z", "Token", "Token vst_unknown", "Basic YTpi", "Bearer \xff"]
)
def test_nothing_but_a_good_token_lets_in(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/v1/tokens", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == ("token_invalid" if header else "token_missing")


def test_a_wrong_password_is_refused_in_the_language_asked_for(client: FlaskClient, ann: User) -> None:
    answer = client.post(
        "/api/v1/token", json={"username": "ann", "password": "wrong"}, headers={"Accept-Language": "ru"}
    )

    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_failed")
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert foreign_in(answer.json["detail"], "ru") == []


def test_a_token_is_shown_once_and_listed_by_its_beginning(program: Program) -> None:
    made = program.post("/tokens", {"name": "CRM", "scopes": ["read"]})

    listed = program.get("/tokens").json
    assert made.status_code == 201
    assert listed[0]["name"] == "CRM"
    assert made.json["token"].startswith(listed[0]["beginning"])
    assert all("token" not in each for each in listed)


def test_a_revoked_token_is_worth_nothing_at_the_next_request(program: Program) -> None:
    token_id = program.get("/tokens").json[0]["id"]

    assert program.ask("DELETE", f"/tokens/{token_id}").status_code == 204
    assert program.get("/tokens").status_code == 401


def test_nobody_revokes_what_is_anothers_but_an_administrator(program: Program, program_of: Programs) -> None:
    token_id = program.get("/tokens").json[0]["id"]

    assert program_of().ask("DELETE", f"/tokens/{token_id}").status_code == 404
    assert program_of(Role.ADMINISTRATOR).ask("DELETE", f"/tokens/{token_id}").status_code == 204


def test_a_token_that_only_reads_changes_nothing(program_of: Programs) -> None:
    reader = program_of(scopes=(Scope.READ,))

    answer = reader.post("/tokens", {"name": "more", "scopes": ["send"]})

    assert (answer.status_code, answer.json["code"]) == (403, "scope_not_granted")
    assert len(reader.get("/tokens").json) == 1


def test_a_token_gives_no_more_scopes_than_it_has(program_of: Programs) -> None:
    writer = program_of(scopes=(Scope.READ, Scope.WRITE))

    refused = writer.post("/tokens", {"name": "more", "scopes": ["read", "send"]})
    made = writer.post("/tokens", {"name": "as much", "scopes": ["read", "write"]})

    assert (refused.status_code, refused.json["code"]) == (403, "scope_not_granted")
    assert (made.status_code, made.json["scopes"]) == (201, ["read", "write"])
    assert len(writer.get("/tokens").json) == 2


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"scopes": ["read"]}, "name", "field_missing"),
        ({"name": None, "scopes": ["read"]}, "name", "field_null"),
        ({"name": "\ud800", "scopes": ["read"]}, "name", "not_text"),
        ({"name": 7, "scopes": ["read"]}, "name", "not_text"),
        ({"name": "a", "scopes": "read"}, "scopes", "not_a_list"),
        ({"name": "a", "scopes": ["fly"]}, "scopes.0", "not_a_choice"),
        ({"name": "a", "scopes": []}, "scopes", "scope_missing"),
        ({"name": "a", "scopes": ["read"], "more": 1}, "more", "field_unknown"),
        ([], "", "body_not_object"),
    ],
)
def test_each_fault_is_told_with_its_field(program: Program, body: object, field: str, code: str) -> None:
    answer = program.post("/tokens", body)

    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [(field, code)]
    assert answer.json["errors"][0]["detail"] not in ("", code)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/token", 405)])
def test_an_address_that_is_none_is_a_problem_too(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open("/api/v1" + path, method=method)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize("path", ["", "/", "/tokens", "/tokens/"])
def test_addresses_are_found_with_and_without_a_slash_and_without_a_body(program: Program, path: str) -> None:
    answers = [program.ask(method, path).status_code for method in ("GET", "HEAD", "OPTIONS")]

    assert answers == [200, 200, 200]


def test_who_has_a_second_factor_sends_a_code_along(app: Flask, client: FlaskClient, ann: User) -> None:
    before = sign_in(client).json
    with app.app_context():
        phone = switch_on(ann)
    code = phone.code()

    stories = [{"password": "wrong", "otp": code}, {}, {"otp": ""}, {"otp": phone.wrong_code}, {"otp": code}]
    answers = [sign_in(client, **story) for story in stories]
    with app.app_context():
        replayed = second_factor.check(ann.id, code, SEAL)

    assert [answer.json.get("code") for answer in answers] == [
        *("sign_in_failed", "otp_required", "otp_required", "otp_wrong", None)
    ]
    assert [answer.status_code for answer in answers] == [401] * 4 + [200]
    assert not replayed.is_right
    # What has been let in before stays in, and refreshes without a code.
    assert refresh(client, before["refresh"]).status_code == 200
    assert bearing(client, answers[-1].json["access"]) == 200


def test_guessing_codes_is_braked_and_who_must_set_one_up_does_so_on_the_page(
    app: Flask, client: FlaskClient, ann: User
) -> None:
    with app.app_context():
        phone = switch_on(ann)
        bob = make_user(name="bob")
        for _ in range(5):
            second_factor.check(ann.id, phone.wrong_code, SEAL)
        with transaction() as session:
            session.get_one(Service, 1).second_factor_required = Requirement.EVERYBODY

    blocked = sign_in(client, otp=phone.code())
    recovered = sign_in(client, otp=phone.recovery_codes[0])
    lacking = sign_in(client, username=bob.name)

    assert (blocked.status_code, blocked.json["code"]) == (429, "otp_blocked")
    assert 0 < int(blocked.headers["Retry-After"]) <= 60
    assert recovered.status_code == 200
    assert (lacking.status_code, lacking.json["code"]) == (403, "otp_needed")
