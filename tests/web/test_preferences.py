"""Does the dashboard look and speak the way a person has chosen?"""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import users
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import SignedIn


def only_user(app: Flask) -> User:
    with app.app_context():
        return users.listed()[0]


def test_one_preference_may_be_changed_alone(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(language="en", theme="auto", timezone="Europe/Moscow")

    answer = client.post("/preferences", data={"theme": "dark", "next": "/clients/?page=2"})

    user = only_user(app)
    assert (user.language, user.theme, user.timezone) == ("en", "dark", "Europe/Moscow")
    assert answer.location == "/clients/?page=2"


def test_a_zone_is_understood_as_people_write_it(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in()

    client.post("/preferences", data={"timezone": "gmt+5"})

    assert only_user(app).timezone == "UTC+05:00"


@pytest.mark.parametrize("wrong", [{"timezone": "Moon/Tranquility"}, {"language": "xx"}, {"theme": "pink"}])
def test_a_preference_that_does_not_exist_changes_nothing(
    app: Flask, signed_in: SignedIn, wrong: dict[str, str]
) -> None:
    client = signed_in()
    before = only_user(app)

    client.post("/preferences", data=wrong)

    assert only_user(app) == before
    with client.session_transaction() as session:
        assert session["_flashes"][0][0] == "error"


def test_a_viewer_has_preferences_too(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(Role.VIEWER)

    client.post("/preferences", data={"language": "ru"})

    assert only_user(app).language == "ru"


def test_the_sign_in_page_remembers_language_and_theme_of_this_browser(signed_in: SignedIn) -> None:
    client = signed_in(language="en", theme="auto")

    client.post("/preferences", data={"language": "ru", "theme": "dark"})
    client.post("/sign-out")
    page = client.get("/sign-in", headers={"Accept-Language": "en"}).text

    assert 'lang="ru"' in page
    assert 'data-bs-theme="dark"' in page


@pytest.mark.parametrize(
    ("asked_for", "spoken"), [("en-GB,en;q=0.9", "en"), ("ru", "ru"), ("de,fr", "ru"), ("", "ru")]
)
def test_before_anybody_has_chosen_the_browser_decides(client: FlaskClient, asked_for: str, spoken: str) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": asked_for}).text

    assert f'<html lang="{spoken}"' in page
