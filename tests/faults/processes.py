"""Which processes are killed, stopped, or one too many?"""

import signal
from collections.abc import Sequence
from datetime import datetime, timedelta

import psutil
from sqlalchemy import select

from dashboard import clock
from dashboard.database import snapshot, transaction
from dashboard.models import Attempt, Service
from tests.faults.fault import EITHER, KILL_SECONDS, SERVER_SECONDS, Fault
from tests.faults.run import Run
from tests.properties.test_rates import busiest_second

SECONDS_AWAY = 3
# Calls a second.
RATE = 150
# Longer than a lease with the usual deadline of a call, 21 s.
SECONDS_FROZEN, SECONDS_TO_WAKE = 25, 3
# Runs with a clock of its own: two hours off.
SKEWED_WORKER = """
import sys
from datetime import timedelta
from dashboard import clock
from dashboard.gateway import HttpGateway
true_now = clock.now
clock.now = lambda: true_now() + timedelta(hours={hours})
submit = HttpGateway.submit
def told(self, call):
    print("called with a wrong clock", flush=True)
    submit(self, call)
HttpGateway.submit = told
from flask.cli import main
sys.argv = ["flask", "--app", "dashboard:create_worker", "worker", "sending"]
main()
"""


def kill_worker(run: Run) -> None:
    """Its child, which sends, lives on: so nothing is in doubt."""
    run.wait_for_some()
    with run.struck():
        kill(run, "worker", "sending")


def kill_child(run: Run) -> None:
    run.wait_for_some()
    child = a_sending_child(run)
    with run.struck():
        child.kill()
        child.wait(5)
    run.doubt_what_is_in_the_air()


def freeze_child(run: Run) -> None:
    """As when a host hangs: its messages are decided about meanwhile; then it goes on as if nothing had been."""
    run.wait_for_some()
    child = a_sending_child(run)
    with run.struck():
        child.suspend()
        run.doubt_what_is_in_the_air()
        run.keep_looking(SECONDS_FROZEN)
        child.resume()
    run.keep_looking(SECONDS_TO_WAKE)


def kill_scheduler(run: Run) -> None:
    run.wait_for_some()
    with run.struck():
        kill(run, "scheduler")


def kill_redis(run: Run) -> None:
    assert run.redis is not None
    run.wait_for_some()
    with run.struck():
        run.redis.kill()
        run.keep_looking(SECONDS_AWAY)
        run.redis.start()


def empty_redis(run: Run) -> None:
    assert run.redis is not None
    run.wait_for_some()
    with run.struck():
        run.redis.empty()


def limit_everything(run: Run) -> None:
    """The rate of the whole installation, which its two senders share."""
    with transaction() as session:
        session.get_one(Service, 1).rate_limit = RATE


def the_rate_was_kept(run: Run) -> None:
    """In any second, and not only around the strike, by what the senders log of when their calls began.

    The gateway's own log bears that out. It may stall, and then hear in one second what began in two: so it is
    asked for any five seconds, in which that matters less.
    """
    begun = run.begun()
    heard = [at for _number, at in run.accepted()]
    assert len(begun) == len(heard)
    assert all(at >= began for began, at in zip(begun, heard, strict=True))
    assert busiest_span(begun, 1) <= RATE + RATE // 10
    assert busiest_span(heard, 5) <= 5 * (RATE + RATE // 10)


def busiest_span(instants: Sequence[datetime], seconds: int) -> int:
    """The most calls within any so many seconds."""
    return busiest_second(sorted(at.timestamp() / seconds for at in instants))


def start_second_scheduler(run: Run) -> None:
    assert run.installation is not None
    run.installation.start_beside("-m", "flask", "--app", "wsgi", "scheduler")


def kill_everything(run: Run) -> None:
    """As when the power fails; then it is started again."""
    assert run.installation is not None
    assert run.installation.process is not None
    run.wait_for_some()
    with run.struck():
        supervisor = psutil.Process(run.installation.process.pid)
        for process in [supervisor, *supervisor.children(recursive=True)]:
            process.kill()
        run.installation.process.wait()
        run.doubt_what_is_in_the_air()
        run.installation.start()


def deploy(run: Run) -> None:
    assert run.installation is not None
    run.wait_for_some()
    with run.struck():
        assert run.installation.stop(signal.SIGTERM) == 0
        run.installation.start()


def start_skewed_worker(run: Run) -> None:
    """Beside one with the right time; a few refusals at first, so that calls leave a trace with their instant."""
    assert run.installation is not None
    run.order(latency_ms=[10, 30], http_503=0.1, first_tries=1)
    hours = run.rng.choice((-2, 2))
    run.installation.start_beside("-c", SKEWED_WORKER.format(hours=hours))
    clock.sleep(3)


def it_took_part(run: Run) -> None:
    """And yet all refused calls bear an instant by the clock that decides."""
    with snapshot() as session:
        instants = session.scalars(select(Attempt.at).where(Attempt.mailing_id == run.mailing_id)).all()
    assert "called with a wrong clock" in run.printed
    assert instants
    assert all(abs(at - clock.now()) < timedelta(hours=1) for at in instants)


def kill(run: Run, *words: str) -> None:
    assert run.installation is not None
    run.rng.choice(run.installation.processes(*words)).kill()


def a_sending_child(run: Run) -> psutil.Process:
    assert run.installation is not None
    give_up_at = clock.monotonic() + 20
    while clock.monotonic() < give_up_at:
        for worker in run.installation.processes("worker", "sending"):
            if children := worker.children():
                return children[0]
    raise AssertionError("no child was found sending")


FAULTS = (
    Fault("kill -9 of a worker", kill_worker, recovers_in=KILL_SECONDS),
    Fault("kill -9 of a worker's child", kill_child, policies=EITHER, recovers_in=KILL_SECONDS, is_telling=True),
    Fault(
        "a worker's child frozen for 25 s",
        freeze_child,
        policies=EITHER,
        recovers_in=KILL_SECONDS,
    ),
    Fault("kill -9 of the scheduler", kill_scheduler, recovers_in=KILL_SECONDS),
    Fault("kill -9 of everything at once", kill_everything, policies=EITHER, recovers_in=KILL_SECONDS),
    Fault("kill -9 of Redis, which keeps nothing", kill_redis, recovers_in=SERVER_SECONDS),
    Fault("FLUSHALL", empty_redis, recovers_in=SERVER_SECONDS),
    Fault(
        "FLUSHALL under a rate of 150 a second",
        empty_redis,
        limit_everything,
        the_rate_was_kept,
        settings={"LOG_LEVEL": "DEBUG"},
    ),
    Fault("two schedulers", prepare=start_second_scheduler),
    Fault("SIGTERM in the middle (a deploy)", deploy, recovers_in=KILL_SECONDS),
    Fault(
        "a worker's clock two hours off",
        prepare=start_skewed_worker,
        also=it_took_part,
        # SQLite lives on one host, which has one clock.
        databases=("postgres",),
        settings={"SENDERS": "1"},
    ),
)
