"""Does everything that goes wrong end in a page that says what and what now?"""

import logging
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest, MethodNotAllowed, RequestEntityTooLarge, TooManyRequests

from dashboard import marks
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from dashboard.web import context
from tests.support.languages import foreign_in
from tests.support.visible_text import visible_texts

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def app(own_app: Flask) -> Flask:
    """It gets an address of these tests."""
    return own_app


@pytest.fixture
def failing(app: Flask) -> Callable[[Exception], None]:
    """`failing(error)`: the view at /failing raises it."""

    def raise_at_failing(error: Exception) -> None:
        def view() -> str:
            raise error

        app.add_url_rule("/failing", "failing", marks.open_to_all(view), methods=["GET", "POST"])
        app.testing = False  # as in earnest: an error becomes an answer

    return raise_at_failing


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound(), 404),
        (Forbidden(), 403),
        (Conflict("mailing_not_draft"), 409),
        (Invalid([Problem("name", "name_missing")]), 422),
        (ZeroDivisionError(), 500),
    ],
)
def test_a_refusal_becomes_a_page_with_its_status(
    client: FlaskClient, failing: Callable[[Exception], None], error: Exception, status: int
) -> None:
    failing(error)

    page = client.get("/failing", headers=ENGLISH)
    part = client.get("/failing", headers={"HX-Request": "true"})

    assert page.status_code == part.status_code == status
    assert f"Error {status}" in page.text
    assert part.text == ""


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    "error",
    [BadRequest(), Forbidden(), NotFound(), MethodNotAllowed(), Conflict("mailing_not_draft"), ZeroDivisionError()]
    + [RequestEntityTooLarge(), Invalid([Problem("name", "name_missing")]), TooManyRequests(), CSRFError()],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_told_in_the_language_of_who_reads_it(
    client: FlaskClient, failing: Callable[[Exception], None], error: Exception, language: str
) -> None:
    failing(error)

    page = client.get("/failing", headers={"Accept-Language": language})

    texts = list(visible_texts(page.text, is_html=True))
    assert page.status_code >= 400
    assert len(texts) > 3
    assert [text for text in texts if foreign_in(text, language)] == []


def test_a_button_that_came_too_late_leads_back_to_its_page_with_the_reason(
    client: FlaskClient, failing: Callable[[Exception], None]
) -> None:
    failing(Conflict("cannot_pause"))

    answer = client.post("/failing", headers={"Referer": "http://localhost/mailings/7"})

    assert answer.status_code == 303
    assert answer.location == "/mailings/7"
    assert "This mailing is not running" in client.get("/sign-in", headers=ENGLISH).text


def test_what_is_no_longer_possible_says_why_and_leads_back(
    client: FlaskClient, failing: Callable[[Exception], None]
) -> None:
    failing(Conflict("cannot_pause"))

    page = client.get("/failing", headers={**ENGLISH, "Referer": "http://localhost/mailings/7?a=1"}).text
    elsewhere = client.get("/failing", headers={**ENGLISH, "Referer": "http://example.org/mailings/7"}).text
    itself = client.get("/failing", headers={**ENGLISH, "Referer": "http://localhost/failing?a=1"}).text

    assert "This mailing is not running." in page
    assert 'href="/mailings/7?a=1">Go back' in page
    assert "Go back</a>" not in elsewhere + itself


def test_an_unknown_address_is_not_found(client: FlaskClient) -> None:
    page = client.get("/no/such/page", headers=ENGLISH)

    assert page.status_code == 404
    assert "There is nothing here" in page.text


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/healthz")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_body_that_is_too_large_is_refused_with_a_page(app: Flask, client: FlaskClient) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000

    answer = client.post("/sign-in", data={"login": "x" * 2000})

    assert answer.status_code == 413
    assert "Error 413" in client.post("/sign-in", data={"login": "x" * 2000}, headers=ENGLISH).text


def test_the_log_holds_the_name_of_a_request_that_broke(
    client: FlaskClient, failing: Callable[[Exception], None], caplog: pytest.LogCaptureFixture
) -> None:
    failing(ZeroDivisionError())

    with caplog.at_level(logging.ERROR):
        answer = client.get("/failing")

    named = [vars(record)["request_id"] for record in caplog.records if record.message == "request broke"]
    assert named == [answer.headers["X-Request-ID"]]


def test_without_a_database_there_is_still_an_answer(
    client: FlaskClient, failing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    failing(OperationalError("SELECT", {}, Exception("gone")))
    monkeypatch.setattr(context, "user_or_none", gone)

    answer = client.get("/failing")

    assert answer.status_code == 500
    assert "Try again in a moment" in answer.text


@pytest.mark.parametrize("path", ["/mailings/new", "/clients/new", "/imports/new"])
def test_a_form_that_is_sent_as_json_or_files_is_an_empty_form(
    signed_in: Callable[..., FlaskClient], path: str
) -> None:
    browser = signed_in()
    names = ("timezone", "version", "tags", "phone", "known", "attributes-0-name", "csrf_token")

    numbers = browser.post(path, json=dict.fromkeys(names, 5))
    not_even_pairs = browser.post(path, json=[1, 2])
    files = browser.post(path, data={name: (BytesIO(b"x"), "x.txt") for name in names})

    assert {numbers.status_code, not_even_pairs.status_code, files.status_code} == {422}
