"""Who opens the pages in these tests?"""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import SignedIn, make_user, sign_in


@pytest.fixture(autouse=True)
def csrf(app: Flask) -> None:
    """Switched off: most tests are about something else. tests/web/test_csrf.py switches it on again."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def owner(app: Flask) -> User:
    """An operator."""
    with app.app_context():
        return make_user()


@pytest.fixture
def browser(app: Flask, owner: User) -> FlaskClient:
    """The owner's: not the real one that the journeys drive."""
    client = app.test_client()
    sign_in(client, owner)
    return client


@pytest.fixture
def signed_in(app: Flask) -> SignedIn:
    """`signed_in(Role.VIEWER)` is a browser in which a new viewer is signed in."""

    def browser_of(role: Role = Role.OPERATOR, **user: str) -> FlaskClient:
        client = app.test_client()
        with app.app_context():
            someone = make_user(role, **user)
        sign_in(client, someone)
        return client

    return browser_of
