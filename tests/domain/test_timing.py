"""When do windows open and close in each zone, at the odd hours of the year too?"""

from datetime import UTC, datetime, time, timedelta

import pytest

from dashboard.domain.timing import Opening, Timetable, Window, next_opening
from dashboard.zones import zone

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
END = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
DAYTIME = Window(time(9), time(21))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_without_a_window_the_mailing_is_open_from_start_to_end() -> None:
    opening = next_opening(Timetable(START, END, None), zone("Asia/Tokyo"), START)

    assert opening == Opening(START, END)


@pytest.mark.parametrize(
    "name, at, opens_at, closes_at",
    [
        # Moscow, UTC+3: 09:00–21:00 is 06:00–18:00 UTC.
        ("Europe/Moscow", START, utc(2026, 3, 2, 6), utc(2026, 3, 2, 18)),
        ("Europe/Moscow", utc(2026, 3, 2, 17, 59), utc(2026, 3, 2, 6), utc(2026, 3, 2, 18)),
        ("Europe/Moscow", utc(2026, 3, 2, 18), utc(2026, 3, 3, 6), utc(2026, 3, 3, 18)),
        # The last window is cut by the end.
        ("Europe/Kaliningrad", utc(2026, 3, 4, 12), utc(2026, 3, 4, 7), utc(2026, 3, 4, 19)),
        ("America/New_York", utc(2026, 3, 4, 12), utc(2026, 3, 4, 14), END),
        # Kamchatka, UTC+12: its window of the first day began before the mailing.
        ("Asia/Kamchatka", START, START, utc(2026, 3, 2, 9)),
        # Half and three-quarter hours.
        ("Asia/Kolkata", START, START, utc(2026, 3, 2, 15, 30)),
        ("Asia/Kathmandu", utc(2026, 3, 3), utc(2026, 3, 3, 3, 15), utc(2026, 3, 3, 15, 15)),
        ("UTC+03:00", START, utc(2026, 3, 2, 6), utc(2026, 3, 2, 18)),
    ],
)
def test_the_window_is_read_on_the_clients_clock(
    name: str, at: datetime, opens_at: datetime, closes_at: datetime
) -> None:
    opening = next_opening(Timetable(START, END, DAYTIME), zone(name), at)

    assert opening == Opening(opens_at, closes_at)


def test_a_window_over_midnight_closes_on_the_next_day() -> None:
    night = Window(time(22), time(7))

    opening = next_opening(Timetable(START, END, night), zone("UTC"), START)
    then = next_opening(Timetable(START, END, night), zone("UTC"), utc(2026, 3, 2, 7))

    assert opening == Opening(START, utc(2026, 3, 2, 7))
    assert then == Opening(utc(2026, 3, 2, 22), utc(2026, 3, 3, 7))


def test_a_zone_whose_window_never_opens_before_the_end_has_none() -> None:
    short = Timetable(START, START + timedelta(hours=2), DAYTIME)

    # 01:00 to 03:00 on the American east coast.
    assert next_opening(short, zone("America/New_York"), START) is None


def test_after_the_end_nothing_opens() -> None:
    assert next_opening(Timetable(START, END, None), zone("UTC"), END) is None
    assert next_opening(Timetable(START, END, DAYTIME), zone("UTC"), END + timedelta(days=1)) is None


def test_an_opening_that_the_clock_jumps_over_is_shifted_forward() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00; 02:30 does not exist, and becomes 03:30 (01:30 UTC).
    table = Timetable(utc(2026, 3, 28, 12), utc(2026, 3, 29, 12), Window(time(2, 30), time(9)))

    assert next_opening(table, zone("Europe/Berlin"), utc(2026, 3, 28, 12)) == Opening(
        utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 7)
    )


def test_of_an_opening_that_comes_twice_the_first_counts() -> None:
    # Berlin, 25 October 2026: 03:00 becomes 02:00; 02:30 comes at 00:30 and at 01:30 UTC.
    table = Timetable(utc(2026, 10, 24, 12), utc(2026, 10, 25, 12), Window(time(2, 30), time(9)))

    assert next_opening(table, zone("Europe/Berlin"), utc(2026, 10, 24, 12)) == Opening(
        utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 8)
    )
