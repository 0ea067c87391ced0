"""What holds of windows in every zone of the tz database and on every day of a year?"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import groupby, pairwise
from zoneinfo import available_timezones

from hypothesis import assume, given
from hypothesis import strategies as st

from dashboard.domain.timing import Opening, Timetable, Window, next_opening
from dashboard.zones import zone

NAMES = sorted(available_timezones())
# By an hour, by half an hour, by two hours, over midnight, for a month of fasting, over the date line.
CHANGING = [
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "America/Nuuk",
    "Africa/Casablanca",
    "Pacific/Apia",
]
SOME_DAY = date(2027, 1, 1)
DAY = timedelta(days=1)
SMALLEST = timedelta(microseconds=1)
QUARTER = timedelta(minutes=15)
# Offsets as clients may have them: UTC-12:00 to UTC+14:00.
fixed_zones = st.builds("UTC{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 12), st.integers(0, 59))
zone_names = st.one_of(st.sampled_from(NAMES), fixed_zones)
quarters = st.sampled_from([0, 15, 30, 45])
# Every second one lies in the first hours of the day, in which nearly all clocks change.
moments_of_day = st.one_of(
    st.times(), st.builds(time, st.integers(0, 23), quarters), *2 * [st.builds(time, st.integers(0, 3), quarters)]
)
per_mille = st.integers(0, 999)
windows = st.builds(Window, moments_of_day, moments_of_day).filter(lambda window: window.opens != window.closes)


@cache
def changes(name: str) -> list[date]:
    """The days near which the clock of this zone changes, in three years; in 2011 Samoa skipped a day."""
    midnights = [
        (datetime(year, 1, 1, tzinfo=UTC) + count * DAY).astimezone(zone(name))
        for year in (2011, 2026, 2027)
        for count in range(366)
    ]
    return [one.date() for one, following in pairwise(midnights) if one.utcoffset() != following.utcoffset()]


@st.composite
def zones_and_days(draw: st.DrawFn) -> tuple[tzinfo, date]:
    """Any zone on any day, and as often one whose clock changes then."""
    name = draw(st.one_of(zone_names, st.sampled_from(CHANGING)))
    any_day = st.dates(date(1990, 1, 1), date(2037, 12, 31))
    days = changes(name)
    return zone(name), draw(st.one_of(any_day, *3 * [st.sampled_from(days)]) if days else any_day)


@st.composite
def timetables(draw: st.DrawFn) -> tuple[Timetable, tzinfo, datetime]:
    """A timetable of some days, on either clock; a zone; and an instant not far from it."""
    where, day = draw(zones_and_days())
    starts = datetime.combine(day, draw(moments_of_day)) - draw(st.integers(0, 2)) * DAY
    ends = starts + draw(st.one_of(st.timedeltas(SMALLEST, 4 * DAY), st.sampled_from([3 * DAY, 4 * DAY])))
    basis = draw(st.sampled_from([None, UTC]))
    at = datetime.combine(day, draw(moments_of_day), tzinfo=UTC) + draw(st.integers(-3, 3)) * DAY
    return Timetable(starts.replace(tzinfo=basis), ends.replace(tzinfo=basis), draw(windows)), where, at


def is_shown_inside(window: Window, instant: datetime, where: tzinfo) -> bool:
    """Said anew, in another way: how long ago, by the clock's face, was the opening?"""

    shown = instant.astimezone(where).time()
    return hands_between(window.opens, shown) < hands_between(window.opens, window.closes)


def hands_between(earlier: time, later: time) -> timedelta:
    """How long the hands of a clock take from one time to the next occurrence of another."""
    return (datetime.combine(SOME_DAY, later) - datetime.combine(SOME_DAY, earlier)) % DAY


def may_be_sent(timetable: Timetable, instant: datetime, where: tzinfo) -> bool:
    span = timetable.span(where)
    assert timetable.window is not None
    return span.opens_at <= instant < span.closes_at and is_shown_inside(timetable.window, instant, where)


def walk(timetable: Timetable, where: tzinfo) -> Iterator[Opening]:
    """As a lane does: each opening is looked for at the end of the one before."""
    at = timetable.span(where).opens_at - DAY
    while opening := next_opening(timetable, where, at):
        yield opening
        at = opening.closes_at


@given(timetables())
def test_it_is_open_exactly_when_the_mailing_runs_and_the_clock_shows_a_time_in_the_window(
    case: tuple[Timetable, tzinfo, datetime],
) -> None:
    timetable, where, at = case

    opening = next_opening(timetable, where, at)

    assert (opening is not None and opening.opens_at <= at) == may_be_sent(timetable, at, where)
    assert opening is None or at < opening.closes_at


@given(timetables(), per_mille)
def test_no_instant_of_an_opening_is_outside_the_window(
    case: tuple[Timetable, tzinfo, datetime], place: int
) -> None:
    timetable, where, at = case
    opening = next_opening(timetable, where, at)
    assume(opening is not None)
    assert opening is not None
    somewhere = opening.opens_at + place * (opening.closes_at - opening.opens_at) // 1000

    for instant in (opening.opens_at, somewhere, opening.closes_at - SMALLEST):
        assert may_be_sent(timetable, instant, where)


