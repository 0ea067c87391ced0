"""How do messages reach the gateway over HTTP, many at once?

libcurl's multi interface, told by our own epoll which connections have something to say (`socket_action`), so
that a call costs no more beside 900 others than beside 10. `perform`, which asks every connection at each turn,
was measured at 24 µs of CPU a call to our 21 at 64 connections without latency, but at 87 to our 45 at 256
connections with 50 ms.
"""

from types import TracebackType
from typing import Self

import pycurl

from .. import clock
from .calls import Answer, Call, GatewaySettings
from .http_line import Line
from .http_sockets import Sockets, for_libcurl


class HttpGateway:
    """Sends calls over kept-alive connections and tells how each one ended.

    Not for several threads; open it after a fork, not before. `submit` takes at most `free` calls; each ends
    with exactly one Answer from `poll`, within `timeout_seconds` as long as somebody polls.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._multi = pycurl.CurlMulti()
        self._sockets = Sockets(self._multi)
        self._free = [Line(settings, self._sockets.opened) for _ in range(settings.connections)]
        self._taken: list[Line] = []
        self._at, self._started = clock.now(), clock.monotonic()
        self._busy: dict[pycurl.Curl, Line] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def free(self) -> int:
        """How many calls may be submitted now."""
        return len(self._free)

    @property
    def in_flight(self) -> int:
        return len(self._taken) + len(self._busy)

    def submit(self, call: Call) -> None:
        """The call begins at the next poll, and its time to run with the first one submitted for that poll.

        Raises RuntimeError if no connection is free (or after close).
        """
        if not self._free:
            raise RuntimeError("no free connection to the gateway: poll first")
        if not self._taken:
            self._at, self._started = clock.now(), clock.monotonic()
        line = self._free.pop()
        line.take(call, self._at, self._started)
        self._taken.append(line)

    def poll(self, timeout_seconds: float) -> list[Answer]:
        """Drives the calls and returns those that ended; waits at most so long for the first of them.

        Returns at once when nothing is in flight.
        """
        give_up_at = clock.monotonic() + timeout_seconds
        # Before the calls begin: on a connection without a call, whatever is heard is its end.
        self._listen(0)
        self._begin()
        while True:
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            ended = self._collect()
            left = give_up_at - clock.monotonic()
            if ended or not self._busy or left <= 0:
                return ended
            self._listen(self._at_most(left))

    def close(self) -> None:
        """Breaks off what is in flight, without an answer, and closes all connections. May be repeated."""
        for curl in self._busy:
            self._multi.remove_handle(curl)
        for line in (*self._free, *self._taken, *self._busy.values()):
            line.close()
        for lines in (self._free, self._taken, self._busy):
            lines.clear()
        self._multi.close()
        self._sockets.close()

    def _listen(self, at_most_seconds: float) -> None:
        for socket, events in self._sockets.heard(at_most_seconds):
            line = self._sockets.kept.get(socket)
            if line is None or line.curl in self._busy:
                self._multi.socket_action(socket, for_libcurl(events))
            else:
                self._renew(line)

    def _begin(self) -> None:
        for line in self._taken:
            line.begin()
            self._busy[line.curl] = line
            self._multi.add_handle(line.curl)
        self._taken.clear()

    def _at_most(self, seconds: float) -> float:
        # libcurl's own clock (deadlines, resolving); -1 says that it waits for the network only.
        own_ms = self._multi.timeout()
        return seconds if own_ms < 0 else min(seconds, own_ms / 1000)

    def _collect(self) -> list[Answer]:
        if not self._busy:
            return []
        _, whole, broken = self._multi.info_read(len(self._busy))
        now = clock.monotonic()
        ended = [self._whole(self._busy.pop(curl), now) for curl in whole]
        ended += [self._broken(self._busy.pop(curl), error, now) for curl, error, _ in broken]
        return ended

    def _whole(self, line: Line, now: float) -> Answer:
        answer = line.answered(now)
        if line.is_fresh and (socket := line.keep()) >= 0:
            self._sockets.keep(socket, line)
        self._multi.remove_handle(line.curl)
        self._free.append(line)
        return answer

    def _broken(self, line: Line, error: int, now: float) -> Answer:
        answer = line.broken(error, now)
        self._multi.remove_handle(line.curl)
        self._renew(line)
        self._free.append(line)
        return answer

    def _renew(self, line: Line) -> None:
        self._sockets.forget(line)
        line.renew()
