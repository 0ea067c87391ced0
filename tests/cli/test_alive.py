"""Is it told whether a role of this host works, and is nothing restarted that a restart cannot cure?"""

import socket

import pytest
from flask import Flask

from dashboard.jobs import queues, schedule, worker
from tests.support.installation import free_port
from tests.support.settings import make_settings


def exit_code(app: Flask, role: str) -> int:
    return app.test_cli_runner().invoke(args=["alive", role]).exit_code


def test_a_worker_and_a_scheduler_show_themselves_while_they_live(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(socket, "gethostname", lambda: "another")
            schedule.Clock(connection=queues.connection()).register_birth()
        before = [exit_code(app, role) for role in ("sending", "scheduler")]
        sender, clock = worker.build(queues.SENDING), schedule.Clock(connection=queues.connection())
        sender.register_birth()
        clock.register_birth()
        alive = [exit_code(app, role) for role in ("sending", "scheduler", "background")]
        sender.register_death()
        after = exit_code(app, "sending")

    assert before == [1, 1]
    assert alive == [0, 0, 1]
    assert after == 1


@pytest.mark.parametrize("role", ["sending", "scheduler"])
def test_while_redis_is_away_nobody_is_called_dead(app: Flask, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    away = make_settings(app.config["SETTINGS"].data_dir, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setitem(app.config, "SETTINGS", away)
    monkeypatch.delitem(app.extensions, "redis", raising=False)

    assert exit_code(app, role) == 0


def test_a_web_server_that_nobody_started_does_not_answer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(app.config["SETTINGS"].data_dir, PORT=str(free_port()))
    monkeypatch.setitem(app.config, "SETTINGS", settings)

    assert exit_code(app, "web") == 1
