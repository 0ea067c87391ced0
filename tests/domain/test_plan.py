"""Does the plan say who is reached when, as the engine would do it?"""

import math
from datetime import UTC, datetime, time, timedelta

import pytest

from dashboard.domain.plan import Plan, lay_out
from dashboard.domain.timing import Timetable, Window

# Ten in the morning in Moscow, one in the afternoon in Omsk, five in Vladivostok.
NOW = datetime(2030, 5, 1, 7, tzinfo=UTC)
DAY = Window(time(9), time(21))
MOSCOW, OMSK, VLADIVOSTOK = "Europe/Moscow", "Asia/Omsk", "Asia/Vladivostok"


def plan(recipients: dict[str, int], per_second: float, hours: float, window: Window | None = DAY) -> Plan:
    return lay_out(recipients, Timetable(NOW, NOW + timedelta(hours=hours), window), per_second, NOW)


def reached(found: Plan) -> dict[str, int]:
    return {zone.timezone: zone.reached for zone in found.zones}


@pytest.mark.parametrize(
    "recipients, per_second, hours, expected, last_after",
    [
        # Nothing stands in the way.
        ({MOSCOW: 3600}, 1, 24, {MOSCOW: 3600}, timedelta(hours=1)),
        # The rate is shared: two zones take twice as long.
        ({MOSCOW: 3600, OMSK: 3600}, 1, 24, {MOSCOW: 3600, OMSK: 3600}, timedelta(hours=2)),
        # The end comes first.
        ({MOSCOW: 7200}, 1, 1, {MOSCOW: 3600}, timedelta(hours=1)),
        # Vladivostok closes in four hours and therefore comes first, Moscow has until the evening.
        (
            {MOSCOW: 3600, VLADIVOSTOK: 4 * 3600},
            1,
            11,
            {MOSCOW: 3600, VLADIVOSTOK: 4 * 3600},
            timedelta(hours=5),
        ),
        # What is left when the window closes waits for the next morning, fourteen hours later.
        ({VLADIVOSTOK: 5 * 3600}, 1, 48, {VLADIVOSTOK: 5 * 3600}, timedelta(hours=17)),
        # Or is not reached, if there is no next morning before the end.
        ({VLADIVOSTOK: 5 * 3600}, 1, 10, {VLADIVOSTOK: 4 * 3600}, timedelta(hours=4)),
        # As fast as the gateway takes it.
        ({MOSCOW: 10**6}, math.inf, 1, {MOSCOW: 10**6}, timedelta(0)),
    ],
)
def test_who_is_reached_by_the_end(
    recipients: dict[str, int], per_second: float, hours: float, expected: dict[str, int], last_after: timedelta
) -> None:
    found = plan(recipients, per_second, hours)

    assert reached(found) == expected
    assert found.unreached == sum(recipients.values()) - sum(expected.values())
    assert found.last_at == NOW + last_after


def test_a_zone_whose_window_never_opens_is_never_reached() -> None:
    found = plan({MOSCOW: 10, VLADIVOSTOK: 10}, math.inf, 2, Window(time(10), time(12)))

    (vladivostok,) = (zone for zone in found.zones if zone.timezone == VLADIVOSTOK)
    assert (vladivostok.opening, vladivostok.unreached, vladivostok.last_at) == (None, 10, None)
    assert found.unreached == 10


def test_by_each_clients_clock_every_zone_has_its_own_start() -> None:
    times = Timetable(datetime.fromisoformat("2030-05-02T09:00"), datetime.fromisoformat("2030-05-02T12:00"), None)

    found = lay_out({MOSCOW: 1, VLADIVOSTOK: 1}, times, math.inf, NOW)

    opens = {zone.timezone: zone.opening and zone.opening.opens_at for zone in found.zones}
    assert opens[MOSCOW] == datetime(2030, 5, 2, 6, tzinfo=UTC)
    assert opens[VLADIVOSTOK] == datetime(2030, 5, 1, 23, tzinfo=UTC)


def test_zones_whose_clocks_show_the_same_are_one_row_and_the_earliest_comes_first() -> None:
    found = plan({MOSCOW: 2, "Europe/Kirov": 3, "UTC+03:00": 5, VLADIVOSTOK: 7}, math.inf, 24)

    rows = [(row.timezones, row.recipients, row.reached) for row in found.rows]
    assert rows == [((VLADIVOSTOK,), 7, 7), (("Europe/Kirov", MOSCOW, "UTC+03:00"), 10, 10)]


def test_a_mailing_that_would_take_years_is_looked_at_for_some_time_only() -> None:
    found = plan({MOSCOW: 10**9}, 1, 24 * 365 * 50)

    assert found.looked_until is not None
    assert NOW + timedelta(days=30) < found.looked_until
    assert found.unreached > 0


def test_a_mailing_whose_end_has_passed_reaches_nobody() -> None:
    times = Timetable(NOW - timedelta(days=2), NOW - timedelta(days=1), DAY)

    found = lay_out({MOSCOW: 5}, times, 10, NOW)

    assert (found.reached, found.unreached, found.last_at) == (0, 5, None)
