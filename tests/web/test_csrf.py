"""Is a form, or an htmx request, believed only with the token of its own session?"""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import users
from tests.factories import PASSWORD, make_user


@pytest.fixture(autouse=True)
def csrf(app: Flask) -> None:
    """Left switched on, unlike elsewhere."""


def token_of(page: str) -> str:
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


def test_without_a_token_nothing_is_done_and_the_page_says_what_to_do(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        user = make_user()

    answer = client.post(
        "/sign-in",
        data={"login": user.name, "password": PASSWORD},
        headers={"Accept-Language": "en"},
    )

    assert answer.status_code == 400
    assert "reload the page" in answer.text


def test_the_token_of_the_page_is_believed_in_a_form_and_in_a_header(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        user = make_user(language="en")
    token = token_of(client.get("/sign-in").text)

    entered = client.post("/sign-in", data={"login": user.name, "password": PASSWORD, "csrf_token": token})
    # Signed in, there is a new session and so a new token; a page that stands outside the login shows it, too.
    token = token_of(client.get("/nowhere").text)
    changed = client.post(
        "/preferences", data={"language": "ru"}, headers={"X-CSRFToken": token, "HX-Request": "true"}
    )

    assert entered.status_code == 303
    assert changed.headers["HX-Redirect"] == "/"
    with app.app_context():
        assert users.listed()[0].language == "ru"


def test_the_token_from_before_the_sign_in_is_worth_nothing_after_it(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        user = make_user()
    token = token_of(client.get("/sign-in").text)
    client.post("/sign-in", data={"login": user.name, "password": PASSWORD, "csrf_token": token})

    answer = client.post("/preferences", data={"theme": "dark", "csrf_token": token})

    assert answer.status_code == 400
