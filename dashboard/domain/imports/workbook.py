"""What stands in an Excel workbook (XLSX)? Its first sheet is written out as text, and then read like any other.

A workbook is a zip: what it unpacks to is looked at before anything is unpacked. The texts of all cells are
held in memory while it is read, so they have a limit of their own.
"""

import csv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from .text import UnreadableError

ENCODING, DELIMITER = "utf-8-sig", ";"
# XML unpacks to about ten times its size in a zip.
UNPACKED_TIMES = 16
MOST_TEXTS_BYTES = 64 * 1024 * 1024
# Excel's own limit, and so the end of what an honest file can hold.
MOST_SHEET_ROWS = 1_048_576
COLUMNS_READ = 61
_MEGABYTE = 1024 * 1024
_BROKEN = (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, EOFError, OSError)


def first_rows(path: Path, count: int, megabytes: int) -> list[tuple[int, list[str]]]:
    """The first rows that are filled, with their numbers. Raises UnreadableError."""
    with _sheet(path, megabytes) as rows:
        return list(islice(((at, row) for at, row in rows if any(row)), count))


def write_out(path: Path, target: Path, megabytes: int) -> Iterator[int]:
    """Row by row as CSV, empty ones too, so that numbers stay; tells after each thousand how many it has written.

    Raises UnreadableError.
    """
    with _sheet(path, megabytes) as rows, target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITER, lineterminator="\n")
        for at, row in rows:
            writer.writerow(row if any(row) else ())
            if at % 1000 == 0:
                yield at


@contextmanager
def _sheet(path: Path, megabytes: int) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """What is wrong with the file may show at any row."""
    # Not at the top: it takes each process longer to load than all the rest of the imports.
    from openpyxl import load_workbook

    try:
        _require_harmless(path, megabytes)
        with path.open("rb") as file:  # by its name alone, openpyxl refuses what does not end in .xlsx
            book = load_workbook(file, read_only=True, data_only=True)
            if not book.worksheets:
                raise UnreadableError("file_empty")
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            yield _rows(sheet)
    except FileNotFoundError:
        raise
    except _BROKEN:
        raise UnreadableError("file_not_workbook") from None


def _require_harmless(path: Path, megabytes: int) -> None:
    """The sizes stand in the zip's own list; zipfile unpacks no byte more than they say."""
    with zipfile.ZipFile(path) as archive:
        files = archive.infolist()
    if "xl/workbook.xml" not in {file.filename for file in files}:
        raise UnreadableError("file_not_workbook")
    texts = sum(file.file_size for file in files if file.filename.lower().endswith("sharedstrings.xml"))
    most = UNPACKED_TIMES * megabytes * _MEGABYTE
    if sum(file.file_size for file in files) > most or texts > MOST_TEXTS_BYTES:
        raise UnreadableError("workbook_too_large")


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    cells = sheet.iter_rows(values_only=True, max_col=COLUMNS_READ, max_row=MOST_SHEET_ROWS)
    for at, row in enumerate(cells, start=1):
        texts = [_text(value) for value in row]
        while texts and not texts[-1]:
            texts.pop()
        yield at, texts


def _text(value: Any) -> str:
    """As people read it: whole numbers without .0, dates without an empty time, one line."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value.replace(microsecond=0)).isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)
