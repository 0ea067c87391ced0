"""How does a table leave as a download?"""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, stream_with_context

from ..domain import csv_text


def attachment(filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A download in UTF-8 with a byte order mark, for Excel. `filename` is ASCII.

    `rows` is walked while it is sent: memory stays flat.
    """
    response = Response(stream_with_context(csv_text.pieces(header, rows)), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
