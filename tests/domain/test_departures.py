"""Does each armed call begin at its moment, or not at all?"""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from dashboard.domain.armed import Armed
from dashboard.domain.departures import Departures
from dashboard.gateway import Call

_numbers = count(1)
moments = st.floats(0, 10, allow_nan=False)


def armed(begins_at: float, begins_before: float) -> Armed:
    call = Call(next(_numbers), "79000000000", "Hello")
    return Armed(
        call.message_id, call, 1, "900", "Europe/Moscow", 0, None, begins_at, begins_before, begins_before
    )


def test_what_may_begin_now_begins_in_order_as_far_as_there_is_room() -> None:
    departures = Departures()
    those = [armed(0.0, 1.0) for _ in range(5)]
    departures.add(those, now=0.0)

    first, late = departures.pop(3, now=0.5)
    then, _ = departures.pop(3, now=0.6)

    assert (first, then, late) == (those[:3], those[3:], [])
    assert len(departures) == 0


def test_nothing_begins_before_its_moment() -> None:
    departures = Departures()
    later, sooner = armed(0.8, 0.85), armed(0.3, 0.35)
    departures.add([later, sooner], now=0.0)

    assert departures.pop(9, now=0.2) == ([], [])
    assert (departures.next_moment(), departures.ready, departures.paced) == (0.3, 0, 2)
    assert departures.pop(9, now=0.3) == ([sooner], [])
    assert departures.next_moment() == 0.8


def test_what_comes_too_late_is_handed_back_even_where_there_is_no_room() -> None:
    departures = Departures()
    missed, in_time = armed(0.1, 0.15), armed(0.2, 0.25)
    departures.add([missed, in_time], now=0.0)

    begin, late = departures.pop(0, now=0.22)

    assert (begin, late) == ([], [missed])
    assert departures.pop(1, now=0.24) == ([in_time], [])


def test_what_is_cleared_away_is_handed_back_and_never_begins() -> None:
    departures = Departures()
    those = [armed(0.0, 1.0), armed(0.5, 0.55)]
    departures.add(those, now=0.0)

    assert departures.clear() == those
    assert departures.pop(9, now=0.5) == ([], [])
    assert departures.next_moment() is None


@given(
    st.lists(st.tuples(moments, st.floats(0, 2))),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1),
)
def test_at_whatever_instants_one_looks_each_begins_in_its_time_or_is_handed_back(
    spans: list[tuple[float, float]], looks: list[tuple[float, int]]
) -> None:
    departures = Departures()
    those = [armed(begins_at, begins_at + room) for begins_at, room in spans]
    departures.add(those, now=0.0)
    now, gone = 0.0, []

    for pause, room in looks:
        now += pause
        begin, late = departures.pop(room, now)
        assert len(begin) <= room
        assert all(each.begins_at <= now <= each.begins_before for each in begin)
        assert all(each.begins_before < now for each in late)
        gone += begin + late

    rest = departures.clear()
    assert sorted(each.id for each in gone + rest) == [each.id for each in those]
