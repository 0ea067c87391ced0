"""In no second do more calls begin than the rate allows, whoever arms when, and however late each begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from dashboard import clock
from dashboard.clock import Reading
from dashboard.database import transaction
from dashboard.domain import outbox
from dashboard.domain.armed import Armed
from dashboard.models import Allowance, Mailing, RateUnit, Service
from tests.factories import make_actor
from tests.support.engine import HOLD, add_clients, fan_out_all

PARTS = {"Hello": 1, "я" * 71: 2, "я" * 200: 3}
# Who arms how long after the one before.
Turns = list[tuple[int, float]]


@dataclass
class TwoWorkers:
    """One clock of the database, and of each worker one that only it knows.

    `question`: how long it is on its way, and then its answer.
    """

    now: datetime
    here: float = 0.0
    offsets: tuple[float, float] = (1_000.0, 77.7)
    question: tuple[float, float] = (0.0, 0.0)

    def arm(self, worker: int, mailing_ids: Sequence[int], limit: int) -> list[tuple[float, Armed]]:
        """What was armed, each with its moment in seconds since the beginning."""
        self.here = (self.now - self.beginning).total_seconds() + self.offsets[worker]
        token = f"{worker:08x}" * 4
        armed = outbox.arm(mailing_ids, limit, token, HOLD).armed
        return self._moments(worker, armed)

    def renew(self, worker: int, late: Sequence[Armed]) -> list[tuple[float, Armed]]:
        """The same of what has not begun at its moment and got another."""
        self.here = (self.now - self.beginning).total_seconds() + self.offsets[worker]
        return self._moments(worker, outbox.renew(late, 0.0))

    def _moments(self, worker: int, armed: Sequence[Armed]) -> list[tuple[float, Armed]]:
        return [(each.begins_at - self.offsets[worker], each) for each in armed]

    def reading(self, _session: Session) -> Reading:
        there, back = self.question
        return Reading(self.now, self.here - there, self.here + back)

    def __post_init__(self) -> None:
        self.beginning = self.now


@pytest.fixture
def two_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], TwoWorkers]:
    def begin() -> TwoWorkers:
        workers = TwoWorkers(clock.now())
        monkeypatch.setattr(clock, "database_now", lambda _session: workers.now)
        monkeypatch.setattr(clock, "monotonic", lambda: workers.here)
        monkeypatch.setattr(clock, "reading", workers.reading)
        return workers

    return begin


turns = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 0.5)), min_size=4, max_size=12)


@pytest.mark.parametrize("unit", RateUnit)
@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(1, 500),
    st.booleans(),
    turns,
    st.sampled_from([*PARTS]),
    st.randoms(use_true_random=False),
    st.floats(0, 2),
)
@example(19, False, [(0, 0.4), (1, 0.4)] * 4, "Hello", Random(1), 0.5)
@example(20, True, [(0, 0.4), (1, 0.4)] * 4, "Hello", Random(1), 0.5)
@example(1, True, [(0, 0.5), (1, 0.5)] * 5, "Hello", Random(1), 1.0)
def test_in_no_second_more_begins_than_the_rate_allows(
    app_context: Flask,
    two_workers: Callable[[], TwoWorkers],
    unit: RateUnit,
    rate: int,
    is_for_everything: bool,
    turns: Turns,
    text: str,
    random: Random,
    punctual_from: float,
) -> None:
    """The worst case: those before some instant begin as late as they may, those after it at their moment.

    Some miss their moment, and get another with the next turn of their worker, if there is one in time.
    """
    mailing_ids = two_mailings(text, rate, unit, is_for_everything)
    workers = two_workers()
    moments: dict[int, list[float]] = {each: [] for each in mailing_ids}
    missed: tuple[list[Armed], list[Armed]] = ([], [])

    for worker, pause in turns:
        workers.now += timedelta(seconds=pause)
        armed = workers.renew(worker, missed[worker])
        armed += workers.arm(worker, mailing_ids, random.choice((3, 40, 1_000)))
        missed[worker][:] = [each for _moment, each in armed if random.random() < 0.2]
        for moment, each in armed:
            if each in missed[worker]:
                continue
            room = each.begins_before - each.begins_at
            late = room * (1.0 if moment < punctual_from else random.choice((0.0, random.random())))
            moments[each.mailing_id].append(moment + late)

    together = [sorted(moments[mailing_ids[0]] + moments[mailing_ids[1]])]
    size = PARTS[text] if unit is RateUnit.PARTS else 1
    for begun in together if is_for_everything else map(sorted, moments.values()):
        # One message is never divided: its parts begin at once, also those that are beyond the second's.
        assert busiest_second(begun) * size <= rate + max(1, rate / 10) + (size if size > 1 else 0)


@pytest.mark.parametrize("way", [0.04, 0.08, 0.3])
def test_a_slow_answer_what_time_it_is_makes_calls_late_but_never_too_many(
    app_context: Flask, two_workers: Callable[[], TwoWorkers], way: float
) -> None:
    """The worst case: as late as they may by slow answers, then at their moment by slow questions."""
    mailing_ids = two_mailings("Hello", 150, RateUnit.MESSAGES, is_for_everything=False)[:1]
    workers = two_workers()
    workers.question = (0.0, way)
    late = [
        moment + each.begins_before - each.begins_at
        for moment, each in workers.arm(0, mailing_ids, 1_000)
        if each.begins_at <= each.begins_before
    ]
    workers.question = (way, 0.0)
    punctual: list[float] = []
    for _ in range(4):
        workers.now += timedelta(seconds=0.4)
        punctual += [moment for moment, _each in workers.arm(1, mailing_ids, 1_000)]

    assert 150 <= busiest_second(sorted(late + punctual)) <= 165
    # What could not begin in time is not lost, but gets another moment.
    assert (late == []) is (way > 0.1)


def two_mailings(text: str, rate: int, unit: RateUnit, is_for_everything: bool) -> list[int]:
    owner = make_actor()
    # As many as may leave in the six seconds of the longest example, and no more than an example is worth.
    add_clients(owner, min(700, 6 * rate + 10))
    both = [fan_out_all(owner, text=text) for _ in range(2)]
    limit = {"rate_limit": rate, "rate_unit": unit}
    none = {"rate_limit": None}
    with transaction() as session:
        session.execute(delete(Allowance))
        session.execute(update(Service).values(**(limit if is_for_everything else none)))
        session.execute(update(Mailing).values(**(none if is_for_everything else limit)))
    return both


def busiest_second(begun: Sequence[float]) -> int:
    """The most that begin within any one second."""
    busiest = first = 0
    for last, at in enumerate(begun):
        while begun[first] <= at - 1.0:
            first += 1
        busiest = max(busiest, last - first + 1)
    return busiest


@pytest.mark.parametrize("rate", [1, 7, 50, 200])
def test_what_the_rate_allows_is_really_used(
    app_context: Flask, two_workers: Callable[[], TwoWorkers], rate: int
) -> None:
    mailing_ids = two_mailings("Hello", rate, RateUnit.MESSAGES, is_for_everything=False)[:1]
    workers = two_workers()
    begun: list[float] = []

    for turn in range(5):
        workers.now += timedelta(seconds=0.4)
        begun += [moment for moment, _each in workers.arm(turn % 2, mailing_ids, 1_000)]

    # From 0.4 s on, for 1.6 s and the 0.8 s that are given away ahead.
    assert len(begun) >= rate * 2.4 - 1
