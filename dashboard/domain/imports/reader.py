"""Which rows are in this file? One pass, one line in memory at a time."""

import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from .columns import understand
from .rows import BadRow, Row, RowReader
from .text import LONGEST_LINE, MOST_ROWS, Line, UnreadableError, lines, open_text


class Reader:
    """`with Reader(path) as reader: for row in reader.rows(): …`. Entering raises UnreadableError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._file = open_text(self._path)
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _begin(self) -> None:
        """Understand the header, the first line that is not empty."""
        filled = (line for line in lines(self._file) if line.is_too_long or line.text.strip())
        first = next(filled, None)
        if first is None:
            raise UnreadableError("file_empty")
        columns = understand(first.text[:LONGEST_LINE])
        self._row_reader = RowReader(columns)
        self._rows_of_file: Iterator[Line] = filled if columns.has_header else chain([first], filled)
        self.header_faults = [BadRow(first.number, fault.name, fault.code) for fault in columns.faults]

    def rows(self, skip: int = 0) -> Iterator[Row | BadRow]:
        """The rows after the first `skip`; an empty line is none. Raises UnreadableError at one too many."""
        wanted = islice(self._rows_of_file, skip, MOST_ROWS)
        yield from map(self._row_reader.row, wanted)
        if next(self._rows_of_file, None) is not None:
            raise UnreadableError("too_many_rows")

    @property
    def bytes_read(self) -> int:
        """How far the file has been read, to the nearest buffer."""
        return os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
