"""Does one hook keep everybody where they belong?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from dashboard import clock, marks
from dashboard.database import transaction
from dashboard.domain import sessions
from dashboard.domain.permissions import may_administer
from dashboard.models import Role, User
from dashboard.web import access
from tests.factories import SignedIn


@pytest.fixture
def app(own_app: Flask) -> Flask:
    """It gets addresses of these tests."""
    return own_app


@pytest.fixture(autouse=True)
def views(app: Flask) -> None:
    """Views with every kind of mark; the product's own are in tests/house/test_routes.py."""

    def route(rule: str, mark: Callable[..., object] = lambda view: view) -> None:
        def marked() -> str:
            return "seen"

        mark(marked)
        app.add_url_rule(rule, rule, marked, methods=["GET", "POST"])

    route("/plain")
    route("/open", marks.open_to_all)
    route("/own", marks.own_account)
    route("/polled", access.poll)
    route("/changing", marks.requires_change)
    route("/for-administrators", marks.requires(may_administer))


def test_nobody_sees_a_page_without_signing_in_and_is_led_back_to_it_afterwards(client: FlaskClient) -> None:
    answer = client.get("/plain?page=2")

    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/plain?page%3D2"


def test_after_a_form_the_way_leads_back_to_the_page_it_stood_on(client: FlaskClient) -> None:
    answer = client.post("/plain", headers={"Referer": "http://localhost/clients/new"})

    assert answer.location == "/sign-in?next=/clients/new"


def test_an_open_view_asks_for_nothing(client: FlaskClient) -> None:
    assert client.get("/open").text == "seen"


@pytest.mark.parametrize(
    ("looked_at", "sign_in"),
    [
        ("http://localhost/mailings/7?tab=messages", "/sign-in?next=/mailings/7?tab%3Dmessages"),
        ("http://evil.example/mailings/7", "/sign-in"),
        ("http://localhost//evil.example", "/sign-in"),
        ("http://[broken", "/sign-in"),
    ],
)
def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(
    client: FlaskClient, looked_at: str, sign_in: str
) -> None:
    answer = client.get("/polled", headers={"HX-Request": "true", "HX-Current-URL": looked_at})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == sign_in
    assert answer.text == ""


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        (Role.VIEWER, "GET", "/plain", 200),
        (Role.VIEWER, "POST", "/plain", 403),
        (Role.VIEWER, "POST", "/own", 200),
        (Role.VIEWER, "GET", "/changing", 403),
        (Role.VIEWER, "GET", "/for-administrators", 403),
        (Role.OPERATOR, "POST", "/plain", 200),
        (Role.OPERATOR, "GET", "/changing", 200),
        (Role.OPERATOR, "GET", "/for-administrators", 403),
        (Role.ADMINISTRATOR, "POST", "/for-administrators", 200),
    ],
)
def test_a_role_opens_what_is_its_own(
    signed_in: SignedIn, role: Role, method: str, path: str, status: int
) -> None:
    client = signed_in(role)

    answer = client.open(path, method=method)

    assert answer.status_code == status


def test_who_is_switched_off_is_out_at_once(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in()
    assert client.get("/plain").status_code == 200

    with app.app_context(), transaction() as session:
        session.execute(update(User).values(is_active=False))

    assert client.get("/plain").status_code == 302


def test_a_page_prolongs_the_login_and_a_poll_does_not(signed_in: SignedIn) -> None:
    polling, refreshing, reading = signed_in(), signed_in(), signed_in()
    start = clock.now()

    with time_machine.travel(start + sessions.IDLE - timedelta(hours=1)):
        polling.get("/polled")
        refreshing.get("/plain", headers={"X-Poll": "1"})
        reading.get("/plain")
    with time_machine.travel(start + sessions.IDLE + timedelta(hours=1)):
        found = [client.get("/plain").status_code for client in (polling, refreshing, reading)]

    assert found == [302, 302, 200]
