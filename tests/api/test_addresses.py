"""Is every address there as a program expects it: by any method, with and without a slash, and in the log?"""

import logging
from io import StringIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import logs
from dashboard.api import is_ours
from dashboard.domain import clients
from dashboard.redaction import Redactor
from tests.api.conftest import Program
from tests.api.test_repeating import ANNA
from tests.factories import make_user, sign_in


def addresses(app: Flask) -> dict[str, set[str]]:
    """With numbers that nobody has, and by which methods they are asked."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if is_ours(rule.rule):
            address = app.url_map.bind("localhost").build(
                rule.endpoint, dict.fromkeys(rule.arguments, 2_000_000_000)
            )
            found.setdefault(address, set()).update(rule.methods or ())
    return found


def test_options_tells_everybody_the_methods_and_nothing_else(app: Flask) -> None:
    client = app.test_client()

    told = {address: client.options(address + slash) for address in addresses(app) for slash in ("", "/")}

    assert {address: set(answer.allow) for address, answer in told.items()} == addresses(app)
    assert {(answer.status_code, answer.data) for answer in told.values()} == {(200, b"")}
    assert len(told) > 20


def test_head_is_answered_as_get_is_but_without_a_body(app: Flask, program: Program) -> None:
    read = [address.removeprefix("/api/v1") for address, methods in addresses(app).items() if "GET" in methods]

    for address in read:
        got, head = program.get(address), program.ask("HEAD", address)
        assert (head.status_code, head.data, head.content_type) == (got.status_code, b"", got.content_type)
        assert program.get(address + "/").status_code == got.status_code
    assert len(read) > 8


def test_a_method_that_an_address_does_not_know_is_a_problem_that_names_the_others(app: Flask) -> None:
    client = app.test_client()

    for address, methods in addresses(app).items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = client.open(address, method=method)
            assert (answer.status_code, answer.content_type) == (405, "application/problem+json"), address
            assert set(answer.allow) == methods


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1/nowhere", "/api/v2", "/api/v1//tokens", "/api/v1/clients/99999999999", "/api/%00"],
)
def test_what_is_nowhere_is_a_problem_without_a_token_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_a_cookie_lets_no_program_in(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        user = make_user()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, user)

    assert client.get("/clients").status_code == 200
    assert client.get("/api/v1/clients").status_code == 401


def test_a_request_is_called_as_its_sender_calls_it(program: Program) -> None:
    answers = [program.get(path, X_Request_ID="order-7/a") for path in ("/clients", "/clients/1", "/nowhere")]

    assert [answer.headers["X-Request-ID"] for answer in answers] == ["order-7/a"] * 3
    assert [answer.json["request_id"] for answer in answers[1:]] == ["order-7/a"] * 2


@pytest.mark.parametrize("name", ["", "x" * 129, "two words", "naïve"])
def test_a_name_that_could_spoil_the_log_is_replaced(program: Program, name: str) -> None:
    given = program.get("/clients", X_Request_ID=name).headers["X-Request-ID"]

    assert given != name
    assert given.isalnum()


def test_every_line_of_the_log_names_its_request(
    app: Flask, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.StreamHandler(StringIO())
    log.setFormatter(logs.TextFormatter(Redactor()))
    app.logger.addHandler(log)
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    monkeypatch.setattr(clients, "add", lambda *_arguments: 1 / 0)

    answer = program.post("/clients", ANNA, X_Request_ID="order-8")
    app.logger.warning("after it")
    app.logger.removeHandler(log)

    lines = [line for line in log.stream.getvalue().splitlines() if line.startswith("[2")]
    assert answer.json["request_id"] == "order-8"
    assert [" [order-8]: " in line for line in lines] == [True, True, True, False]
