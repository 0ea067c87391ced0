"""Who opens the pages in these tests?"""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.models import Role
from tests.factories import make_user, sign_in


@pytest.fixture(autouse=True)
def csrf(app: Flask) -> None:
    """Switched off: most tests are about something else. tests/web/test_csrf.py switches it on again."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def signed_in(app: Flask) -> Callable[..., FlaskClient]:
    """`signed_in(Role.VIEWER)` is a browser in which a new viewer is signed in."""

    def browser_of(role: Role = Role.OPERATOR, **user: str) -> FlaskClient:
        client = app.test_client()
        with app.app_context():
            someone = make_user(role, **user)
        sign_in(client, someone)
        return client

    return browser_of
