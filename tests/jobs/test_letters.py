"""Do people get the letters that are meant for them, in their language, and nobody else's?"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.database import db, transaction
from dashboard.domain import mails, password_changes
from dashboard.domain.mails import Due
from dashboard.jobs import letters, queues, schedule, tasks
from dashboard.models import Mail, PasswordLink
from tests.factories import make_user
from tests.support.apps import quick_passwords, sqlite_app
from tests.support.mail_server import Mailbox, mail_server, side

PUBLIC_URL = "https://vestnik.example.com/sub"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def mailing_app(sqlite_template: Path, tmp_path: Path, redis_url: str, mailbox: Mailbox) -> Iterator[Flask]:
    settings = {"SMTP_URL": mailbox.url, "MAIL_FROM": "vestnik@example.com", "PUBLIC_URL": PUBLIC_URL}
    app = sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url, **settings)
    with quick_passwords(), app as running, running.app_context():
        yield running


def test_a_forgotten_password_is_answered_by_a_link_that_lies_nowhere_else(
    mailing_app: Flask, mailbox: Mailbox
) -> None:
    user = make_user(name="Anna <b>", email="anna@example.com")
    password_changes.ask(" Anna@Example.com ")

    tasks.send_mail()

    ((recipients, letter),) = mailbox.taken
    text, html = side(letter, "plain"), side(letter, "html")
    token = re.search(re.escape(f"{PUBLIC_URL}/password/") + r"([\w-]{43})\s", text)
    assert token
    assert recipients == ["anna@example.com"]
    assert letter["Subject"] == "Set a new password for Vestnik"
    assert "Hello, Anna <b>." in text
    assert "Hello, Anna &lt;b&gt;." in html
    assert f'href="{PUBLIC_URL}/password/{token[1]}"' in html
    assert password_changes.owner_of(token[1]) == user
    assert token[1] not in (db.session.scalar(select(PasswordLink.token_hash)) or "")
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0


def test_nobody_hears_of_an_address_that_nobody_has_or_that_waits_or_is_switched_off(
    mailing_app: Flask, mailbox: Mailbox
) -> None:
    make_user(name="gone", email="gone@example.com", is_active=False)
    for address in ("nobody@example.com", "gone@example.com", "", "x" * 500, "a@b\r\nBcc: eve@example.com"):
        password_changes.ask(address)

    tasks.send_mail()

    assert mailbox.asked == 0
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0


@pytest.mark.parametrize(
    "kind", ["password_forgotten", "invitation", "password_changed", "approved", "email_changed"]
)
def test_every_letter_has_two_sides_that_say_the_same(mailing_app: Flask, kind: str) -> None:
    user = make_user(name="Anna", email="anna@example.com")

    letter = letters.write(Due(1, kind, user.email, user.id, {"email": "new@example.com"}, 0))

    assert letter is not None
    assert letter.subject
    plain = re.sub(r"\s+", " ", re.sub(r"<title>.*?</title>|<[^>]+>|\{#.*?#\}", " ", letter.html))
    for line in letter.text.splitlines():
        if line.strip() not in ("", "--") and "/password/" not in line:
            assert line.strip() in plain


def test_a_server_that_is_away_for_a_while_loses_nothing(mailing_app: Flask, mailbox: Mailbox) -> None:
    user = make_user()
    mailbox.reply = lambda number: "451 later" if number == 1 else "250 taken"
    with transaction() as session:
        mails.post(session, "password_changed", user.email, user_id=user.id)

    tasks.send_mail()
    assert mailbox.taken == []
    with transaction() as session:
        session.execute(Mail.__table__.update().values(next_try_at=Mail.created_at))  # type: ignore[attr-defined]
    tasks.send_mail()

    assert [recipients for recipients, _letter in mailbox.taken] == [[user.email]]


def test_a_knock_is_made_only_where_there_is_a_server(mailing_app: Flask, app_context: Flask) -> None:
    queues.mail_later()
    assert queues.queue(queues.WEBHOOKS).count == 0

    with mailing_app.app_context():
        for _ in range(5):
            queues.mail_later()

    assert queues.queue(queues.WEBHOOKS).count == 2
    assert schedule.SCHEDULE["mail"].knock is queues.mail_later
