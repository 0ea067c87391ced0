"""Do people come in and go out by the door only?"""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import sessions, setup_links, users
from dashboard.models import Role
from tests.factories import PASSWORD, SignedIn, make_user, sign_in


def is_signed_in(client: FlaskClient) -> bool:
    """Whoever is signed in is led away from the sign-in page."""
    return client.get("/sign-in").status_code == 303


@pytest.mark.parametrize("login", ["Анна", "  анна ", "ANNA@example.com"])
def test_name_and_email_both_open_the_door_in_any_case(app: Flask, client: FlaskClient, login: str) -> None:
    with app.app_context():
        make_user(name="Анна", email="anna@example.com")

    answer = client.post("/sign-in", data={"login": login, "password": PASSWORD})

    assert answer.status_code == 303
    assert answer.location == "/"
    assert is_signed_in(client)


def test_a_wrong_password_keeps_what_was_typed_and_says_nothing_about_the_name(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        make_user(name="anna")

    wrong = client.post("/sign-in", data={"login": "anna", "password": "what I typed", "next": "/clients/"})
    unknown = client.post("/sign-in", data={"login": "nobody", "password": "wrong"})

    assert wrong.status_code == unknown.status_code == 422
    assert 'value="anna"' in wrong.text
    assert 'value="/clients/"' in wrong.text
    assert "what I typed" not in wrong.text
    assert not is_signed_in(client)


def test_who_is_not_active_stays_outside(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        user = make_user(is_active=False)

    answer = client.post("/sign-in", data={"login": user.name, "password": PASSWORD})

    assert answer.status_code == 422


def test_an_old_cookie_is_worth_nothing_after_signing_out(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in()
    copy = client.get_cookie("vestnik_8000")
    assert copy is not None

    client.post("/sign-out")
    thief = app.test_client()
    thief.set_cookie(copy.key, copy.value)

    assert not is_signed_in(client)
    assert not is_signed_in(thief)


def test_signing_in_begins_a_new_session_and_ends_the_old_one(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in()
    before = client.get_cookie("vestnik_8000")
    assert before is not None
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    with app.app_context():
        other = make_user()

    sign_in(client, other)
    thief = app.test_client()
    thief.set_cookie(before.key, before.value)

    with client.session_transaction() as session:
        assert "planted" not in session
    assert is_signed_in(client)
    assert not is_signed_in(thief)


@pytest.mark.parametrize(
    ("remember", "idle", "lasts"),
    [
        ("", sessions.IDLE - timedelta(minutes=2), True),
        ("", sessions.IDLE + timedelta(minutes=2), False),
        ("y", sessions.IDLE_REMEMBERED - timedelta(hours=1), True),
        ("y", sessions.IDLE_REMEMBERED + timedelta(hours=1), False),
    ],
)
def test_a_session_lasts_as_long_as_was_asked_for(
    app: Flask, client: FlaskClient, remember: str, idle: timedelta, lasts: bool
) -> None:
    with app.app_context():
        user = make_user()
    sign_in(client, user, remember=remember)

    with time_machine.travel(clock.now() + idle, tick=True):
        found = is_signed_in(client)

    assert found is lasts


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/clients/?page=2", "/clients/?page=2"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/ok\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_back_to_pages_of_ours_only(
    app: Flask, client: FlaskClient, wanted: str, led_to: str
) -> None:
    with app.app_context():
        user = make_user()

    answer = client.post("/sign-in", data={"login": user.name, "password": PASSWORD, "next": wanted})

    assert answer.location == led_to


def test_the_sixth_wrong_try_for_one_name_in_a_minute_is_not_even_looked_at(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        user = make_user()
    for _ in range(5):
        assert client.post("/sign-in", data={"login": user.name, "password": "no"}).status_code == 422

    right = client.post("/sign-in", data={"login": user.name.upper(), "password": PASSWORD})

    assert right.status_code == 429
    assert "Подождите минуту" in right.text


def test_the_eleventh_wrong_try_from_one_address_is_not_even_looked_at(client: FlaskClient) -> None:
    for number in range(10):
        client.post("/sign-in", data={"login": f"name-{number}", "password": "no"})

    eleventh = client.post("/sign-in", data={"login": "another", "password": "no"})

    assert eleventh.status_code == 429


def test_the_set_up_link_makes_the_first_administrator_once(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        token = setup_links.issue()
    person = {"name": "Anna", "email": "Anna@Example.com", "password": PASSWORD, "password_again": PASSWORD}

    page = client.get(f"/setup/{token}")
    made = client.post(f"/setup/{token}", data=person)
    eve = {**person, "name": "Eve", "email": "eve@example.com"}
    again = app.test_client().post(f"/setup/{token}", data=eve)

    assert page.status_code == 200
    assert made.status_code == 303
    assert again.status_code == 410
    assert is_signed_in(client)
    with app.app_context():
        assert [(user.name, user.email, user.role) for user in users.listed()] == [
            ("Anna", "anna@example.com", Role.ADMINISTRATOR)
        ]


def test_the_set_up_form_says_what_is_wrong_and_keeps_the_rest(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        token = setup_links.issue()

    answer = client.post(
        f"/setup/{token}",
        data={"name": "Anna", "email": "nonsense", "password": "short", "password_again": "short"},
        headers={"Accept-Language": "en"},
    )

    assert answer.status_code == 422
    assert "This is no e-mail address" in answer.text
    assert "at least 12 characters" in answer.text
    assert 'value="Anna"' in answer.text
    assert "short" not in answer.text.replace("too short", "")


def test_a_set_up_link_that_nobody_gave_out_opens_nothing(client: FlaskClient) -> None:
    answer = client.get("/setup/invented")

    assert answer.status_code == 410
