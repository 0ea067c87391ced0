"""What else does a process do while the database works? A sender begins due calls and listens to the gateway.

All of it on one thread: before each statement, and again and again while a statement or a lock is waited for,
whoever attends gets a turn. Two threads would wait for each other instead: Python runs one of them at a time.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

RV = TypeVar("RV")
# Does what there is to do and waits for nothing. It uses no database, which is at work, and raises nothing, which
# would break off a statement that has nothing to do with it.
Attendant: TypeAlias = Callable[[], None]

# Somebody who waits for PostgreSQL attends so often; its driver counts in whole milliseconds.
EVERY_SECONDS = 0.001
# Else the driver itself only looks whether the connection still stands, or somebody has pressed Ctrl-C.
SELDOM_SECONDS = 0.1

_attendant: ContextVar[Attendant | None] = ContextVar("attendant", default=None)


@contextmanager
def attended_by(attendant: Attendant) -> Iterator[None]:
    """Whatever asks the database inside, `attendant` gets its turns meanwhile."""
    before = _attendant.set(attendant)
    try:
        yield
    finally:
        _attendant.reset(before)


def attend(*_event: Any) -> None:
    """A turn for who attends, if anybody does."""
    if attendant := _attendant.get():
        attendant()


def wait(seconds: float) -> None:
    """So long, or as long as a turn takes."""
    ends_at = time.monotonic() + seconds
    attend()
    time.sleep(max(0.0, ends_at - time.monotonic()))


class AttendedConnection(psycopg.Connection[Any]):
    """PostgreSQL's, which somebody may attend while it waits for the server."""

    def wait(self, gen: PQGen[RV], interval: float = SELDOM_SECONDS, timeout: float | None = None) -> RV:
        if _attendant.get() is None:
            return super().wait(gen, interval, timeout)
        return super().wait(_attended(gen), EVERY_SECONDS, timeout)


def _attended(gen: PQGen[RV]) -> Generator[Wait, Ready | int, RV]:
    """The same conversation with the server; whenever that has said nothing for a while, it is somebody's turn."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready:
                attend()
            wanted = gen.send(ready)
    except StopIteration as ended:
        result: RV = ended.value
        return result
