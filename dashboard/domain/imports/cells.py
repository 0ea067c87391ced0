"""What does one cell say? Also as spreadsheets write it, who take a phone for a number and a date for a date."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from ... import phone as phones
from ... import zones
from ..client_rules import ATTRIBUTE_LENGTH, OPERATOR_CODE, TAG_SEPARATORS, clean_tags, tags_fault

CONSENT_SOURCE_LENGTH = 200
# Between the tags of a row that has been read; no tag holds one.
TAG_JOINT = ","
_WHOLE_NUMBER = re.compile(r"([0-9]{10,11})[.,]0+")
_POWER_OF_TEN = re.compile(r"([0-9][.,]?[0-9]*)[Ee]\+?(0?9|10)")
_TIME = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
_DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})" + _TIME)


class CellError(ValueError):
    """`code` says what is wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def phone_of(cell: str) -> str:
    """As `phone.normalise`; where that refuses, 79991234567.0 and 7.9991234567E+10 are understood, too."""
    try:
        return phones.normalise(cell)
    except phones.PhoneError as error:
        if match := _WHOLE_NUMBER.fullmatch(cell):
            return phone_of(match[1])
        if match := _POWER_OF_TEN.fullmatch(cell):
            return _phone_of_power(match)
        raise CellError(error.problem.value) from None


def _phone_of_power(match: re.Match[str]) -> str:
    mantissa, power = match[1].replace(",", "."), int(match[2])
    if len(mantissa.partition(".")[2]) < power:
        raise CellError("phone_rounded")
    return phone_of(str(int(Decimal(mantissa).scaleb(power))))


def operator_code_of(cell: str) -> str | None:
    if cell and not OPERATOR_CODE.fullmatch(cell):
        raise CellError("operator_code_invalid")
    return cell or None


def zone_of(cell: str) -> str | None:
    if not cell:
        return None
    try:
        return zones.normalise(cell)
    except zones.ZoneError as error:
        raise CellError(error.problem) from None


@lru_cache(maxsize=4096)
def tags_of(cell: str) -> str:
    """With TAG_JOINT between them."""
    tags = clean_tags(TAG_SEPARATORS.split(cell))
    if code := tags_fault(tags):
        raise CellError(code)
    return TAG_JOINT.join(tags)


def attribute_of(cell: str) -> str:
    if len(cell) > ATTRIBUTE_LENGTH:
        raise CellError("attribute_too_long")
    return cell


def consent_source_of(cell: str) -> str | None:
    if len(cell) > CONSENT_SOURCE_LENGTH:
        raise CellError("consent_source_too_long")
    return cell or None


@lru_cache(maxsize=4096)
def instant_of(cell: str, zone: str) -> str | None:
    """'2025-03-01', '01.03.2025 14:30', ISO 8601; without an offset by that zone's clock. In UTC, as ISO 8601."""
    if not cell:
        return None
    try:
        at = _moment(cell)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zones.zone(zone))
    except ValueError:
        raise CellError("date_invalid") from None
    if at.year not in zones.YEARS_TOLD:
        raise CellError("date_invalid")
    return at.astimezone(UTC).isoformat()


def _moment(cell: str) -> datetime:
    if match := _DAY_FIRST.fullmatch(cell):
        day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - it gets its zone above
    return datetime.fromisoformat(cell)
