"""Where do the rows that were read wait to be written? In a file of their own, sorted by phone.

Sorted, because then the second row of a phone stands behind the first, and because an index that is filled in its
own order is filled many times faster (a million phones in any order touch every page of it again and again).
It is an SQLite file that no one else opens and that nothing but this import depends on, so it needs no journal.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .rows import Row

_COLUMNS = ", ".join(Row._fields)
_CELLS = ", ".join(name for name in Row._fields if name != "place")
_QUICK = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -8192")


class StagingWriter:
    """`with StagingWriter(path) as staging: staging.add(rows) …; staging.sort()`; then it can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._file = sqlite3.connect(self._path, isolation_level=None)
        for pragma in _QUICK:
            self._file.execute(pragma)
        self._file.execute(f"CREATE TEMP TABLE unsorted ({_COLUMNS})")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Iterable[Row]) -> None:
        self._file.execute("BEGIN")
        marks = ", ".join("?" * len(Row._fields))
        self._file.executemany(f"INSERT INTO temp.unsorted VALUES ({marks})", rows)  # marks only  # nosec B608
        self._file.execute("COMMIT")

    def sort(self) -> None:
        self._file.execute(f"CREATE TABLE staged ({_CELLS}, place INTEGER PRIMARY KEY)")
        sorted_cells = f"SELECT {_CELLS} FROM unsorted ORDER BY phone, line"  # names of ours  # nosec B608
        self._file.execute(f"INSERT INTO staged ({_CELLS}) {sorted_cells}")
        self._file.execute("DROP TABLE unsorted")


class StagedRows:
    """Opened once per run, and read by one thread at a time. Raises FileNotFoundError where there is none."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise FileNotFoundError(path)
        self._path = path

    def __enter__(self) -> Self:
        self._file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in _QUICK:
            self._file.execute(pragma)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def after(self, place: int, count: int) -> list[Row]:
        """The next rows in the order of their phones."""
        query = f"SELECT {_COLUMNS} FROM staged WHERE place > ? ORDER BY place LIMIT ?"  # names of ours  # nosec B608
        return list(map(Row._make, self._file.execute(query, (place, count))))

    def leave_out(self, places: Sequence[int]) -> None:
        """Rows that turned out not to be taken."""
        if places:
            self._file.execute("BEGIN")
            self._file.executemany("DELETE FROM staged WHERE place = ?", ((place,) for place in places))
            self._file.execute("COMMIT")


def keep(path: Path) -> None:
    """On the disk before the row says that it is there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
