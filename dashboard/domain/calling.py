"""Which calls begin, and how do they end? The side of a round that never waits for the database.

It gets its turns from the round, and while the database works (`meanwhile`). So nothing here may ask the database:
what has to be told to it is laid aside until the round takes it.
"""

from typing import Protocol

from .. import clock
from ..gateway import Answer, Call
from . import call_log
from .armed import Armed
from .departures import Departures
from .settling import Result


class Gateway(Protocol):
    """What delivery needs of the gateway room; `HttpGateway` says what each means."""

    @property
    def free(self) -> int: ...
    @property
    def in_flight(self) -> int: ...
    def submit(self, call: Call) -> None: ...
    def poll(self, timeout_seconds: float) -> list[Answer]: ...


class Calling:
    """Armed messages, from when they may be called for until their answer is there."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._departures = Departures()
        self._called: dict[int, Armed] = {}
        self._ended: list[Result] = []
        self._late: list[Armed] = []
        self._failure: Exception | None = None
        self.is_stopped = False

    def __bool__(self) -> bool:
        """Anything is armed, under way, or still to be told."""
        return bool(self._departures or self._called or self._ended or self._late)

    @property
    def free(self) -> int:
        return self._gateway.free

    @property
    def waiting(self) -> Departures:
        """What has not begun."""
        return self._departures

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and nothing can begin now."""
        return not self._gateway.in_flight and not self._departures.ready

    def known(self) -> set[int]:
        """What is being called for, or has been answered and not yet been told."""
        return self._called.keys() | {result.armed.id for result in self._ended}

    def stop(self) -> None:
        """Nothing more begins; may be called from a signal handler."""
        self.is_stopped = True

    def attend(self) -> None:
        """Begin what is due and hear what has been answered, without waiting. An error is raised by `listen`."""
        if self._failure is None:
            try:
                self.begin()
                self._hear(0.0)
                if self.begin():
                    # On its way before the database, which may work for long, goes on.
                    self._hear(0.0)
            except Exception as error:
                self._failure = error

    def begin(self) -> bool:
        """Each at its moment, as far as connections are free; what has missed its time is laid aside.

        Whether any has begun: it leaves with the next listening.
        """
        if self.is_stopped:
            return False
        begin, late = self._departures.pop(self._gateway.free, clock.monotonic())
        for each in begin:
            self._called[each.id] = each
            self._gateway.submit(each.call)
        self._late += late
        return bool(begin)

    def listen(self, at_most_seconds: float) -> None:
        """Wait so long for the first answer, but not beyond the next moment at which a call begins."""
        if self._failure is not None:
            raise self._failure
        self._hear(self.patience(at_most_seconds))

    def patience(self, at_most_seconds: float) -> float:
        if self._ended or self._late:
            return 0.0
        moment = self._departures.next_moment()
        return at_most_seconds if moment is None else min(at_most_seconds, max(0.0, moment - clock.monotonic()))

    def _hear(self, at_most_seconds: float) -> None:
        answers = self._gateway.poll(at_most_seconds)
        if answers:
            ended = [Result(self._called.pop(answer.message_id), answer) for answer in answers]
            self._ended += ended
            call_log.note(ended)

    def ended(self) -> list[Result]:
        """Calls that have ended since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    def late(self) -> list[Armed]:
        """What has missed its time since this was asked last; it is not called for."""
        late, self._late = self._late, []
        return late
