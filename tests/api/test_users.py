"""Can people register by the API, and does an administrator decide who comes in?"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from dashboard import clock, models
from dashboard.database import transaction
from dashboard.domain import api_tokens
from dashboard.models import Role
from tests.api.conftest import Program, Programs, program_in
from tests.factories import PASSWORD, make_user
from tests.support.apps import running_app

ANNA = {"name": "anna", "email": "anna@example.com", "password": PASSWORD}
SIGN_IN = {"username": "anna", "password": PASSWORD}


@pytest.fixture
def chief(program_of: Programs) -> Program:
    return program_of(Role.ADMINISTRATOR)


def register(client: FlaskClient, **changes: Any) -> Any:
    return client.post("/api/v1/users/register", json=ANNA | changes, headers={"Accept-Language": "en"})


def test_who_registers_waits_until_an_administrator_agrees(client: FlaskClient, chief: Program) -> None:
    made = register(client)
    early = client.post("/api/v1/token", json=SIGN_IN)
    listed = chief.get("/users?waiting=true").json

    approved = chief.post(f"/users/{made.json['id']}/approve")
    pair = client.post("/api/v1/token", json=SIGN_IN).json
    me = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair['access']}"}).json

    assert (made.status_code, made.json["state"], made.json["role"]) == (202, "waiting", "operator")
    assert (early.status_code, early.json["code"]) == (403, "user_waiting")
    assert ([each["name"] for each in listed["items"]], listed["total"]) == (["anna"], 1)
    assert (approved.status_code, approved.json["state"]) == (200, "active")
    assert me == approved.json
    assert chief.get("/users?waiting=true").json["items"] == []


def test_a_wrong_password_does_not_tell_that_somebody_waits(client: FlaskClient, chief: Program) -> None:
    register(client)

    answer = client.post("/api/v1/token", json=SIGN_IN | {"password": "wrong"})

    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_failed")


def test_the_pages_tell_who_waits_so_too(app: Flask, client: FlaskClient, chief: Program) -> None:
    register(client, language="en")
    app.config["WTF_CSRF_ENABLED"] = False
    client.set_cookie("vestnik_language", "en")

    right = client.post("/sign-in", data={"login": "anna", "password": PASSWORD})
    wrong = client.post("/sign-in", data={"login": "anna", "password": "wrong"})

    assert right.status_code == 422
    assert "An administrator has not approved this registration yet" in right.text
    assert "Name or password is wrong" in wrong.text


def test_a_refused_registration_is_gone(client: FlaskClient, chief: Program) -> None:
    path = f"/users/{register(client).json['id']}"

    answers = [chief.post(f"{path}/refuse"), chief.post(f"{path}/approve")]

    assert [answer.status_code for answer in answers] == [204, 404]
    assert client.post("/api/v1/token", json=SIGN_IN).status_code == 401


def test_only_administrators_see_and_decide(client: FlaskClient, chief: Program, program_of: Programs) -> None:
    user_id = register(client).json["id"]

    for role in (Role.OPERATOR, Role.VIEWER):
        other = program_of(role)
        answers = [
            other.get("/users"),
            other.post(f"/users/{user_id}/approve"),
            other.post(f"/users/{user_id}/refuse"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert other.get("/users/me").json["role"] == role
    assert chief.post(f"/users/{chief.user.id}/approve").json["code"] == "user_not_waiting"


@pytest.mark.parametrize(("policy", "status", "state"), [("open", 201, "active"), ("closed", 403, None)])
def test_an_installation_may_let_everybody_in_or_nobody(
    app: Flask, chief: Program, tmp_path: Path, redis_url: str, policy: str, status: int, state: str | None
) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    with running_app(tmp_path, DATABASE_URL=url, REDIS_URL=redis_url, REGISTRATION=policy) as other:
        client = other.test_client()

        answer = register(client)
        entry = client.post("/api/v1/token", json=SIGN_IN)

    assert (answer.status_code, answer.json.get("state")) == (status, state)
    assert entry.status_code == (200 if state else 401)
    assert state or answer.json["code"] == "registration_closed"


def test_each_fault_is_told_but_not_whose_name_or_address_it_is(client: FlaskClient, chief: Program) -> None:
    register(client)

    faults = [
        [(each["field"], each["code"]) for each in register(client, **change).json["errors"]]
        for change in (
            {"email": "other@example.com"},
            {"name": "other"},
            {"name": "o", "email": "no", "password": "short"},
            {"name": "o", "email": "o@example.com", "timezone": "Nowhere/Land"},
            {"role": "administrator"},
        )
    ]

    assert faults == [
        [("", "name_or_email_taken")],
        [("", "name_or_email_taken")],
        [("email", "email_invalid"), ("password", "password_too_short")],
        [("timezone", "zone_unknown")],
        [("role", "field_unknown")],
    ]


def test_registrations_from_one_address_have_an_end(client: FlaskClient, chief: Program) -> None:
    statuses = [register(client, name="x" * 65).status_code for _ in range(21)]

    assert statuses == [422] * 20 + [429]


def test_users_are_paged_through_completely(app: Flask, chief: Program) -> None:
    with app.app_context():
        wanted = [chief.user.id, *(make_user().id for _ in range(4))]
    path, met = "/users?limit=2", []

    while path:
        page = chief.get(path).json
        met += [each["id"] for each in page["items"]]
        path = page["next"] and page["next"].removeprefix("/api/v1")

    assert met == wanted
    assert (page["total"], page["total_is_exact"]) == (5, True)
    assert chief.get("/users?cursor=bm8").status_code == 422


def test_an_administrator_sees_and_ends_the_tokens_of_others(chief: Program, program_of: Programs) -> None:
    ann = program_of()
    (listed,) = chief.get(f"/tokens?user_id={ann.user.id}").json

    denied = program_of().get(f"/tokens?user_id={ann.user.id}").status_code
    chief.ask("DELETE", f"/tokens/{listed['id']}")

    assert listed["user_id"] == ann.user.id
    assert denied == 404
    assert ann.get("/clients").status_code == 401
    assert chief.get("/tokens?user_id=999999").status_code == 404
    assert chief.get("/tokens").json[0]["user_id"] == chief.user.id


def test_an_administrator_makes_a_token_in_whose_name_another_users_program_acts(
    any_app: Flask,
) -> None:
    chief, ann = program_in(any_app, Role.ADMINISTRATOR), program_in(any_app)
    gone = program_in(any_app)
    with any_app.app_context(), transaction() as session:
        session.execute(update(models.User).where(models.User.id == gone.user.id).values(is_active=False))
    wanted = {"name": "CRM", "scopes": ["read"]}

    made = chief.post("/tokens", wanted | {"user_id": ann.user.id})
    refused = [
        chief.post("/tokens", wanted | {"user_id": each}) for each in (gone.user.id, 999_999, 3_000_000_000)
    ]
    denied = ann.post("/tokens", wanted | {"user_id": chief.user.id})
    acts = Program(any_app.test_client(), ann.user, made.json["token"])
    noted = chief.get("/audit?object_type=api_token").json["items"][0]

    assert (made.status_code, made.json["user_id"]) == (201, ann.user.id)
    assert acts.get("/users/me").json["id"] == ann.user.id
    assert [each.status_code for each in (*refused, denied)] == [404] * 4
    assert (noted["verb"], noted["actor_id"]) == ("api_token.make", chief.user.id)
    assert noted["after"]["user_id"] == ann.user.id


def test_tokens_of_who_may_no_longer_come_in_are_dead_at_once(app: Flask, program: Program) -> None:
    credentials = {"username": program.user.name, "password": PASSWORD}
    pair = program.client.post("/api/v1/token", json=credentials).json
    before = program.get("/clients").status_code, program.get("/clients", **bearing(pair)).status_code

    with app.app_context(), transaction() as session:
        session.execute(update(models.User).where(models.User.id == program.user.id).values(is_active=False))

    assert before == (200, 200)
    assert program.get("/clients").json["code"] == "token_invalid"
    assert program.get("/clients", **bearing(pair)).status_code == 401
    assert program.client.post("/api/v1/token/refresh", json={"refresh": pair["refresh"]}).status_code == 401


def bearing(pair: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access']}"}


def test_when_a_token_was_used_is_written_once_a_minute(app_context: Flask) -> None:
    ann = make_user()
    _token, text = api_tokens.make(ann.actor, "test", ("read",))

    def used_after(seconds: int) -> datetime | None:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            api_tokens.resume(text)
        return api_tokens.listed(ann.actor)[0].used_at

    start = clock.now()
    first, soon, later = used_after(0), used_after(59), used_after(61)

    assert first is not None
    assert soon == first
    assert later != first
