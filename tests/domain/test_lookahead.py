"""How far ahead may be armed?"""

import pytest

from dashboard import clock
from dashboard.domain import lookahead
from dashboard.domain.lookahead import LEAST_SHARE, LONGEST_LEAD, MOST_AHEAD, MOST_MAILINGS, Lookahead


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    time = [100.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


def test_as_much_is_wanted_as_is_free_or_as_leaves_in_a_quarter_of_a_second(at: list[float]) -> None:
    ahead = Lookahead()
    ahead.answered(0)
    at[0] += 1.0
    ahead.answered(1_000)

    assert (ahead.wanted(free=10), ahead.wanted(free=400)) == (250, 400)


def test_a_pace_is_not_told_by_a_few_milliseconds_and_never_asks_for_more_than_the_most(at: list[float]) -> None:
    ahead = Lookahead()
    ahead.answered(0)
    at[0] += 0.001
    ahead.answered(1_000)
    early = ahead.wanted(free=1)
    at[0] += 0.2
    ahead.answered(1_000_000)

    assert (early, ahead.wanted(free=1)) == (1, MOST_AHEAD)


def test_the_slowest_arming_counts_and_is_forgotten_slowly(at: list[float]) -> None:
    ahead = Lookahead()

    ahead.given(at[0] - 0.1)
    ahead.given(at[0] - 0.01)
    after_two = ahead.lead
    ahead.given(at[0] - 60.0)
    ahead.given(None)

    assert after_two == pytest.approx(0.08)
    assert ahead.lead == LONGEST_LEAD


def test_the_more_mailings_the_smaller_the_share_of_each_and_the_fewer_wait_the_more_are_asked() -> None:
    shares = [lookahead.share_of(mailings) for mailings in (0, 1, 10, 10_000)]
    asked = [
        lookahead.at_one_turn(missing, paced, 100) for missing, paced in ((5, 0), (500, 0), (500, MOST_AHEAD))
    ]

    assert shares == [1_000, 1_000, 100, LEAST_SHARE]
    assert asked == [5, MOST_AHEAD // 100, 1]
    assert lookahead.at_one_turn(500, 0, LEAST_SHARE) == MOST_MAILINGS
