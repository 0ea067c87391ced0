"""When do windows open and close in each zone, at the odd hours of the year too?"""

from datetime import UTC, datetime, time, timedelta

import pytest

from dashboard.domain.timing import Opening, Timetable, Window, next_opening
from dashboard.zones import zone

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
END = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
DAYTIME = Window(time(9), time(21))
NIGHT = Window(time(22), time(7))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def wall(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001  what a client's clock shows


def openings(timetable: Timetable, name: str) -> list[Opening]:
    """All of them, each found from the end of the one before."""
    found: list[Opening] = []
    at = timetable.span(zone(name)).opens_at
    while opening := next_opening(timetable, zone(name), at):
        found.append(opening)
        at = opening.closes_at
    return found


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
        # Long before the start: the first one.
        ("Europe/Moscow", utc(2026, 1, 1), utc(2026, 3, 2, 6), utc(2026, 3, 2, 18)),
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
    found = openings(Timetable(START, END, NIGHT), "UTC")

    assert found == [
        Opening(START, utc(2026, 3, 2, 7)),
        Opening(utc(2026, 3, 2, 22), utc(2026, 3, 3, 7)),
        Opening(utc(2026, 3, 3, 22), utc(2026, 3, 4, 7)),
    ]


def test_a_zone_whose_window_never_opens_before_the_end_has_none() -> None:
    short = Timetable(START, START + timedelta(hours=2), DAYTIME)

    # 01:00 to 03:00 on the American east coast.
    assert next_opening(short, zone("America/New_York"), START) is None


def test_a_window_that_opens_at_the_very_end_never_opens() -> None:
    until_nine_in_moscow = Timetable(utc(2026, 3, 2, 3), utc(2026, 3, 2, 6), DAYTIME)

    assert next_opening(until_nine_in_moscow, zone("Europe/Moscow"), utc(2026, 3, 2, 3)) is None


def test_after_the_end_nothing_opens() -> None:
    assert next_opening(Timetable(START, END, None), zone("UTC"), END) is None
    assert next_opening(Timetable(START, END, DAYTIME), zone("UTC"), END + timedelta(days=1)) is None


# Berlin: on 29 March 02:00 becomes 03:00, on 25 October 03:00 becomes 02:00, both at 01:00 UTC.
# New York: on 8 March 02:00 becomes 03:00 (07:00 UTC), on 1 November 02:00 becomes 01:00 (06:00 UTC).
# Lord Howe, by half an hour: on 5 April 02:00 becomes 01:30 (15:00 UTC), on 4 October 02:00 becomes 02:30.
# Troll, by two hours: on 29 March 01:00 becomes 03:00 (01:00 UTC).
@pytest.mark.parametrize(
    "name, opens, closes, day_before, in_utc",
    [
        # A night over which the clock changes is shorter or longer.
        ("Europe/Berlin", "22:00", "07:00", "2026-03-28", ["28 21:00–29 05:00"]),
        ("Europe/Berlin", "22:00", "07:00", "2026-10-24", ["24 20:00–25 06:00"]),
        ("America/New_York", "22:00", "07:00", "2026-03-07", ["08 03:00–08 11:00"]),
        ("America/New_York", "22:00", "07:00", "2026-10-31", ["01 02:00–01 12:00"]),
        ("Australia/Lord_Howe", "22:00", "07:00", "2026-04-04", ["04 11:00–04 20:30"]),
        ("Australia/Lord_Howe", "22:00", "07:00", "2026-10-03", ["03 11:30–03 20:00"]),
        ("Antarctica/Troll", "22:00", "07:00", "2026-03-28", ["28 22:00–29 05:00"]),
        # It would open within what the clock jumps over: it opens with the jump.
        ("Europe/Berlin", "02:30", "09:00", "2026-03-28", ["29 01:00–29 07:00"]),
        ("Antarctica/Troll", "01:30", "09:00", "2026-03-28", ["29 01:00–29 07:00"]),
        # It would close within it: it closes with the jump.
        ("Europe/Berlin", "00:00", "02:30", "2026-03-28", ["28 23:00–29 01:00"]),
        ("America/New_York", "00:00", "02:30", "2026-03-07", ["08 05:00–08 07:00"]),
        # All of it lies within: there is no such time that night.
        ("Europe/Berlin", "02:15", "02:45", "2026-03-28", []),
        # It opens within what comes twice: the clock goes back to before its opening.
        ("Europe/Berlin", "02:30", "09:00", "2026-10-24", ["25 00:30–25 01:00", "25 01:30–25 08:00"]),
        ("America/New_York", "01:30", "09:00", "2026-10-31", ["01 05:30–01 06:00", "01 06:30–01 14:00"]),
        ("Australia/Lord_Howe", "01:45", "09:00", "2026-04-04", ["04 14:45–04 15:00", "04 15:15–04 22:30"]),
        # It closes within it: the clock goes back to before its closing.
        ("Europe/Berlin", "00:00", "02:30", "2026-10-24", ["24 22:00–25 00:30", "25 01:00–25 01:30"]),
        # All of it lies within: it comes twice.
        ("Europe/Berlin", "02:15", "02:45", "2026-10-24", ["25 00:15–25 00:45", "25 01:15–25 01:45"]),
        # It reaches across: nothing to notice.
        ("Europe/Berlin", "01:30", "03:30", "2026-10-24", ["24 23:30–25 02:30"]),
        # The clock goes back over midnight (Greenland, 25 October at 01:00 UTC: midnight becomes 23:00).
        ("America/Nuuk", "23:30", "00:30", "2026-10-24", ["25 00:30–25 01:00", "25 01:30–25 02:30"]),
        # Samoa went over the date line and had no 30 December 2011.
        ("Pacific/Apia", "22:00", "07:00", "2011-12-29", ["30 08:00–30 17:00"]),
        ("Pacific/Apia", "09:00", "12:00", "2011-12-29", ["30 19:00–30 22:00"]),
    ],
)
def test_a_window_is_open_while_the_clock_shows_its_hours_also_when_clocks_change(
    name: str, opens: str, closes: str, day_before: str, in_utc: list[str]
) -> None:
    noon = datetime.fromisoformat(f"{day_before}T12:00")
    window = Window(time.fromisoformat(opens), time.fromisoformat(closes))

    found = openings(Timetable(noon, noon + timedelta(hours=54 if name == "Pacific/Apia" else 30), window), name)

    assert [f"{one.opens_at:%d %H:%M}–{one.closes_at:%d %H:%M}" for one in found] == in_utc


@pytest.mark.parametrize("at", [utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1), utc(2026, 3, 29, 23, 30)], ids=str)
def test_a_jump_over_the_hours_in_which_it_is_closed_makes_one_opening_of_two(at: datetime) -> None:
    # Closed from 02:10 to 02:50 only, which Berlin did not have on 29 March.
    timetable = Timetable(utc(2026, 3, 20), utc(2026, 4, 20), Window(time(2, 50), time(2, 10)))

    opening = next_opening(timetable, zone("Europe/Berlin"), at)

    assert opening == Opening(utc(2026, 3, 28, 1, 50), utc(2026, 3, 30, 0, 10))


