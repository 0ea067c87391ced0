"""What does a round tell the database, and how much at once?"""

import pytest

from dashboard import clock
from dashboard.domain import releasing, settling
from dashboard.domain.armed import Armed
from dashboard.domain.settling import Result
from dashboard.domain.writing import SETTLE_COUNT, Writing
from dashboard.gateway import Call
from tests.support.engine import HOLD, TOKEN, accepted


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The numbers of each write, of which one takes 1 ms a result."""
    now = [0.0]
    told: list[list[int]] = []

    def settle(results: list[Result], *_more: object) -> None:
        told.append([each.armed.id for each in results])
        now[0] += len(results) / 1_000

    monkeypatch.setattr(settling, "settle", settle)
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    return told


def results(count: int) -> list[Result]:
    calls = [Call(number, "79001112233", "Hello") for number in range(1, count + 1)]
    return [
        Result(Armed(call.message_id, call, 1, "900", "UTC", 0, None, 0.0, 1.0, 1.0), accepted(call))
        for call in calls
    ]


def settle_all(writing: Writing) -> None:
    while not writing.is_done:
        writing.settle()


def test_each_result_is_written_once_and_in_order(writes: list[list[int]]) -> None:
    writing = Writing(TOKEN, HOLD)
    writing.ended(results(2_345))

    settle_all(writing)

    assert [number for each in writes for number in each] == list(range(1, 2_346))
    assert max(len(each) for each in writes) == SETTLE_COUNT


def test_what_is_given_back_while_others_are_released_is_released_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writing, released = Writing(TOKEN, HOLD), list[list[int]]()
    first, second = (result.armed for result in results(2))

    def release(unwanted: list[Armed], *_more: object) -> None:
        if not released:
            writing.give_back([second])
        released.append([each.id for each in unwanted])

    monkeypatch.setattr(releasing, "release", release)
    writing.lifted([first, second])
    writing.give_back([first])

    writing.release()
    writing.release()

    assert released == [[1], [2]]
    assert writing.is_done
