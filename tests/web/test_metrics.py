"""Does a scrape find what is so, whichever process is asked and however many there are?"""

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from config import ROOT
from dashboard import clock, metrics
from dashboard.domain import breaker, watching
from dashboard.gateway.simulator_server import running_simulator
from dashboard.jobs import meters, queues, worker
from dashboard.models import Status
from tests.factories import make_actor
from tests.support.apps import sqlite_app
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, schedule
from tests.support.installation import free_port

TOKEN = "a-token-for-metrics"
# It runs out at 4102444800.
JWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"
ASKING = {"Authorization": f"Bearer {TOKEN}"}
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def measured(sqlite_template: Path, tmp_path: Path, redis_url: str) -> Iterator[Flask]:
    """An application that counts, with a gateway to send to."""
    metrics.take()
    with (
        running_simulator(token=JWT) as simulator,
        sqlite_app(
            sqlite_template,
            tmp_path,
            REDIS_URL=redis_url,
            METRICS_TOKEN=TOKEN,
            GATEWAY_URL=simulator.url,
            GATEWAY_TOKEN=JWT,
        ) as app,
    ):
        yield app


def samples(text: str) -> Samples:
    """By name and labels, ordered by their names; a bucket's bound is the last."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    bounds = [(sample.labels["le"],) if "le" in sample.labels else () for sample in found]
    return {
        (sample.name, (*(value for name, value in sample.labels.items() if name != "le"), *bound)): sample.value
        for sample, bound in zip(found, bounds, strict=True)
    }


def test_without_a_token_there_is_no_page_and_with_one_nobody_else_reads_it(app: Flask, measured: Flask) -> None:
    refused = measured.test_client().get("/metrics", headers={"Authorization": "Bearer guess"})

    assert app.test_client().get("/metrics").status_code == 404
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_requests_jobs_calls_and_starts_are_counted_over_forks(measured: Flask) -> None:
    client = measured.test_client()
    with measured.app_context():
        owner = make_actor()
        add_clients(owner, 50)
        schedule(owner)
        queues.work_later()
        queues.queue(queues.BACKGROUND).enqueue("tests.web.test_metrics.a_job_that_fails")
        for name in (queues.SENDING, queues.BACKGROUND):
            worker.build(name).work(burst=True, logging_level="CRITICAL")

    client.get("/mailings/7/story")
    client.get("/healthz")
    for method in ("MADEUP", "LIKEWISE"):
        client.open("/healthz", method=method)
    found = samples(client.get("/metrics", headers=ASKING).text)

    assert found["vestnik_gateway_call_seconds_count", ("accepted",)] == 50
    assert found["vestnik_gateway_call_seconds_bucket", ("accepted", "+Inf")] == 50
    assert found["vestnik_job_seconds_count", ("work", "ok")] == 1
    assert found["vestnik_job_seconds_count", ("a_job_that_fails", "failed")] == 1
    assert found["vestnik_start_lateness_seconds_count", ()] == 1
    assert found["vestnik_request_seconds_count", ("GET", "/healthz", "2xx")] == 1
    assert found["vestnik_request_seconds_count", ("other", "none", "4xx")] == 2
    assert found["vestnik_request_seconds_count", ("GET", "/mailings/<mailing_id>/story", "3xx")] == 1
    assert found["vestnik_messages", ("sent",)] == 50
    assert found["vestnik_gateway_token_expiry_timestamp_seconds", ()] == 4102444800
    assert found["vestnik_database_up", ()] == found["vestnik_redis_up", ()] == 1
    assert {name for name, _labels in found} >= {metric.name for metric in metrics.ASKED}


def a_job_that_fails() -> None:
    raise ZeroDivisionError


def test_what_processes_count_at_the_same_time_adds_up(measured: Flask) -> None:
    def count() -> None:
        metrics.take()
        with measured.app_context():
            for _ in range(20):
                metrics.observe(metrics.JOBS, 0.25, "counted", "ok")
                meters.flush()

    processes = [multiprocessing.get_context("fork").Process(target=count) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    with measured.app_context():
        (labels, buckets, total), *others = meters.histograms()[metrics.JOBS.name]
    assert (labels, total, others) == (("counted", "ok"), 20.0, [])
    assert dict(buckets)["0.1"] == 0
    assert dict(buckets)["0.5"] == dict(buckets)["+Inf"] == 80


def test_while_redis_or_the_database_is_away_the_rest_is_told(sqlite_template: Path, tmp_path: Path) -> None:
    metrics.take()
    options = {"REDIS_URL": f"unix://{tmp_path}/nobody.sock", "METRICS_TOKEN": TOKEN}
    with sqlite_app(sqlite_template, tmp_path, **options) as app:
        without_redis = samples(app.test_client().get("/metrics", headers=ASKING).text)
        (tmp_path / "vestnik.db").write_bytes(b"no database at all" * 100)
        without_both = samples(app.test_client().get("/metrics", headers=ASKING).text)

    assert (without_redis["vestnik_redis_up", ()], without_redis["vestnik_database_up", ()]) == (0, 1)
    assert without_redis["vestnik_messages", ("sent",)] == 0
    assert (without_both["vestnik_redis_up", ()], without_both["vestnik_database_up", ()]) == (0, 0)
    assert [key for key in metrics.take() if key[0] == metrics.REQUESTS.name]


def test_what_is_due_waits_and_stands_still_is_told(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 30)
    fan_out_all(owner)
    before = watching.standing()
    breaker.open_("http_503")
    opened = watching.standing()
    breaker.close()
    deliver(ScriptedGateway())
    after = watching.standing()

    assert (before.due, before.messages[Status.QUEUED], before.is_breaker_open) == (30, 30, False)
    assert opened.is_breaker_open
    assert (after.due, after.messages[Status.QUEUED], after.messages[Status.SENT]) == (0, 0, 30)
    assert "sweep" in after.heartbeats


@pytest.mark.slow
def test_two_gunicorn_workers_are_counted_together_and_speak_as_we_do(measured: Flask, tmp_path: Path) -> None:
    port = free_port()
    settings = measured.config["SETTINGS"]
    environ = {
        "PATH": "/usr/bin:/bin",
        "FLASK_SKIP_DOTENV": "1",
        "DATA_DIR": str(tmp_path),
        "REDIS_URL": settings.redis_url,
        "METRICS_TOKEN": TOKEN,
        "LOG_FORMAT": "json",
        "SECRET_KEY": settings.secret_key,
    }
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    command += ["--no-control-socket", "--logger-class", "dashboard.cli.web_log.GunicornLog"]
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=file)
    try:
        _until_it_answers(port)
        told = {requests.get(f"http://127.0.0.1:{port}/sign-in", timeout=5).status_code for _ in range(60)}
        time.sleep(3 * meters.FLUSH_SECONDS)
        found = samples(requests.get(f"http://127.0.0.1:{port}/metrics", headers=ASKING, timeout=5).text)
    finally:
        server.terminate()
        server.wait(20)

    assert told == {200}
    assert found["vestnik_request_seconds_count", ("GET", "/sign-in", "2xx")] == 60
    assert found["vestnik_database_pool_size", ()] > 5
    lines = [json.loads(line) for line in said.read_text().splitlines()]
    assert {"gunicorn.error"} <= {line["logger"] for line in lines}
    assert any("Listening at" in line["message"] for line in lines)


def _until_it_answers(port: int) -> None:
    give_up_at = clock.monotonic() + 30
    while clock.monotonic() < give_up_at:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok:
                return
        except requests.RequestException:
            clock.sleep(0.1)
    raise TimeoutError
