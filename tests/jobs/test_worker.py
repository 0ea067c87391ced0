"""Jobs as RQ runs them: forked, with connections of their own, and stopped gently."""

import os
import signal
from pathlib import Path

from flask import Flask

from dashboard import clock
from dashboard.gateway.simulator_server import running_simulator
from dashboard.jobs import queues, worker
from dashboard.models import State, Status
from tests.factories import make_actor
from tests.support.apps import sqlite_app
from tests.support.engine import add_clients, ledger, schedule, state_of


def run_all_jobs(queue: str) -> None:
    """A job that fails does so in its child, of which nothing is seen here but what RQ keeps."""
    worker.build(queue).work(burst=True, logging_level="WARNING")
    failed = queues.queue(queue).failed_job_registry
    jobs = [queues.queue(queue).fetch_job(job_id) for job_id in failed.get_job_ids()]
    assert [job and job.exc_info for job in jobs] == []


def test_a_knock_sends_a_due_mailing_through_the_gateway(
    sqlite_template: Path, tmp_path: Path, redis_url: str
) -> None:
    with (
        running_simulator(token="a-token-for-tests") as simulator,
        sqlite_app(
            sqlite_template,
            tmp_path,
            REDIS_URL=redis_url,
            GATEWAY_URL=simulator.url,
            GATEWAY_TOKEN="a-token-for-tests",
        ) as app,
        app.app_context(),
    ):
        owner = make_actor()
        add_clients(owner, 200)
        mailing_id = schedule(owner)
        queues.work_later()

        run_all_jobs(queues.SENDING)

        assert ledger(mailing_id) == {Status.SENT: 200}
        assert state_of(mailing_id) is State.FINISHED
        assert simulator.simulator.log.counts()["accepted"] == 200


def test_a_worker_that_is_told_to_stop_lets_its_child_end_early(app_context: Flask) -> None:
    queues.queue(queues.BACKGROUND).enqueue("tests.jobs.test_worker.wait_for_the_stop_signal")
    began_at = clock.monotonic()
    parent = os.fork()
    if parent == 0:
        run_all_jobs(queues.BACKGROUND)
        os._exit(0)
    clock.sleep(2)

    os.kill(parent, signal.SIGTERM)
    os.waitpid(parent, 0)

    assert queues.connection().get("ended") == b"early"
    assert clock.monotonic() - began_at < LONGEST


LONGEST = 30


def wait_for_the_stop_signal() -> None:
    """A job that would take long, and ends early when it is told to."""
    told = []
    signal.signal(worker.STOP_SIGNAL, lambda *_: told.append(True))
    give_up_at = clock.monotonic() + LONGEST
    while not told and clock.monotonic() < give_up_at:
        clock.sleep(0.05)
    queues.connection().set("ended", "early" if told else "late")
