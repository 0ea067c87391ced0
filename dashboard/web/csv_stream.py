"""How does a long table leave as CSV? Row by row, as spreadsheets read it, and without running in one."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"); such a cell gets an apostrophe.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Rows are sent in pieces of so many characters.
PIECE = 64 * 1024


def attachment(filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A download in UTF-8 with a byte order mark, for Excel. `filename` is ASCII.

    `rows` is walked while it is sent: memory stays flat.
    """
    response = Response(stream_with_context(_pieces(header, rows)), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


def _pieces(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
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
