"""Does who registers come in as the setting says, and no other way?"""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import users
from dashboard.models import Role
from tests.factories import PASSWORD, make_user, sign_in
from tests.support.apps import quick_passwords, sqlite_app

ANNA = {"name": "Anna", "email": "anna@example.com", "password": PASSWORD, "password_again": PASSWORD}


def test_who_registers_waits_and_is_told_so(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        make_user(Role.ADMINISTRATOR, name="Chief")
    english = {"Accept-Language": "en"}
    assert 'href="/register"' in client.get("/sign-in").text

    refused = client.post("/register", data={**ANNA, "email": "x", "password_again": "y"}, headers=english)
    taken = client.post("/register", data={**ANNA, "name": "CHIEF"}, headers=english)
    registered = client.post("/register", data=ANNA, headers=english)
    tried = client.post("/sign-in", data={"login": "Anna", "password": PASSWORD}, headers=english)

    assert (refused.status_code, taken.status_code, registered.status_code) == (422, 422, 202)
    assert "The two passwords differ" in refused.text
    assert 'value="Anna"' in refused.text
    assert PASSWORD not in refused.text
    assert "This name or this e-mail address is in use already" in taken.text
    assert "An administrator has to approve it" in registered.text
    assert "has not approved this registration yet" in tried.text
    assert client.get("/clients").status_code == 302


def test_registrations_from_one_address_are_limited(client: FlaskClient) -> None:
    answers = [client.post("/register", data={}).status_code for _ in range(21)]

    assert answers == [422] * 20 + [429]


@pytest.mark.parametrize(("policy", "status"), [("closed", 403), ("open", 303)])
def test_a_closed_door_and_an_open_one(
    policy: str, status: int, sqlite_template: Path, tmp_path: Path, redis_url: str
) -> None:
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url, REGISTRATION=policy) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        client = app.test_client()
        with app.app_context():
            make_user()

        linked = 'href="/register"' in client.get("/sign-in").text
        answer = client.post("/register", data=ANNA)

        assert answer.status_code == status
        assert linked is (policy == "open")
        with app.app_context():
            made = [user for user in users.listed() if user.name == "Anna"]
        assert len(made) == (policy == "open")
        if made:
            sign_in(client, made[0])


def test_before_the_first_administrator_nobody_registers(client: FlaskClient, app: Flask) -> None:
    answer = client.post("/register", data=ANNA, headers={"Accept-Language": "en"})

    assert answer.status_code == 422
    assert "Nobody can register here" in answer.text
    with app.app_context():
        assert not users.has_users()
