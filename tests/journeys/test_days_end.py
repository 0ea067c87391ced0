"""What does a whole installation do by itself when a day has ended, and with what has become too old?

A mail server beside it, as a process of its own, keeps the letters; a second scheduler runs beside the first.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select, update

from config import Settings
from dashboard import clock, create_app
from dashboard.database import db, transaction
from dashboard.domain import api_tokens, books, tallies
from dashboard.models import Mailing, Message, Role, Scope, User
from tests.factories import make_user
from tests.support.apps import migrate
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, set_mailing
from tests.support.installation import Installation, free_port
from tests.support.mail_server import side

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
# The digest is looked for every 60 seconds.
SECONDS_UNTIL_IT_IS_LOOKED_FOR_AGAIN = 65


@contextmanager
def mail_server_process(folder: Path) -> Iterator[int]:
    """Its port. Each letter becomes a file in `folder`/new."""
    port = free_port()
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-u", "-l", f"127.0.0.1:{port}"]
    process = subprocess.Popen([*command, "-c", "aiosmtpd.handlers.Mailbox", str(folder)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def letters_in(folder: Path) -> list[EmailMessage]:
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (folder / "new").glob("*")]


def wait_until(holds: Callable[[], bool], installation: Installation, seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, installation.printed
        time.sleep(0.2)


def test_the_day_is_told_once_by_letter_and_an_old_mailing_becomes_numbers(tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    ended = clock.now() - timedelta(minutes=2)
    with mail_server_process(letters) as port:
        installation = Installation(
            tmp_path,
            DATABASE_URL=f"sqlite:///{tmp_path / 'vestnik.db'}",
            TIMEZONE="UTC",
            SMTP_URL=f"smtp://127.0.0.1:{port}?starttls=0",
            MAIL_FROM="vestnik@example.com",
            DIGEST_AT=f"{ended:%H:%M}",
            MESSAGE_RETENTION_DAYS="30",
        )
        installation.environ["PUBLIC_URL"] = installation.url
        migrate(installation.environ["DATABASE_URL"], tmp_path)
        app = create_app(Settings.from_environ(installation.environ))
        with app.app_context():
            chief = make_user(Role.ADMINISTRATOR, email="boris@example.com", language="ru")
            make_user(Role.ADMINISTRATOR, email="anna@example.com", language="en")
            _token, token = api_tokens.make(chief.actor, "test", tuple(Scope))
            with transaction() as session:
                session.execute(update(User).values(created_at=clock.now() - timedelta(days=90)))
            add_clients(chief.actor, 1_500)
            mailing_id = fan_out_all(chief.actor)
            deliver(ScriptedGateway())
            set_mailing(mailing_id, finished_at=clock.now() - timedelta(days=31))
            before = books.of(mailing_id)
            db.session.rollback()

            def is_folded() -> bool:
                db.session.rollback()
                return db.session.get_one(Mailing, mailing_id).emptied_at is not None

            with installation:
                installation.start_beside("-m", "flask", "--app", "wsgi", "scheduler")
                wait_until(lambda: len(letters_in(letters)) == 2 and is_folded(), installation)
                time.sleep(SECONDS_UNTIL_IT_IS_LOOKED_FOR_AGAIN)
                told = [
                    requests.get(
                        f"{installation.url}/api/v1/mailings/{mailing_id}{each}",
                        headers={"Authorization": f"Token {token}"},
                        timeout=10,
                    ).json()
                    for each in ("", "/statistics", "/messages")
                ]

            assert db.session.scalar(select(func.count()).select_from(Message)) == 0
            assert books.of(mailing_id) == before
            assert tallies.check(mailing_id) == []
            db.session.remove()
            db.engine.dispose()
    by_reader = {letter["To"]: letter for letter in letters_in(letters)}
    assert sorted(by_reader) == ["anna@example.com", "boris@example.com"]
    assert len(letters_in(letters)) == 2
    assert "Сообщения за день\n" in side(by_reader["boris@example.com"], "plain").replace("\r\n", "\n")
    assert "Messages of the day" in side(by_reader["anna@example.com"], "html")
    assert told[0]["messages_folded_at"] is not None
    assert told[1]["sent"] == 1_500
    assert told[2]["items"] == []
