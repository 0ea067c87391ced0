"""Which time zone did they mean?"""

from datetime import datetime, timedelta

import pytest

from dashboard import zones
from dashboard.zones import ZoneError


@pytest.mark.parametrize(
    "written, name",
    [
        ("Europe/Moscow", "Europe/Moscow"),
        (" europe/moscow ", "Europe/Moscow"),
        ("GMT+3", "UTC+03:00"),
        ("UTC+3", "UTC+03:00"),
        ("utc +3", "UTC+03:00"),
        ("+03:00", "UTC+03:00"),
        ("+3", "UTC+03:00"),
        ("-3:30", "UTC-03:30"),
        ("+1200", "UTC+12:00"),
        ("UTC", "UTC"),
        ("GMT", "UTC"),
        ("UTC+0", "UTC"),
    ],
)
def test_a_zone_is_understood_as_people_write_it(written: str, name: str) -> None:
    assert zones.normalise(written) == name


@pytest.mark.parametrize(
    "written",
    ["", "Moon/Tranquility", "Etc/GMT+3", "+15", "-13", "UTC+3:99", "localtime", "../etc/passwd", "x" * 99],
)
def test_what_is_no_zone_is_refused(written: str) -> None:
    with pytest.raises(ZoneError):
        zones.normalise(written)


def test_gmt_plus_three_is_three_hours_ahead() -> None:
    noon = datetime(2025, 6, 1, 12, tzinfo=zones.zone(zones.normalise("GMT+3")))

    assert noon.utcoffset() == timedelta(hours=3)


def test_every_name_that_is_offered_has_rules() -> None:
    assert all(zones.zone(name) and zones.normalise(name) == name for name in zones.names())
    assert "Europe/Moscow" in zones.names()


@pytest.mark.parametrize("wrong", ["UTC+3", "", "/etc/passwd", "Moon/Tranquility"])
def test_rules_are_known_only_of_normalised_names(wrong: str) -> None:
    with pytest.raises(ZoneError):
        zones.zone(wrong)