def test_start_and_end_on_the_clients_clock_are_other_instants_in_each_zone() -> None:
    timetable = Timetable(wall(2026, 3, 2, 10), wall(2026, 3, 2, 20), None)

    assert timetable.span(zone("Asia/Kamchatka")) == Opening(utc(2026, 3, 1, 22), utc(2026, 3, 2, 8))
    assert timetable.span(zone("Asia/Kolkata")) == Opening(utc(2026, 3, 2, 4, 30), utc(2026, 3, 2, 14, 30))
    assert timetable.span(zone("America/New_York")) == Opening(utc(2026, 3, 2, 15), utc(2026, 3, 3, 1))


def test_on_the_clients_clock_start_and_end_cut_the_window() -> None:
    found = openings(Timetable(wall(2026, 3, 2, 12), wall(2026, 3, 3, 10), DAYTIME), "Europe/Moscow")

    assert found == [
        Opening(utc(2026, 3, 2, 9), utc(2026, 3, 2, 18)),
        Opening(utc(2026, 3, 3, 6), utc(2026, 3, 3, 7)),
    ]


@pytest.mark.parametrize(
    "name, shown, instant",
    [
        # What the clock jumps over is shifted forward by the jump.
        ("Europe/Berlin", wall(2026, 3, 29, 2, 30), utc(2026, 3, 29, 1, 30)),
        ("Australia/Lord_Howe", wall(2026, 10, 4, 2, 15), utc(2026, 10, 3, 15, 45)),
        # The whole 30 December 2011 was jumped over.
        ("Pacific/Apia", wall(2011, 12, 30, 12), utc(2011, 12, 30, 22)),
        # Of what comes twice, the first counts.
        ("Europe/Berlin", wall(2026, 10, 25, 2, 30), utc(2026, 10, 25, 0, 30)),
        ("Europe/Berlin", wall(2026, 10, 25, 2, 30).replace(fold=1), utc(2026, 10, 25, 0, 30)),
        ("Australia/Lord_Howe", wall(2026, 4, 5, 1, 45), utc(2026, 4, 4, 14, 45)),
    ],
)
def test_a_start_that_the_clock_skips_or_repeats_is_read_as_calendars_do(
    name: str, shown: datetime, instant: datetime
) -> None:
    timetable = Timetable(shown, shown + timedelta(days=2), None)

    assert timetable.span(zone(name)).opens_at == instant


def test_an_end_that_comes_before_the_start_on_a_clock_that_jumps_leaves_nothing() -> None:
    # Berlin, 29 March: 02:30 is read as 03:30, which is after 03:10.
    timetable = Timetable(wall(2026, 3, 29, 2, 30), wall(2026, 3, 29, 3, 10), None)

    assert next_opening(timetable, zone("Europe/Berlin"), utc(2026, 3, 29)) is None
    assert next_opening(timetable, zone("UTC"), utc(2026, 3, 29)) is not None
