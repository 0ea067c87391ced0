"""Whatever the zones, the window and the rate: does the plan add up?"""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import zones
from dashboard.domain.plan import Plan, lay_out
from dashboard.domain.timing import Timetable, Window, next_opening

NAMES = ("Europe/Moscow", "Asia/Omsk", "Asia/Kamchatka", "Europe/Berlin", "America/New_York", "UTC-11:00")
NOW = datetime(2030, 3, 30, 12, tzinfo=UTC)

audiences = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 50_000), min_size=1)
windows = st.none() | st.builds(Window, st.times(time(0), time(11)), st.times(time(12), time(23)))
timetables = st.builds(
    lambda start, hours, window: Timetable(
        NOW + timedelta(hours=start), NOW + timedelta(hours=start + hours), window
    ),
    st.integers(-48, 48),
    st.integers(1, 96),
    windows,
)
rates = st.floats(0.01, 500)


@settings(max_examples=60, deadline=None)
@given(audience=audiences, timetable=timetables, rate=rates)
def test_everybody_is_counted_once_and_nothing_leaves_outside_of_a_window(
    audience: dict[str, int], timetable: Timetable, rate: float
) -> None:
    plan = lay_out(audience, timetable, rate, NOW)

    assert {zone.timezone: zone.recipients for zone in plan.zones} == audience
    assert sum(row.recipients for row in plan.rows) == sum(audience.values())
    for zone in plan.zones:
        assert 0 <= zone.reached <= zone.recipients
        assert (zone.last_at is not None) == (zone.reached > 0)
        if zone.last_at is not None:
            just_before = zone.last_at - timedelta(milliseconds=1)
            opening = next_opening(timetable, zones.zone(zone.timezone), just_before)
            assert opening is not None
            assert opening.opens_at <= zone.last_at <= opening.closes_at


@settings(max_examples=60, deadline=None)
@given(audience=audiences, timetable=timetables, rate=rates)
def test_no_more_leave_than_the_rate_allows(audience: dict[str, int], timetable: Timetable, rate: float) -> None:
    plan = lay_out(audience, timetable, rate, NOW)

    begins = max(NOW, timetable.starts)
    seconds = max(0.0, (timetable.ends - begins).total_seconds())
    assert plan.reached <= rate * seconds + len(audience)


@settings(max_examples=60, deadline=None)
@given(audience=audiences, timetable=timetables, rate=rates)
def test_a_faster_mailing_reaches_no_fewer(audience: dict[str, int], timetable: Timetable, rate: float) -> None:
    slow, fast = (_reached(lay_out(audience, timetable, each, NOW)) for each in (rate, rate * 2))

    assert fast >= slow


def _reached(plan: Plan) -> int:
    return plan.reached
