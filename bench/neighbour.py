"""How long does somebody else wait for SQLite's write lock, while a measure runs?"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread

from dashboard.connections import LOCK_LOOK_SECONDS

# So long it rests between two writes of its own, each of which it takes back at once.
REST_SECONDS = 0.002

# Given an installation's folder: what goes on there as long as the measured work does.
Beside = Callable[[Path], AbstractContextManager[object]]


def nothing(_folder: Path) -> AbstractContextManager[object]:
    return nullcontext()


def neighbour(waits: list[float]) -> Beside:
    """Somebody who writes again and again, as workers and pages do; adds each wait in seconds to `waits`."""

    @contextmanager
    def beside(folder: Path) -> Iterator[None]:
        done = Event()
        thread = Thread(target=_write, args=(folder / "vestnik.db", waits, done))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    return beside


def _write(file: Path, waits: list[float], done: Event) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        while not done.wait(REST_SECONDS):
            asked = time.monotonic()
            while not _begins(connection):
                time.sleep(LOCK_LOOK_SECONDS)
            waits.append(time.monotonic() - asked)
            connection.execute("ROLLBACK")


def _begins(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
