"""Which time zone did they mean, and what are its rules?"""

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

# As in GMT+3, UTC+03:00, +03:00, +3 or UTC-3:30.
OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])\s*([0-9]{1,2})(?::?([0-5][0-9]))?", re.IGNORECASE)
CANONICAL_OFFSET = re.compile(r"UTC([+-])([0-9]{2}):([0-9]{2})")
LONGEST_INPUT = 64
# The offsets in use: https://data.iana.org/time-zones/theory.html (today −12:00 to +14:00).
WEST_MOST, EAST_MOST = timedelta(hours=-12), timedelta(hours=14)
# The first and the last year of the calendar have hours that some of them cannot tell.
YEARS_TOLD = range(2, 9999)
# Names of the tz database that are kept for old programs or files, and are no place where a client lives.
NOT_PLACES = ("posix/", "right/", "localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi")


class ZoneError(ValueError):
    """No such time zone."""

    problem = "zone_unknown"


@lru_cache(maxsize=2048)
def normalise(text: str) -> str:
    """'europe/moscow' → 'Europe/Moscow'; 'GMT+3', 'UTC+3', '+03:00' → 'UTC+03:00'. Raises ZoneError.

    'GMT+3' means what people mean, three hours ahead of Greenwich; POSIX's 'Etc/GMT+3', which means the
    opposite, is refused rather than guessed at.
    """
    name = text.strip()
    if not name or len(name) > LONGEST_INPUT:
        raise ZoneError(name[:LONGEST_INPUT])
    if name.upper() in {"UTC", "GMT", "Z", "ETC/UTC"}:
        return "UTC"
    if match := OFFSET.fullmatch(name):
        return _offset_name(match)
    try:
        return _names_by_lower_case()[name.lower()]
    except KeyError:
        raise ZoneError(name) from None


@lru_cache(maxsize=2048)
def zone(name: str) -> tzinfo:
    """The rules of a normalised name. Raises ZoneError."""
    if match := CANONICAL_OFFSET.fullmatch(name):
        return timezone(_offset(match), name)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ZoneError(name) from None


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Every name of the tz database that a client may have, in alphabetical order."""
    return tuple(
        sorted(
            name
            for name in available_timezones()
            if not name.startswith((*NOT_PLACES, "Etc/")) and ("/" in name or name == "UTC")
        )
    )


@lru_cache(maxsize=1)
def _names_by_lower_case() -> dict[str, str]:
    return {name.lower(): name for name in names()}


def _offset(match: re.Match[str]) -> timedelta:
    sign, hours, minutes = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return -size if sign == "-" else size


def _offset_name(match: re.Match[str]) -> str:
    offset = _offset(match)
    if not WEST_MOST <= offset <= EAST_MOST:
        raise ZoneError(match.string)
    if not offset:
        return "UTC"
    sign = "-" if offset < timedelta(0) else "+"
    minutes = abs(offset) // timedelta(minutes=1)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"
