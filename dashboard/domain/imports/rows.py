"""What does one line of the file say about one client?"""

from dataclasses import dataclass

from ... import phone as phones
from ... import zones
from ..client_rules import (
    ATTRIBUTE_LENGTH,
    OPERATOR_CODE,
    TAG_SEPARATORS,
    UNPRINTABLE,
    clean_tags,
    tags_fault,
)
from . import columns as meanings
from .columns import Columns
from .records import QuoteError, split
from .text import Line

LONGEST_VALUE = 200


@dataclass(slots=True)
class Row:
    """A row that can be taken. None and absent attributes: the file says nothing about them."""

    line: int
    phone: str
    operator_code: str | None
    timezone: str | None
    tags: tuple[str, ...]
    attributes: dict[str, str]


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
    """Reads the lines of one file, whose columns it knows."""

    def __init__(self, columns: Columns) -> None:
        self._delimiter = columns.delimiter
        self._width = len(columns.fields)
        self._attributes = columns.attributes()
        positions = columns.positions()
        self._phone_at = positions[meanings.PHONE]
        self._tags_at = positions.get(meanings.TAGS, self._width)
        self._zone_at = positions.get(meanings.TIMEZONE, self._width)
        self._code_at = positions.get(meanings.OPERATOR_CODE, self._width)

    def row(self, line: Line) -> Row | BadRow:
        try:
            return self._row(line)
        except _RowError as refused:
            return BadRow(line.number, refused.value, refused.code)

    def _row(self, line: Line) -> Row:
        cells = self._cells(line)
        return Row(
            line=line.number,
            phone=_phone(cells[self._phone_at]),
            operator_code=_operator_code(cells[self._code_at]),
            timezone=_timezone(cells[self._zone_at]),
            tags=_tags(cells[self._tags_at]),
            attributes={name: _value(cells[at]) for name, at in self._attributes if cells[at]},
        )

    def _cells(self, line: Line) -> list[str]:
        """As many as there are columns, and an empty one behind them, where absent columns point to."""
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


def _phone(cell: str) -> str:
    try:
        return phones.normalise(cell)
    except phones.PhoneError as error:
        raise _RowError(error.problem.value, cell) from None


def _operator_code(cell: str) -> str | None:
    if cell and not OPERATOR_CODE.fullmatch(cell):
        raise _RowError("operator_code_invalid", cell)
    return cell or None


def _timezone(cell: str) -> str | None:
    if not cell:
        return None
    try:
        return zones.normalise(cell)
    except zones.ZoneError as error:
        raise _RowError(error.problem, cell) from None


def _tags(cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    tags = clean_tags(TAG_SEPARATORS.split(cell))
    if code := tags_fault(tags):
        raise _RowError(code, cell)
    return tags


def _value(cell: str) -> str:
    if len(cell) > ATTRIBUTE_LENGTH:
        raise _RowError("attribute_too_long", cell)
    return cell
