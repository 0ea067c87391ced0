"""What does one line of the file say about one client?"""

from dataclasses import dataclass
from json.encoder import encode_basestring  # the C one, where there is one
from typing import NamedTuple

from ..client_rules import UNPRINTABLE
from .cells import (
    CellError,
    attribute_of,
    consent_source_of,
    instant_of,
    operator_code_of,
    phone_of,
    tags_of,
    zone_of,
)
from .mapping import Mapping, Meaning
from .records import QuoteError, split
from .text import Line

LONGEST_VALUE = 200


class Row(NamedTuple):
    """A row that can be taken, as it waits to be written. None and absent attributes: the file says nothing."""

    phone: str
    line: int
    operator_code: str | None
    timezone: str | None
    # With commas between them.
    tags: str
    # A JSON object.
    attributes: str
    consent_source: str | None
    # ISO 8601, in UTC.
    consent_at: str | None
    # In the order of phones, counted from 1, once the rows are sorted.
    place: int = 0


_row = Row._make  # a million times over, the shortest way counts


@dataclass(slots=True)
class BadRow:
    """`value` is what stood there, cut and without control characters."""

    line: int
    value: str
    code: str

    def __post_init__(self) -> None:
        self.value = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", self.value[:LONGEST_VALUE])


class _RowError(ValueError):
    def __init__(self, code: str, value: str) -> None:
        super().__init__(code)
        self.code = code
        self.value = value


class RowReader:
    """Reads the lines of one file. `timezone` is the clock of dates that name no offset."""

    def __init__(self, mapping: Mapping, delimiter: str, timezone: str) -> None:
        self._delimiter = delimiter
        self._timezone = timezone
        self._width = len(mapping.columns)
        self._attributes = [(encode_basestring(name) + ": ", at) for name, at in mapping.attributes()]
        # An absent column is the empty cell behind the last.
        positions = {meaning: mapping.position(meaning) for meaning in Meaning}
        at = {meaning: self._width if found is None else found for meaning, found in positions.items()}
        self._phone_at = at[Meaning.PHONE]
        self._code_at = at[Meaning.OPERATOR_CODE]
        self._zone_at = at[Meaning.TIMEZONE]
        self._tags_at = at[Meaning.TAGS]
        self._source_at = at[Meaning.CONSENT_SOURCE]
        self._since_at = at[Meaning.CONSENT_AT]

    def row(self, line: Line) -> Row | BadRow:
        try:
            return self.row_of(line.number, self._cells(line))
        except _RowError as refused:
            return BadRow(line.number, refused.value, refused.code)

    def row_of(self, number: int, cells: list[str]) -> Row | BadRow:
        """Of cells that are one more than the columns, the last empty."""
        cell = ""
        try:
            phone = phone_of(cell := cells[self._phone_at])
            code = operator_code_of(cell := cells[self._code_at])
            zone = zone_of(cell := cells[self._zone_at])
            tags = tags_of(cell := cells[self._tags_at])
            source = consent_source_of(cell := cells[self._source_at])
            since = instant_of(cell := cells[self._since_at], self._timezone)
            pairs = [
                name + encode_basestring(attribute_of(cell))
                for name, at in self._attributes
                if (cell := cells[at])
            ]
        except CellError as refused:
            return BadRow(number, cell, refused.code)
        return _row((phone, number, code, zone, tags, "{" + ", ".join(pairs) + "}", source, since, 0))

    def _cells(self, line: Line) -> list[str]:
        if line.is_too_long:
            raise _RowError("line_too_long", line.text)
        if line.is_misencoded:
            raise _RowError("encoding_mixed", line.as_cp1251())
        try:
            cells = split(line.text, self._delimiter)
        except QuoteError as error:
            raise _RowError(error.code, line.text) from None
        if not line.text.isprintable():
            _refuse_unprintable(cells)
        if len(cells) > self._width:
            if any(cells[self._width :]):
                raise _RowError("too_many_columns", line.text)
            del cells[self._width :]
        cells.extend([""] * (self._width + 1 - len(cells)))
        return cells


def _refuse_unprintable(cells: list[str]) -> None:
    for cell in cells:
        if UNPRINTABLE.search(cell):
            raise _RowError("control_characters", cell)
