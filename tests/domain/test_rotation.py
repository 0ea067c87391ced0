"""Does every mailing with due messages get its turn?"""

from collections import Counter

from dashboard.domain.rotation import Rotation


def turns(rotation: Rotation, count: int, at_once: int, again_after: float = 0.0) -> Counter[int]:
    """How often each was asked; every one of them has more each time."""
    had: Counter[int] = Counter()
    for now in range(1, count + 1):
        chosen = rotation.next(at_once, float(now))
        rotation.asked(chosen, dict.fromkeys(chosen, now + again_after))
        had.update(chosen)
    return had


def test_a_thousand_mailings_get_equal_turns() -> None:
    rotation = Rotation()
    rotation.renew(range(1_000))

    had = turns(rotation, count=100, at_once=64)

    assert len(had) == 1_000
    assert max(had.values()) - min(had.values()) <= 1


def test_a_new_list_takes_no_turn_away_and_gives_none_twice() -> None:
    rotation = Rotation()
    rotation.renew(range(10))
    had = turns(rotation, count=2, at_once=3)

    rotation.renew(range(10))
    had += turns(rotation, count=3, at_once=3)

    assert max(had.values()) - min(had.values()) <= 1


def test_newcomers_have_their_turn_after_those_that_wait() -> None:
    rotation = Rotation()
    rotation.renew([1, 2])

    rotation.renew([1, 2, 3, 4])

    assert set(rotation.next(2, 0.0)) == {1, 2}
    assert set(rotation.next(4, 0.0)) == {1, 2, 3, 4}


def test_who_is_no_longer_due_has_no_turn() -> None:
    rotation = Rotation()
    rotation.renew([1, 2])
    rotation.renew([2])

    assert rotation.next(5, 0.0) == [2]


def test_who_has_nothing_more_comes_back_with_the_next_list_only() -> None:
    rotation = Rotation()
    rotation.renew([1, 2])

    rotation.asked([1, 2], {2: 0.0})

    assert rotation.next(5, 1.0) == [2]
    rotation.renew([1, 2])
    assert set(rotation.next(5, 1.0)) == {1, 2}


def test_nobody_is_asked_before_the_instant_named() -> None:
    rotation = Rotation()
    rotation.renew([1, 2])
    rotation.asked([1], {1: 7.0})

    assert rotation.next(5, 6.9) == [2]
    assert rotation.next(5, 7.0) == [2, 1]
    # A new list does not make it earlier.
    rotation.renew([1, 2])
    assert rotation.next(5, 6.9) == [2]


def test_two_workers_begin_at_different_mailings() -> None:
    """Else they would ask for the same ones at the same instants, and wait for each other."""
    orders = set()
    for _ in range(20):
        rotation = Rotation()
        rotation.renew(range(50))
        orders.add(tuple(rotation.next(50, 0.0)))

    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(range(50))}


def test_it_is_empty_once_cleared() -> None:
    rotation = Rotation()
    rotation.renew([1])

    rotation.clear()

    assert not rotation
    assert rotation.next(5, 0.0) == []
