"""kill -9 in the middle of a mailing: nothing lost, nothing twice, finished in time.

On SQLite the two most telling ones belong to every run of the tests.
"""

from collections.abc import Callable

import pytest

from dashboard import clock
from dashboard.models import Status
from tests.faults.conftest import Run

pytestmark = pytest.mark.timeout(300)

MESSAGES = 5_000
KILL_AFTER = 1_000
# After the kill; a run without one takes about ten seconds.
SECONDS_TO_RECOVER = 60


def reckon(run: Run, most_unknown: int) -> None:
    """Everybody accounted for, and the gateway agrees."""
    counts = run.wait_for_end(SECONDS_TO_RECOVER)
    gateway = run.gateway

    assert counts.keys() <= {Status.SENT, Status.UNKNOWN}
    assert sum(counts.values()) == MESSAGES
    assert counts.get(Status.UNKNOWN, 0) <= most_unknown
    assert gateway["repeats"] == 0
    # What is unknown may have been accepted or not; what is sent has been.
    assert counts[Status.SENT] <= gateway["accepted"] <= MESSAGES


def kill_in_the_middle(run: Run, *words: str) -> None:
    run.wait_for(lambda counts: counts.get(Status.SENT, 0) >= KILL_AFTER, 60)
    run.installation.processes(*words)[0].kill()


@pytest.mark.faults
def test_a_worker_is_killed(start: Callable[..., Run]) -> None:
    run = start(MESSAGES)

    kill_in_the_middle(run, "worker", "sending")

    # The child that sends lives on: its parent's death costs nothing.
    reckon(run, most_unknown=0)


def test_the_child_that_sends_is_killed(start: Callable[..., Run]) -> None:
    run = start(MESSAGES)
    run.wait_for(lambda counts: counts.get(Status.SENT, 0) >= KILL_AFTER, 60)

    kill_a_sending_child(run)

    # At most what one child had armed: a quarter of a second's worth, and its connections.
    reckon(run, most_unknown=200)


def kill_a_sending_child(run: Run) -> None:
    give_up_at = clock.monotonic() + 20
    while clock.monotonic() < give_up_at:
        for worker in run.installation.processes("worker", "sending"):
            for child in worker.children():
                child.kill()
                return
    raise AssertionError("no child was found sending")


@pytest.mark.faults
def test_the_scheduler_is_killed(start: Callable[..., Run]) -> None:
    run = start(MESSAGES)

    kill_in_the_middle(run, "scheduler")

    reckon(run, most_unknown=0)


def test_redis_is_killed(start: Callable[..., Run]) -> None:
    run = start(MESSAGES)

    kill_in_the_middle(run, "redis-server")

    reckon(run, most_unknown=0)


@pytest.mark.faults
def test_everything_is_stopped_in_the_middle_and_started_again(start: Callable[..., Run]) -> None:
    run = start(MESSAGES)
    run.wait_for(lambda counts: counts.get(Status.SENT, 0) >= KILL_AFTER, 60)

    accepted_before = stop_and_start(run)

    counts = run.wait_for_end(SECONDS_TO_RECOVER)
    assert counts == {Status.SENT: MESSAGES}
    assert accepted_before + run.gateway["accepted"] == MESSAGES


def stop_and_start(run: Run) -> int:
    """The simulator ends with the rest and forgets its log: what it had accepted is told."""
    run.installation.stop()
    accepted = run.wait_for(lambda counts: Status.SENDING not in counts, 5)[Status.SENT]
    run.installation.start()
    return accepted
