"""How is this file to be read, and what stands in its first rows?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..client_rules import UNPRINTABLE
from . import workbook
from .mapping import looks_like_header, meaning_of
from .records import DELIMITERS, QuoteError, split
from .text import LONGEST_LINE, Line, UnreadableError, encoding_of, filled_lines, open_text

# Shown for the mapping: the header and so many rows.
SHOWN_ROWS = 10
LONGEST_SHOWN = 120
MOST_COLUMNS = 60
# The first bytes of a zip (xlsx) and of a workbook of Excel 97 to 2003 (xls).
_ZIP_MARK, _OLD_WORKBOOK_MARK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What the installation takes in one file."""

    megabytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Layout:
    """`rows` are the first that are filled, all equally wide, their cells cut; `lines` are their numbers."""

    is_workbook: bool
    encoding: str
    delimiter: str
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Layout":
        rows = tuple(map(tuple, kept["rows"]))
        return cls(**kept | {"rows": rows, "lines": tuple(kept["lines"])})


def look(path: Path, limits: FileLimits) -> Layout:
    """Raises UnreadableError where this is plainly no table with at least one client in it."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if not beginning:
        raise UnreadableError("file_empty")
    if beginning.startswith(_OLD_WORKBOOK_MARK):
        raise UnreadableError("file_is_old_workbook")
    found = _look_at_workbook(path, limits) if beginning.startswith(_ZIP_MARK) else _look_at_text(path)
    if found.width > MOST_COLUMNS:
        raise UnreadableError("too_many_file_columns", MOST_COLUMNS)
    if len(found.rows) == 1 and looks_like_header(found.rows):
        raise UnreadableError("file_header_only")
    return found


def _look_at_workbook(path: Path, limits: FileLimits) -> Layout:
    first = workbook.first_rows(path, SHOWN_ROWS + 1, limits.megabytes)
    if not first:
        raise UnreadableError("file_empty")
    return _layout(
        True, workbook.ENCODING, workbook.DELIMITER, [at for at, _row in first], [row for _at, row in first]
    )


def _look_at_text(path: Path) -> Layout:
    encoding = encoding_of(path)
    with open_text(path, encoding) as file:
        first = list(islice(filled_lines(file), SHOWN_ROWS + 1))
    if not first:
        raise UnreadableError("file_empty")
    if any("\0" in line.text for line in first[:1]):
        raise UnreadableError("file_not_text")
    delimiter = _delimiter(first[0].text[:LONGEST_LINE])
    rows = [_cells(line, delimiter) for line in first]
    return _layout(False, encoding, delimiter, [line.number for line in first], rows)


def _cells(line: Line, delimiter: str) -> list[str]:
    try:
        return split(line.text, delimiter)
    except QuoteError:
        return line.text.split(delimiter)


def _delimiter(line: str) -> str:
    """The one under which the first line makes most sense; where equal, the one that divides most."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            cells = split(line, delimiter)
        except QuoteError:
            return -1, 0
        sense = sum(meaning_of(cell) is not None for cell in cells)
        return sense + (not looks_like_header([cells])), len(cells)

    return max(DELIMITERS, key=score)


def _layout(
    is_workbook: bool, encoding: str, delimiter: str, lines: list[int], rows: Sequence[Sequence[str]]
) -> Layout:
    """As wide as the header, or as the widest row where nothing is a header."""
    width = _width(rows)
    shown = tuple(tuple(_shown(cell) for cell in [*row, *[""] * width][:width]) for row in rows)
    return Layout(is_workbook, encoding, delimiter, tuple(lines), shown)


def _width(rows: Sequence[Sequence[str]]) -> int:
    filled = [max((at for at, cell in enumerate(row, start=1) if cell), default=0) for row in rows]
    return max(1, filled[0] if looks_like_header(rows) else max(filled))


def _shown(cell: str) -> str:
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cell[:LONGEST_SHOWN])
