"""Is whatever once let somebody in worth nothing at the very next request after it was taken away?

One user comes in by every way there is; then one thing happens, and every way is tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from dashboard import models
from dashboard.database import transaction
from dashboard.domain import api_tokens, sessions, user_administration, users
from dashboard.models import Role, Scope
from tests.factories import PASSWORD, make_user, sign_in

COOKIES = {"the session", "the remembered session"}
PROGRAMS = {"the access token", "the refresh token", "the API token"}


@dataclass
class Ways:
    """`copies`: what somebody has taken from the user's browsers and programs, by name."""

    app: Flask
    user: users.User
    copies: dict[str, Callable[[], int]]
    browser: FlaskClient
    pair: dict[str, str]

    def open(self) -> set[str]:
        return {name for name, ask in self.copies.items() if ask() in (200, 204)}


@pytest.fixture
def ways(app: Flask, no_csrf: None) -> Ways:
    with app.app_context():
        user = make_user()
        token = api_tokens.make(user.actor, "test", tuple(Scope))[1]
    browser, remembered = app.test_client(), app.test_client()
    sign_in(browser, user)
    sign_in(remembered, user, remember="y")
    credentials = {"username": user.name, "password": PASSWORD}
    pair = app.test_client().post("/api/v1/token", json=credentials).json
    assert pair
    copies = {
        "the session": by_cookie(app, browser),
        "the remembered session": by_cookie(app, remembered),
        "the access token": by_header(app, f"Bearer {pair['access']}"),
        "the API token": by_header(app, f"Token {token}"),
        "the refresh token": lambda: (
            app.test_client().post("/api/v1/token/verify", json={"token": pair["refresh"]}).status_code
        ),
    }
    return Ways(app, user, copies, browser, pair)


def by_cookie(app: Flask, browser: FlaskClient) -> Callable[[], int]:
    """As a thief would, from another browser."""
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie

    def ask() -> int:
        thief = app.test_client()
        thief.set_cookie(name, cookie.value)
        return thief.get("/clients").status_code

    return ask


def by_header(app: Flask, header: str) -> Callable[[], int]:
    return lambda: app.test_client().get("/api/v1/clients", headers={"Authorization": header}).status_code


def signs_out(ways: Ways) -> None:
    ways.browser.post("/sign-out")


def ends_the_tokens(ways: Ways) -> None:
    ways.app.test_client().post("/api/v1/token/revoke", json={"token": ways.pair["refresh"]})


def is_deactivated(ways: Ways) -> None:
    with ways.app.app_context():
        user_administration.deactivate(make_user(Role.ADMINISTRATOR).actor, ways.user.id)


def has_to_wait_again(ways: Ways) -> None:
    with ways.app.app_context(), transaction() as session:
        waiting = {"is_active": False, "waiting_since": ways.user.created_at}
        session.execute(update(models.User).where(models.User.id == ways.user.id).values(waiting))


def is_under_another_key(ways: Ways) -> None:
    """The operator's last resort: another SECRET_KEY."""
    ways.app.secret_key = "another-key-for-tests-of-thirty-two-characters"
    ways.app.config["JWT_SECRET_KEY"] = "another" * 10


@pytest.mark.parametrize(
    ("what_happens", "what_is_left"),
    [
        (signs_out, {"the remembered session"} | PROGRAMS),
        (ends_the_tokens, {"the API token"} | COOKIES),
        (is_deactivated, set()),
        (has_to_wait_again, set()),
        (is_under_another_key, {"the API token"}),
    ],
)
def test_what_was_taken_away_lets_nobody_in_at_the_next_request(
    ways: Ways, what_happens: Callable[[Ways], None], what_is_left: set[str]
) -> None:
    before = ways.open()

    what_happens(ways)

    assert before == COOKIES | PROGRAMS
    assert ways.open() == what_is_left


def test_a_session_that_was_begun_before_the_sign_in_is_not_taken_over(ways: Ways) -> None:
    """Somebody who has put a cookie into another's browser does not come in with them."""
    planted = ways.app.test_client()
    planted.get("/sign-in")
    copy = by_cookie(ways.app, planted) if planted.get_cookie(ways.app.config["SESSION_COOKIE_NAME"]) else None

    sign_in(planted, ways.user)

    assert by_cookie(ways.app, planted)() == 200
    assert copy is None or copy() == 302


def test_what_is_kept_of_them_opens_nothing(ways: Ways) -> None:
    """A copy of the database with its log: hashes, never what was given out."""
    with ways.app.app_context():
        session_token = sessions.begin(ways.user.id, remember=True)
        api_token = api_tokens.make(ways.user.actor, "another", tuple(Scope))[1]
    file = Path(ways.app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))

    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))

    assert ways.user.name.encode() in kept
    given_out = (session_token, api_token, ways.pair["access"], ways.pair["refresh"], PASSWORD)
    assert [text for text in given_out if text.encode() in kept] == []
