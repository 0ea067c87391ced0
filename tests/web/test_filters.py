"""Do instants, numbers and phones read as people in each language expect?"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from dashboard import clock
from dashboard.web import filters

INSTANT = datetime(2025, 11, 21, 11, 5, 9, tzinfo=UTC)


@pytest.fixture(params=["en", "ru"])
def language(app: Flask, request: pytest.FixtureRequest) -> Iterator[str]:
    with app.test_request_context(), force_locale(request.param):
        yield request.param


def test_an_instant_is_shown_on_the_clock_of_the_installation_until_somebody_signs_in(language: str) -> None:
    assert shown(INSTANT).endswith("14:05")
    assert filters.clock_time(INSTANT) == "14:05"
    assert filters.clock_time(INSTANT, seconds=True) == "14:05:09"


def shown(instant: datetime) -> str:
    return filters.when(instant).striptags()


@pytest.mark.parametrize(
    ("now", "en", "ru"),
    [
        # In Moscow it is the 21st from 21:00 UTC of the day before to 21:00 UTC.
        (datetime(2025, 11, 20, 21, 0, tzinfo=UTC), "today, 14:05", "сегодня, 14:05"),
        (datetime(2025, 11, 21, 20, 59, tzinfo=UTC), "today, 14:05", "сегодня, 14:05"),
        (datetime(2025, 11, 21, 21, 0, tzinfo=UTC), "Nov 21, 14:05", "21 нояб., 14:05"),
        (datetime(2025, 11, 20, 20, 59, tzinfo=UTC), "Nov 21, 14:05", "21 нояб., 14:05"),
        (datetime(2025, 12, 31, 20, 59, tzinfo=UTC), "Nov 21, 14:05", "21 нояб., 14:05"),
        (datetime(2025, 12, 31, 21, 0, tzinfo=UTC), "Nov 21, 2025, 14:05", "21 нояб. 2025 г., 14:05"),
    ],
)
def test_this_year_and_this_day_go_without_saying(
    language: str, monkeypatch: pytest.MonkeyPatch, now: datetime, en: str, ru: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)

    assert shown(INSTANT).replace("\u202f", " ") == {"en": en, "ru": ru}[language]


def test_an_instant_tells_machines_and_the_pointer_all_of_it(language: str) -> None:
    element = filters.when(INSTANT)

    assert 'datetime="2025-11-21T11:05:09Z"' in element
    assert {"en": "November 21, 2025, 14:05:09", "ru": "21 ноября 2025"}[language] in element
    assert filters.when(None) == ""


def test_a_day_is_the_users_own(language: str) -> None:
    late = INSTANT.replace(hour=22)

    assert filters.day(late) == filters.day(date(2025, 11, 22))
    assert filters.day(late) == {"en": "Nov 22, 2025", "ru": "22 нояб. 2025\u202fг."}[language]


@pytest.mark.parametrize(
    ("share", "en"), [(0, "0%"), (0.0001, "<1%"), (0.5, "50%"), (0.9999, "99%"), (1, "100%"), (None, "")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(app: Flask, share: float | None, en: str) -> None:
    with app.test_request_context(), force_locale("en"):
        assert filters.percent(share) == en


def test_numbers_are_grouped_as_the_language_groups_them(language: str) -> None:
    assert filters.number(1234567) == {"en": "1,234,567", "ru": "1\xa0234\xa0567"}[language]
    assert filters.number(None) == ""


def test_money_has_its_sign_where_the_language_puts_it(language: str) -> None:
    amount = Decimal("1234567.5")

    assert filters.money(amount, "RUB") == {"en": "₽1,234,567.50", "ru": "1\xa0234\xa0567,50\xa0₽"}[language]
    assert filters.money(amount, "KZT") == {"en": "₸1,234,567.50", "ru": "1\xa0234\xa0567,50\xa0₸"}[language]
    assert filters.money(None, "RUB") == ""


def test_a_price_keeps_what_is_below_a_kopeck(language: str) -> None:
    price = Decimal("3.4599")

    assert filters.money(price, "RUB", exact=True) == {"en": "₽3.4599", "ru": "3,4599\xa0₽"}[language]
    assert filters.money(price, "RUB") == {"en": "₽3.46", "ru": "3,46\xa0₽"}[language]


@pytest.mark.parametrize(
    ("value", "en", "ru"),
    [
        (0, "0 sec", "0 с"),
        (0.3204, "321 ms", "321 мс"),
        (45, "45 sec", "45 с"),
        (60, "1 min", "1 мин"),
        (7500, "2 hr 5 min", "2 ч 5 мин"),
        (timedelta(days=3, seconds=5), "3 days", "3 дн."),
    ],
)
def test_a_duration_has_two_units_at_most(app: Flask, value: float, en: str, ru: str) -> None:
    with app.test_request_context():
        with force_locale("en"):
            assert filters.duration(value) == en
        with force_locale("ru"):
            assert filters.duration(value).replace("\xa0", " ") == ru


def test_a_phone_is_shown_in_groups() -> None:
    assert filters.phone("79991234567") == "+7 999 123-45-67"
    assert filters.phone(None) == ""