@given(timetables())
def test_an_opening_begins_and_ends_only_where_it_must(case: tuple[Timetable, tzinfo, datetime]) -> None:
    timetable, where, _at = case

    for opening in walk(timetable, where):
        assert not may_be_sent(timetable, opening.opens_at - SMALLEST, where)
        assert not may_be_sent(timetable, opening.closes_at, where)


@given(timetables(), per_mille)
def test_no_instant_between_two_openings_is_inside_the_window(
    case: tuple[Timetable, tzinfo, datetime], place: int
) -> None:
    timetable, where, _at = case
    span = timetable.span(where)
    nowhere = [Opening(span.opens_at, span.opens_at), Opening(span.closes_at, span.closes_at)]

    for one, following in pairwise([nowhere[0], *walk(timetable, where), nowhere[1]]):
        between = one.closes_at + place * (following.opens_at - one.closes_at) // 1000

        assert between >= following.opens_at or not may_be_sent(timetable, between, where)


@given(timetables())
def test_openings_follow_each_other_within_start_and_end(case: tuple[Timetable, tzinfo, datetime]) -> None:
    timetable, where, _at = case
    span = timetable.span(where)

    found = list(walk(timetable, where))

    edges = [edge for opening in found for edge in (opening.opens_at, opening.closes_at)]
    assert all(earlier < later for earlier, later in pairwise(edges))
    assert not edges or (span.opens_at <= edges[0] and edges[-1] <= span.closes_at)


@given(timetables())
def test_whatever_instant_of_an_opening_is_asked_for_the_answer_is_the_same(
    case: tuple[Timetable, tzinfo, datetime],
) -> None:
    timetable, where, at = case
    opening = next_opening(timetable, where, at)
    assume(opening is not None)
    assert opening is not None

    assert next_opening(timetable, where, opening.opens_at) == opening
    assert next_opening(timetable, where, opening.closes_at - SMALLEST) == opening


@given(fixed_zones, timetables())
def test_where_clocks_never_change_both_kinds_of_start_and_end_agree(
    name: str, case: tuple[Timetable, tzinfo, datetime]
) -> None:
    where, (given_times, _zone, at) = zone(name), case
    starts, ends = given_times.starts.replace(tzinfo=None), given_times.ends.replace(tzinfo=None)
    by_clock = Timetable(starts, ends, given_times.window)
    by_instant = Timetable(starts.replace(tzinfo=where), ends.replace(tzinfo=where), given_times.window)

    assert next_opening(by_clock, where, at) == next_opening(by_instant, where, at)


@given(zones_and_days(), moments_of_day)
def test_a_start_on_the_clients_clock_is_the_first_instant_at_which_it_shows_that_time(
    place: tuple[tzinfo, date], told: time
) -> None:
    where, day = place
    shown = datetime.combine(day, told)

    starts = Timetable(shown, shown + DAY, None).span(where).opens_at

    offsets = {(starts + count * DAY).astimezone(where).utcoffset() for count in (-2, 0, 2)}
    readings = {shown.replace(tzinfo=UTC) - offset for offset in offsets if offset is not None}
    real = [one for one in readings if one.astimezone(where).replace(tzinfo=None) == shown]
    # Where the clock never shows it: as if it had not been put forward yet.
    assert starts == min(real, default=max(readings))


def test_in_every_zone_on_every_day_of_a_year_the_window_is_open_while_the_clock_shows_its_hours() -> None:
    """By quarters of an hour, of which all offsets and changes of that year are made."""
    first, last = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    quarters = [first + count * QUARTER for count in range((last - first) // QUARTER)]

    for where in zones_that_differ(first, last):
        shown = [instant.astimezone(where).time() for instant in quarters]
        for window in (Window(time(9), time(21)), Window(time(22), time(7))):
            assert list(walk(Timetable(first, last, window), where)) == stretches(window, quarters, shown), where


def zones_that_differ(first: datetime, last: datetime) -> list[tzinfo]:
    """One of each set of zones whose clocks show the same from first to last, hour by hour."""
    hours = [first + count * timedelta(hours=1) for count in range((last - first) // timedelta(hours=1))]
    days = hours[::24]

    def offsets(name: str) -> tuple[timedelta | None, ...]:
        where = zone(name)
        by_day = [day.astimezone(where).utcoffset() for day in days]
        return tuple(by_day if len(set(by_day)) == 1 else (hour.astimezone(where).utcoffset() for hour in hours))

    return [zone(name) for name in {offsets(name): name for name in NAMES}.values()]


def stretches(window: Window, quarters: list[datetime], shown: list[time]) -> list[Opening]:
    """Counted out: the runs of quarters at whose beginning the clock shows a time in the window."""
    opens = datetime.combine(SOME_DAY, window.opens)
    count = hands_between(window.opens, window.closes) // QUARTER
    inside = {(opens + number * QUARTER).time() for number in range(count)}
    runs = [
        [instant for instant, _time in run]
        for is_open, run in groupby(zip(quarters, shown, strict=True), key=lambda pair: pair[1] in inside)
        if is_open
    ]
    return [Opening(run[0], run[-1] + QUARTER) for run in runs]
