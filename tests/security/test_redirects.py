"""Does anything that somebody else has put into an address or a header lead a browser away from here?

Where an answer leads is asked of a real browser's own reading of addresses, beside the page on which it is met.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from dashboard.domain import users
from dashboard.models import Role
from dashboard.web.access import local_path
from tests.factories import PASSWORD, make_user, sign_in
from tests.support.payloads import elsewhere

OURS = "http://localhost"
READ = f"""addresses => addresses.filter(address => {{
    try {{ return new URL(address, '{OURS}/sign-in').origin !== '{OURS}'; }} catch {{ return false; }}
}})"""
# Asks by each way on which an address comes in from outside; answers where that would lead.
Way = Callable[[FlaskClient, str], TestResponse]


@pytest.fixture(autouse=True)
def csrf(no_csrf: None) -> None:
    """Switched off."""


@pytest.fixture
def chief(app: Flask) -> users.User:
    with app.app_context():
        return make_user(Role.ADMINISTRATOR)


def leading_away(browser: Browser, addresses: list[str]) -> list[str]:
    page = browser.new_page()
    found = page.evaluate(READ, addresses)
    page.close()
    return list(found)


def led_to(answer: TestResponse) -> list[str]:
    """Wherever a browser goes by itself, and where it goes after the sign-in."""
    found = [answer.headers[name] for name in ("Location", "HX-Redirect") if name in answer.headers]
    return found + [next_ for each in found for next_ in parse_qs(urlsplit(each).query).get("next", [])]


def in_a_header(text: str) -> str:
    """What a server would hand on of it: neither line ends nor other letters than Latin-1."""
    return (
        "".join(letter for letter in text if letter.isprintable() or letter == "\t")
        .encode("latin-1", "replace")
        .decode("latin-1")
    )


@pytest.mark.browser
def test_no_address_from_outside_is_taken_for_one_of_ours(app: Flask, browser: Browser) -> None:
    tried = elsewhere()
    with app.test_request_context(base_url=OURS):
        taken = [path for address in tried if (path := local_path(address)) is not None]
        kept = [local_path(path) for path in ("/clients?page=2", f"{OURS}/mailings/7", "/unknown?reason=a//b")]

    assert len(set(tried)) >= 200
    assert leading_away(browser, taken) == []
    assert kept == ["/clients?page=2", "/mailings/7", "/unknown?reason=a//b"]
    # The reader of addresses knows a way out when it sees one.
    assert len(leading_away(browser, tried)) > 120


SIGNED_OUT: dict[str, Way] = {
    "the address of a page": lambda client, text: client.get("/clients", query_string={"next": text}),
    "a form that comes too late": lambda client, text: client.post(
        "/clients/new", headers={"Referer": in_a_header(text)}
    ),
    "a part of a page": lambda client, text: client.get(
        "/now", headers={"HX-Request": "true", "HX-Current-URL": in_a_header(text)}
    ),
    # As WSGI has it: the bytes of UTF-8, each as one character.
    "the path itself": lambda client, text: client.get(
        "/", environ_overrides={"PATH_INFO": f"/{text.lstrip()}".encode().decode("latin-1")}
    ),
}
SIGNED_IN: dict[str, Way] = {
    "the sign-in page again": lambda client, text: client.get("/sign-in", query_string={"next": text}),
    "preferences": lambda client, text: client.post("/preferences", data={"next": text}),
    "preferences by htmx": lambda client, text: client.post(
        "/preferences", data={"next": text}, headers={"HX-Request": "true"}
    ),
    "the global stop": lambda client, text: client.post("/brakes/stop", headers={"Referer": in_a_header(text)}),
    "a decision": lambda client, text: client.post("/unknown/decide?all=accept", data={"back": text}),
    "a refusal": lambda client, text: client.post(
        "/mailings/1/pause", headers={"HX-Request": "true", "HX-Current-URL": in_a_header(text)}
    ),
}


@pytest.mark.browser
@pytest.mark.parametrize("every", [pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(600)]), 25])
def test_no_way_in_leads_out(app: Flask, chief: users.User, browser: Browser, every: int) -> None:
    """All of them by all ways; in `make test` other ones by each way."""
    stranger, client = app.test_client(), app.test_client()
    sign_in(client, chief)
    ways = [(stranger, way) for way in SIGNED_OUT.values()] + [(client, way) for way in SIGNED_IN.values()]

    answers = [
        way(asking, text)
        for number, (asking, way) in enumerate(ways)
        for text in elsewhere()[number % every :: every]
    ]

    assert leading_away(browser, [each for answer in answers for each in led_to(answer)]) == []
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


@pytest.mark.browser
def test_signing_in_and_out_lead_nowhere_else(app: Flask, chief: users.User, browser: Browser) -> None:
    client, found = app.test_client(), []
    for text in elsewhere()[::12]:
        entered = client.post("/sign-in", data={"login": chief.name, "password": PASSWORD, "next": text})
        left = client.post(
            "/sign-out", query_string={"next": text}, data={"next": text}, headers={"Referer": "//x"}
        )
        found += [*led_to(entered), *led_to(left)]

    assert leading_away(browser, found) == []
    assert set(found) >= {"/", "/sign-in"}


def test_a_path_in_other_letters_is_led_to_in_ascii(app: Flask, chief: users.User) -> None:
    """A header of anything else breaks the connection: servers write Latin-1."""
    client = app.test_client()
    sign_in(client, chief)

    answer = client.post("/preferences", data={"next": "/clients?q=Анна"}, headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == "/clients?q=%D0%90%D0%BD%D0%BD%D0%B0"
