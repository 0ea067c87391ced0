"""How is a table written as spreadsheets read it, and without running in one?"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"); such a cell gets an apostrophe.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Rows are sent in pieces of so many characters.
PIECE = 64 * 1024


def pieces(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """With a byte order mark, for Excel. `rows` is walked piece by piece: memory stays flat."""
    piece = io.StringIO()
    piece.write("\ufeff")
    writer = csv.writer(piece, lineterminator="\r\n")
    writer.writerow([harmless(word) for word in header])
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        if piece.tell() >= PIECE:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def harmless(value: Any) -> Any:
    """The value as a cell that no spreadsheet runs; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value
