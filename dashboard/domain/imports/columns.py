"""Which column holds what? Asked of the first line, in Russian or English and in any order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ... import phone as phones
from ..client_rules import ATTRIBUTE_NAME_LENGTH, ATTRIBUTES_PER_CLIENT, is_attribute_name
from .records import DELIMITERS, QuoteError, split
from .text import UnreadableError

PHONE, TAGS, TIMEZONE, OPERATOR_CODE = "phone", "tags", "timezone", "operator_code"
WITHOUT_HEADER = (PHONE, TAGS, TIMEZONE)
# Compared in lower case, with underscores and dashes as spaces and without a dot at the end.
_MEANINGS = {
    PHONE: "phone|phone number|mobile|mobile phone|телефон|номер|номер телефона|тел|мобильный",
    TAGS: "tag|tags|тег|теги|метка|метки",
    TIMEZONE: "timezone|time zone|tz|часовой пояс|пояс",
    OPERATOR_CODE: "code|operator code|mobile operator code|код|код оператора|код мобильного оператора",
}
_MEANING_BY_NAME = {name: meaning for meaning, names in _MEANINGS.items() for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class ColumnFault:
    name: str
    code: str


@dataclass(slots=True)
class Columns:
    """`fields` gives each column its field, or None where it is not taken; other names are attributes."""

    delimiter: str
    has_header: bool
    fields: list[str | None] = field(default_factory=list)
    faults: list[ColumnFault] = field(default_factory=list)

    def positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.fields) if name in _MEANINGS}

    def attributes(self) -> list[tuple[str, int]]:
        return [(name, at) for at, name in enumerate(self.fields) if name and name not in _MEANINGS]


def understand(first_line: str) -> Columns:
    """Raises UnreadableError where no column holds phones."""
    if "\0" in first_line:
        raise UnreadableError("file_not_text")
    best, cells = max(_readings(first_line), key=lambda reading: _score(reading[1]), default=("", []))
    if cells and _is_phone(cells[0]):
        return Columns(best, has_header=False, fields=list(WITHOUT_HEADER))
    if PHONE not in map(_meaning, cells):
        raise UnreadableError("no_phone_column")
    columns = Columns(best, has_header=True)
    for cell in cells:
        columns.fields.append(_field(cell, columns))
    return columns


def _readings(line: str) -> list[tuple[str, list[str]]]:
    readings = []
    for delimiter in DELIMITERS:
        try:
            readings.append((delimiter, split(line, delimiter)))
        except QuoteError:
            continue
    return readings


def _score(cells: Sequence[str]) -> tuple[int, int]:
    """The delimiter under which the first line makes most sense; where equal, the one that divides most."""
    return sum(_meaning(cell) is not None for cell in cells) + _is_phone(cells[0]), len(cells)


def _is_phone(cell: str) -> bool:
    try:
        phones.normalise(cell)
    except phones.PhoneError:
        return False
    return True


def _meaning(cell: str) -> str | None:
    return _MEANING_BY_NAME.get(" ".join(re.split(r"[\s_\-]+", cell.strip(" .").lower())))


def _field(cell: str, columns: Columns) -> str | None:
    """The field of one more column; what cannot be taken is noted in `columns.faults`."""
    if not cell:
        return None
    name = _meaning(cell) or _attribute_name(cell)
    if not is_attribute_name(name):
        columns.faults.append(ColumnFault(cell, "column_name_invalid"))
    elif name in columns.fields:
        columns.faults.append(ColumnFault(cell, "column_repeated"))
    elif name not in _MEANINGS and len(columns.attributes()) == ATTRIBUTES_PER_CLIENT:
        columns.faults.append(ColumnFault(cell, "too_many_attributes"))
    else:
        return name
    return None


def _attribute_name(cell: str) -> str:
    """'Дата рождения' → 'Дата_рождения', '2nd name' → '_2nd_name'."""
    name = re.sub(r"\W+", "_", cell).strip("_")
    return ("_" + name if name[:1].isdigit() else name)[:ATTRIBUTE_NAME_LENGTH]
