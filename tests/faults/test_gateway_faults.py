"""A gateway that refuses half and forgets to answer: every message ends in the right bucket."""

from collections.abc import Callable

import pytest

from dashboard.models import Status
from tests.faults.conftest import Run

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MESSAGES = 1_000
# From the fifth try on a message meets no more trouble: its pauses would only grow, up to five minutes.
TROUBLE = {"http_503": 0.5, "reset_after": 0.1, "seed": 7, "first_tries": 4}


def test_under_hold_a_lost_answer_is_unknown_and_nothing_is_sent_twice(start: Callable[..., Run]) -> None:
    run = start(MESSAGES, GATEWAY_ON_UNCERTAIN="hold", MAX_TRIES="12")
    run.order(**TROUBLE)

    counts = run.wait_for_end(200)

    gateway = run.gateway
    assert counts.keys() == {Status.SENT, Status.UNKNOWN}
    assert sum(counts.values()) == MESSAGES
    assert gateway["repeats"] == 0
    # The simulator took each message before it reset the connection, so all of them have arrived once.
    assert gateway["accepted"] == MESSAGES


def test_under_retry_everything_is_sent_and_repeats_are_at_most_the_resets(start: Callable[..., Run]) -> None:
    run = start(MESSAGES, GATEWAY_ON_UNCERTAIN="retry", MAX_TRIES="12")
    run.order(**TROUBLE)

    counts = run.wait_for_end(200)

    gateway = run.gateway
    assert counts == {Status.SENT: MESSAGES}
    assert gateway["distinct"] == MESSAGES
    assert 0 < gateway["repeats"] <= resets(run)


def resets(run: Run) -> int:
    """How many connections the simulator has reset after accepting a message."""
    return int(run.gateway["by_status"]["reset"])
