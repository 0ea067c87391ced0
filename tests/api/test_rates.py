"""Is a program that asks too often told to wait, and is nobody else?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import api_tokens
from dashboard.domain.users import User
from dashboard.models import Scope
from tests.api.conftest import Program
from tests.factories import PASSWORD, make_user
from tests.support.apps import running_app
from tests.support.settings import NO_LIMIT

SALE = {
    "title": "Spring sale",
    "text": "Everything is cheaper.",
    "start_at": "2030-03-01T10:00:00+03:00",
    "end_at": "2030-03-02T20:00:00+03:00",
    "everybody": True,
}
Limited = Callable[..., FlaskClient]


@pytest.fixture
def limited(app: Flask, tmp_path: Path, redis_url: str) -> Iterator[Limited]:
    """The same installation with other settings: `limited(API_RATE_LIMIT="3/minute")`."""
    with contextmanager(_limited)(app, tmp_path, redis_url) as made:
        yield made


def _limited(app: Flask, tmp_path: Path, redis_url: str) -> Iterator[Limited]:
    opened = []

    def make(**environ: str) -> FlaskClient:
        here = {"DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"], "REDIS_URL": redis_url}
        context = running_app(tmp_path, **(here | environ))
        opened.append(context)
        return context.__enter__().test_client()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def programs_of(client: FlaskClient, user: User, count: int = 1) -> list[Program]:
    with client.application.app_context():
        texts = [api_tokens.make(user.actor, "test", tuple(Scope))[1] for _ in range(count)]
    return [Program(client, user, text) for text in texts]


@pytest.fixture
def ann(app: Flask) -> User:
    with app.app_context():
        return make_user(name="ann")


def left(answer: object) -> tuple[str, str]:
    headers = answer.headers  # type: ignore[attr-defined]
    return headers["RateLimit-Limit"], headers["RateLimit-Remaining"]


def test_what_is_left_is_said_with_every_answer_and_too_many_are_refused(limited: Limited, ann: User) -> None:
    program = programs_of(limited(API_RATE_LIMIT="3/minute"), ann)[0]

    answers = [program.get("/clients"), program.get("/clients/1"), program.ask("OPTIONS", "/clients")]
    answers += [program.get("/clients"), program.get("/clients")]

    assert [answer.status_code for answer in answers] == [200, 404, 200, 200, 429]
    # OPTIONS asks for no token, so it counts for the address.
    assert [left(answer) for answer in answers] == [("3", "2"), ("3", "1"), ("3", "2"), ("3", "0"), ("3", "0")]
    assert 0 < int(answers[-1].headers["RateLimit-Reset"]) <= 60
    assert answers[-1].headers["Retry-After"] == answers[-1].headers["RateLimit-Reset"]
    assert (answers[-1].content_type, answers[-1].json["code"]) == (
        "application/problem+json",
        "too_many_requests",
    )


def test_a_users_tokens_are_counted_together_and_other_users_for_themselves(
    limited: Limited, app: Flask, ann: User
) -> None:
    with app.app_context():
        bob = make_user()
    client = limited(API_RATE_LIMIT="2/minute")
    first, second = programs_of(client, ann, 2)
    others = programs_of(client, bob)[0]

    statuses = [program.get("/clients").status_code for program in (first, second, first, second, others)]

    assert statuses == [200, 200, 429, 429, 200]


def test_when_the_window_is_over_it_begins_anew(limited: Limited, ann: User) -> None:
    program = programs_of(limited(API_RATE_LIMIT="1/second"), ann)[0]
    client = program.client

    statuses = [program.get("/clients").status_code]
    while statuses[-1] == 200 and len(statuses) < 50:
        statuses.append(program.get("/clients").status_code)
    clock.sleep(1.1)

    assert statuses[-1] == 429
    assert client.get("/api/v1/clients").status_code == 401
    assert program.get("/clients").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/clients", "/api/v1/nowhere", "/api/v1/token/nowhere"])
def test_who_names_no_user_is_counted_by_address(limited: Limited, path: str) -> None:
    client = limited(API_RATE_LIMIT="2/minute")

    answers = [client.get(path, headers={"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(3)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert [left(answer) for answer in answers] == [("2", "1"), ("2", "0"), ("2", "0")]


def test_only_the_address_that_a_trusted_proxy_tells_counts(
    limited: Limited,
) -> None:
    client = limited(API_RATE_LIMIT="1/minute", TRUSTED_PROXIES="1")

    told = ["1.1.1.1", "2.2.2.2, 1.1.1.1", "1.1.1.1, 2.2.2.2"]
    statuses = [client.get("/api/v1", headers={"X-Forwarded-For": header}).status_code for header in told]

    assert statuses == [200, 429, 200]


def test_writing_mailings_has_a_limit_of_its_own(limited: Limited, ann: User) -> None:
    program = programs_of(limited(API_CREATE_RATE_LIMIT="1/hour"), ann)[0]

    answers = [program.post("/mailings", SALE), program.post("/mailings", SALE), program.get("/mailings")]

    assert [answer.status_code for answer in answers] == [201, 429, 200]
    assert left(answers[0]) == ("1", "0")
    assert answers[2].json["total"] == 1


def test_limits_hold_while_redis_is_away(limited: Limited, ann: User, tmp_path: Path) -> None:
    client = limited(API_RATE_LIMIT="2/minute", REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    program = programs_of(client, ann)[0]

    assert [program.get("/clients").status_code for _ in range(3)] == [200, 200, 429]


def test_the_sixth_wrong_password_for_one_name_is_not_even_looked_at(client: FlaskClient, ann: User) -> None:
    def attempt(name: str, password: str) -> int:
        return client.post("/api/v1/token", json={"username": name, "password": password}).status_code

    wrong = [attempt("ann", "wrong") for _ in range(5)]

    assert wrong == [401] * 5
    assert attempt("ANN", PASSWORD) == 429


def test_good_passwords_do_not_use_up_the_tries(client: FlaskClient, ann: User) -> None:
    body = {"username": "ann", "password": PASSWORD}

    assert [client.post("/api/v1/token", json=body).status_code for _ in range(8)] == [200] * 8


def test_the_eleventh_wrong_try_from_one_address_is_not_even_looked_at(client: FlaskClient) -> None:
    bodies = [{"username": f"name-{number}", "password": "wrong"} for number in range(11)]

    statuses = [client.post("/api/v1/token", json=body).status_code for body in bodies]

    assert statuses == [401] * 10 + [429]


def test_other_tests_do_not_meet_the_limit(client: FlaskClient) -> None:
    assert left(client.get("/api/v1")) == (NO_LIMIT["API_RATE_LIMIT"].split("/")[0], "999999998")
