"""How do instants, numbers and phones read in the user's language and time zone?"""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from babel import Locale, dates, numbers, units
from flask import Flask
from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _
from markupsafe import Markup

from .. import clock, zones
from ..domain.timing import Opening
from .browsers import known_by

# Where the language would write three letters, there is a sign that everybody who pays in it reads.
CURRENCY_SIGNS = {"RUB": "₽", "KZT": "₸"}
UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def init_app(app: Flask) -> None:
    for function in (
        when,
        wall,
        on_clock_of,
        opening_on_clock_of,
        day,
        clock_time,
        number,
        money,
        percent,
        phone,
        duration,
    ):
        app.add_template_filter(function)
    app.add_template_filter(known_by, "browser")
    # Marks a text in a table of a template: only the one that is looked up is translated, not all at each call.
    app.add_template_global(str, "N_")


def when(instant: datetime | None) -> Markup:
    """'today, 14:05', 'Nov 21, 14:05' or 'Nov 21, 2025, 14:05' on the user's clock; the page names the zone once.

    An HTML element whose title tells the whole. '' for None.
    """
    if instant is None:
        return Markup()
    local = _local(instant)
    whole = f"{dates.format_date(local, 'long', locale=_locale())}, {_time(local, seconds=True)}"
    machine = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # In one line: a time below its day is taken for another one.
    element = Markup('<time class="nowrap" datetime="{}" title="{}">{}</time>')
    return element.format(machine, whole, _shortly(local))


def wall(told: datetime | None) -> str:
    """'Nov 21, 09:00': what a clock shows, nobody says which; the page does."""
    if told is None:
        return ""
    time = _time(told, seconds=False)
    if told.year == clock.now().year:
        return f"{dates.format_skeleton('MMMd', told.date(), locale=_locale())}, {time}"
    return f"{_day(told)}, {time}"


def on_clock_of(instant: datetime | None, timezone: str) -> str:
    """'Nov 21, 09:00' on the clocks of that zone."""
    return "" if instant is None else wall(instant.astimezone(zones.zone(timezone)).replace(tzinfo=None))


def opening_on_clock_of(opening: Opening, timezone: str) -> str:
    """'Nov 21, 09:00–21:00', or over midnight 'Nov 21, 22:00 – Nov 22, 06:00', on the clocks of that zone."""
    begins, ends = (at.astimezone(zones.zone(timezone)) for at in (opening.opens_at, opening.closes_at))
    if begins.date() == ends.date():
        return f"{wall(begins)}–{_time(ends, seconds=False)}"
    return f"{wall(begins)} – {wall(ends)}"


def _shortly(local: datetime) -> str:
    """What goes without saying is left out: this year, this day."""
    today = _local(clock.now()).date()
    time = _time(local, seconds=False)
    if local.date() == today:
        return str(_("today, %(time)s", time=time))
    if local.year == today.year:
        return f"{dates.format_skeleton('MMMd', local.date(), locale=_locale())}, {time}"
    return f"{_day(local)}, {time}"


def day(value: datetime | date | None) -> str:
    """'21 Nov 2025'; an instant by the user's clock, a date as it is."""
    if value is None:
        return ""
    return _day(_local(value) if isinstance(value, datetime) else value)


def clock_time(instant: datetime | None, seconds: bool = False) -> str:
    """'14:05' on the user's clock."""
    return "" if instant is None else _time(_local(instant), seconds)


def _locale() -> Locale:
    return get_locale() or Locale("en")


def _local(instant: datetime) -> datetime:
    return instant.astimezone(get_timezone() or UTC)


def _day(value: date) -> str:
    return dates.format_date(value, "medium", locale=_locale())


def _time(local: datetime, seconds: bool) -> str:
    """Twenty-four hours in either language: a mailing at "12" must not be read two ways."""
    return local.strftime("%H:%M:%S" if seconds else "%H:%M")


def number(value: float | None) -> str:
    """'12 345' or '12,345'; '' for None."""
    return "" if value is None else _grouped(value, _locale())


@lru_cache(maxsize=4096)
def _grouped(value: float, locale: Locale) -> str:
    """A page says a hundred numbers, many of them again and again, and each takes as long as a small query."""
    return numbers.format_decimal(value, locale=locale)


def money(amount: Decimal | None, currency: str, exact: bool = False) -> str:
    """'1 234,50 ₽' or '₽1,234.50'; `exact` keeps what is below a hundredth, as prices have it. '' for None."""
    if amount is None:
        return ""
    text = numbers.format_currency(amount, currency, locale=_locale(), decimal_quantization=not exact)
    return str(text).replace(currency, CURRENCY_SIGNS.get(currency, currency))


def percent(share: float | None) -> str:
    """0.1234 → '12%'. Never '100%' while something is missing, nor '0%' while there is something."""
    if share is None:
        return ""
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        return "<" + numbers.format_percent(0.01, locale=_locale())
    return numbers.format_percent(whole / 100, locale=_locale())


def phone(canonical: str | None) -> str:
    """'79991234567' → '+7 999 123-45-67'."""
    if not canonical or len(canonical) != 11:
        return canonical or ""
    return f"+{canonical[0]} {canonical[1:4]} {canonical[4:7]}-{canonical[7:9]}-{canonical[9:]}"


def duration(value: float | timedelta | None) -> str:
    """Seconds or a timedelta by its two largest units: '2 hr 5 min', '45 sec', '320 ms'. '' for None."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0 < seconds < 1:
        return _unit(math.ceil(seconds * 1000), "millisecond")
    left = round(seconds)
    shown: list[tuple[int, str]] = []
    for unit, length in UNITS:
        count, left = divmod(left, length)
        if shown or count:
            shown.append((count, unit))
    return " ".join(_unit(count, unit) for count, unit in shown[:2] if count) or _unit(0, "second")


def _unit(count: int, unit: str) -> str:
    return units.format_unit(count, f"duration-{unit}", "short", locale=_locale())
