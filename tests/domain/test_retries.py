"""How long does a message wait for its next try?"""

import random
from datetime import timedelta

from dashboard.domain.retries import LONGEST_SECONDS, wait


def test_the_pause_grows_with_the_tries_and_is_spread() -> None:
    rng = random.Random(7)

    pauses = [[wait(tries, None, rng).total_seconds() for _ in range(200)] for tries in (1, 2, 3)]

    assert [max(of_one) <= ceiling for of_one, ceiling in zip(pauses, (4, 8, 16), strict=True)] == [True] * 3
    assert [max(of_one) > ceiling * 0.9 for of_one, ceiling in zip(pauses, (4, 8, 16), strict=True)] == [True] * 3
    assert all(len(set(of_one)) > 100 for of_one in pauses)


def test_no_pause_is_longer_than_five_minutes() -> None:
    rng = random.Random(7)

    assert max(wait(1000, None, rng) for _ in range(1000)) <= timedelta(seconds=LONGEST_SECONDS)


def test_what_the_gateway_asks_for_is_kept() -> None:
    assert wait(1, 600.0, random.Random(7)) == timedelta(seconds=600)
