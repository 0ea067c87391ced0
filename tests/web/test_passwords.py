"""Does who has forgotten a password set a new one by a letter, and does nobody else gain anything by it?"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import password_changes
from dashboard.jobs import tasks
from tests.factories import PASSWORD, SignedIn, make_user, sign_in
from tests.support.apps import quick_passwords, sqlite_app
from tests.support.mail_server import Mailbox, mail_server, side

NEW = "another horse altogether"
TWICE = {"password": NEW, "password_again": NEW}


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def app(sqlite_template: Path, tmp_path: Path, redis_url: str, mailbox: Mailbox) -> Iterator[Flask]:
    settings = {
        "SMTP_URL": mailbox.url,
        "MAIL_FROM": "vestnik@example.com",
        "PUBLIC_URL": "https://vestnik.example",
    }
    app = sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url, **settings)
    with quick_passwords(), app as running:
        yield running


def mailed_path(app: Flask, mailbox: Mailbox) -> str:
    """Of the link in the newest letter, which is sent now."""
    with app.app_context():
        tasks.send_mail()
    link = re.search(r"https://vestnik\.example(/password/\S+)", side(mailbox.taken[-1][1], "plain"))
    assert link
    return link[1]


def test_from_the_sign_in_page_by_a_letter_to_a_new_password(
    app: Flask, mailbox: Mailbox, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        user = make_user(email="anna@example.com")
    old = app.test_client()
    sign_in(old, user)
    assert 'href="/password/forgotten"' in client.get("/sign-in").text

    with caplog.at_level(logging.DEBUG):
        client.post("/password/forgotten", data={"email": "ANNA@example.com"}, headers={"Host": "evil.example"})
        path = mailed_path(app, mailbox)
        led_to = client.get(path)
        page = client.get(led_to.location)
        refused = client.post("/password/new", data={**TWICE, "password_again": "other"})
        done = client.post("/password/new", data=TWICE)

    token = path.rpartition("/")[2]
    assert (led_to.status_code, led_to.location) == (303, "/password/new")
    assert user.name in page.text
    assert refused.status_code == 422
    assert done.location == "/sign-in"
    # But in the log of the mail server, which is no part of ours.
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert token not in page.text + " ".join(ours)
    assert old.get("/clients").status_code == 302
    client.post("/sign-in", data={"login": user.name, "password": NEW})
    assert client.get("/clients").status_code == 200
    thief = app.test_client()
    thief.get(path)
    assert thief.post("/password/new", data=TWICE).status_code == 410
    with app.app_context():
        tasks.send_mail()
    assert mailbox.taken[-1][1]["Subject"] == "Your password for Vestnik has been changed"


def test_the_answer_is_the_same_for_an_address_that_nobody_has(
    app: Flask, mailbox: Mailbox, client: FlaskClient
) -> None:
    with app.app_context():
        make_user(email="anna@example.com")

    known, unknown, nonsense = (
        client.post("/password/forgotten", data={"email": email})
        for email in ("anna@example.com", "nobody@example.com", "nonsense")
    )

    strip = re.compile(r'<meta name="csrf-token"[^>]*>')
    assert strip.sub("", known.text) == strip.sub("", unknown.text)
    assert (known.status_code, unknown.status_code, nonsense.status_code) == (200, 200, 422)


def test_letters_are_limited_by_account_and_by_address(app: Flask, client: FlaskClient) -> None:
    def ask(email: str) -> int:
        return client.post("/password/forgotten", data={"email": email}).status_code

    assert [ask("anna@example.com") for _ in range(4)] == [200, 200, 200, 429]
    assert [ask(f"{number}@example.com") for number in range(8)].count(429) >= 1


def test_a_link_for_a_user_who_was_switched_off_opens_nothing(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        token = password_changes.issue(make_user(is_active=False).id, password_changes.HANDED)

    client.get(f"/password/{token}")

    assert client.get("/password/new").status_code == 410
    assert client.post("/password/new", data=TWICE).status_code == 410


def test_who_changes_their_address_is_told_at_the_old_one(
    app: Flask, mailbox: Mailbox, signed_in: SignedIn
) -> None:
    browser = signed_in(email="old@example.com")

    browser.post("/profile/details", data={"name": "Ben", "email": "new@example.com", "current": PASSWORD})
    with app.app_context():
        tasks.send_mail()

    ((recipients, letter),) = mailbox.taken
    assert recipients == ["old@example.com"]
    assert "new@example.com" in side(letter, "plain")
