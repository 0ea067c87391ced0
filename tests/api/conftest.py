"""Which programs ask in these tests?"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.domain import api_tokens
from dashboard.domain.users import User
from dashboard.models import Role, Scope
from tests.factories import make_user


@dataclass
class Program:
    """Asks the API with an API token of its user's."""

    client: FlaskClient
    user: User
    token: str
    language: str = "en"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {"Authorization": f"Token {self.token}", "Accept-Language": self.language} | more
        # A tuple is a file, its content and name; all else goes as JSON.
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, tuple):
            sent = {"data": {"file": (io.BytesIO(body[0]), body[1])}}
        return self.client.open(f"/api/v1{path}", method=method, headers=said, **sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("POST", path, body, **headers)


Programs = Callable[..., Program]


@pytest.fixture
def program_of(app: Flask) -> Programs:
    """`program_of(Role.VIEWER)` is a program of a new viewer, with every scope unless some are given."""
    return partial(program_in, app)


def program_in(
    app: Flask, role: Role = Role.OPERATOR, scopes: tuple[Scope, ...] = tuple(Scope), **user: str
) -> Program:
    """The same for an application of the caller's choice."""
    with app.app_context():
        someone = make_user(role, **user)
        _token, text = api_tokens.make(someone.actor, "test", scopes)
    return Program(app.test_client(), someone, text)


@pytest.fixture
def program(program_of: Programs) -> Program:
    """An operator's."""
    return program_of()
