"""Is somebody forgotten, too, whom another worker is about to write to at the same instant?

Only PostgreSQL lets two write at once.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dashboard.database import db
from dashboard.domain import erased, erasing, lanes, messages, single_messages
from dashboard.models import Role, Status
from tests.factories import make_actor
from tests.factories_clients import make_client
from tests.support.engine import fan_out_all, messages_of

PHONE = "79161234567"
# Whoever waits for the other would wait for ever: they are in one process.
PATIENCE_SECONDS = 0.5


class Eraser:
    """Erases in a thread of its own, as soon as somebody does what is `watched`; who does it waits a little."""

    def __init__(self, app: Flask, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.app, self.folder, self.pool = app, folder, pool
        self.done: Future[Any] | None = None

    def watch(self, patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        work = getattr(module, name)

        def meanwhile(*args: Any, **options: Any) -> Any:
            if self.done is None:
                self.done = self.pool.submit(self._erase)
                with suppress(TimeoutError):
                    self.done.result(PATIENCE_SECONDS)
            return work(*args, **options)

        patch.setattr(module, name, meanwhile)

    def _erase(self) -> None:
        with self.app.app_context():
            erasing.erase(None, PHONE, self.folder)


@pytest.mark.postgres
def test_one_message_more_is_not_sent_to_whom_is_being_erased(
    pg_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pg_app.app_context(), ThreadPoolExecutor(1) as pool:
        boss = make_actor(Role.ADMINISTRATOR)
        make_client(boss, "79160000000", "vip")
        mailing_id = fan_out_all(boss)
        client_id = make_client(boss, PHONE)
        eraser = Eraser(pg_app, tmp_path, pool)
        eraser.watch(monkeypatch, single_messages, "values_for")

        message_id = single_messages.create(boss, mailing_id, client_id)
        assert eraser.done is not None
        eraser.done.result(10)

        db.session.rollback()
        message = messages.get(boss, message_id)
        assert (message.status, message.reason) == (Status.CANCELLED, erasing.ERASED)
        assert erased.is_pseudonym(message.phone)


@pytest.mark.postgres
def test_a_fan_out_selects_nobody_who_is_being_erased(
    pg_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pg_app.app_context(), ThreadPoolExecutor(1) as pool:
        boss = make_actor(Role.ADMINISTRATOR)
        for phone in (PHONE, "79160000000"):
            make_client(boss, phone, "vip")
        eraser = Eraser(pg_app, tmp_path, pool)
        eraser.watch(monkeypatch, lanes, "open_missing")

        mailing_id = fan_out_all(boss)
        assert eraser.done is not None
        eraser.done.result(10)

        db.session.rollback()
        assert [each.phone for each in messages_of(mailing_id) if not each.phone.startswith("0")] == [
            "79160000000"
        ]
