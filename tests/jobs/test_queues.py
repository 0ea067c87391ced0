"""Does a knock reach a worker, and never harm who knocks?"""

import logging
import socket
import zlib
from pathlib import Path

import pytest
from flask import Flask
from rq.serializers import JSONSerializer

from dashboard.jobs import queues
from tests.support.apps import sqlite_app


def test_a_knock_while_redis_is_away_is_lost_without_an_error(
    sqlite_template: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        sqlite_app(sqlite_template, tmp_path, REDIS_URL=f"unix://{tmp_path}/nobody.sock") as app,
        app.app_context(),
        caplog.at_level(logging.WARNING),
    ):
        queues.work_later()
        queues.import_later(7)

    assert [record.message for record in caplog.records] == ["knock lost, the scheduler repeats it"] * 2


def test_a_redis_that_hangs_holds_nobody_up(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queues, "ANSWER_SECONDS", 0.2)
    path = tmp_path / "mute.sock"
    with (
        socket.socket(socket.AF_UNIX) as mute,
        sqlite_app(sqlite_template, tmp_path, REDIS_URL=f"unix://{path}") as app,
        app.app_context(),
    ):
        mute.bind(str(path))
        mute.listen()
        queues.work_later()

    assert [record.message for record in caplog.records] == ["knock lost, the scheduler repeats it"]


def test_a_job_carries_nothing_that_is_executed_when_it_is_read(app_context: Flask) -> None:
    queues.import_later(7)

    (job,) = queues.queue(queues.BACKGROUND).jobs
    stored = queues.connection().hget(f"rq:job:{job.id}", "data")

    assert job.serializer is JSONSerializer
    assert (job.func_name, job.args) == ("dashboard.jobs.tasks.run_import", [7])
    assert b'"dashboard.jobs.tasks.run_import"' in zlib.decompress(stored)


def test_knocks_for_sending_do_not_pile_up(app_context: Flask) -> None:
    for _ in range(50):
        queues.work_later()

    assert queues.queue(queues.SENDING).count == app_context.config["SETTINGS"].senders
