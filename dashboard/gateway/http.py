"""How do messages reach the gateway over HTTP, many at once?

libcurl's multi interface, driven by `perform` and `select`: measured against a loopback gateway it beats
`socket_action` + epoll at 64 connections (45,000 to 30,000 calls a second of one core) and equals it at 800
with 50 ms latency, with a fifth of the code. `select` is why there are at most 900 connections.
"""

import time
from types import TracebackType
from typing import Self

import pycurl

from .. import clock
from .calls import Answer, Call, GatewaySettings
from .http_line import Line

# While a host name is being resolved there is no descriptor to wait for.
_NOTHING_TO_WATCH_SECONDS = 0.002


class HttpGateway:
    """Sends calls over kept-alive connections and tells how each one ended.

    Not for several threads; open it after a fork, not before. `submit` takes at most `free` calls; each ends
    with exactly one Answer from `poll`, within `timeout_seconds` as long as somebody polls.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._multi = pycurl.CurlMulti()
        self._free = [Line(settings) for _ in range(settings.connections)]
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
        return len(self._busy)

    def submit(self, call: Call) -> None:
        """The call begins at the next poll. Raises RuntimeError if no connection is free (or after close)."""
        if not self._free:
            raise RuntimeError("no free connection to the gateway: poll first")
        line = self._free[-1]
        line.begin(call)
        self._multi.add_handle(line.curl)
        self._busy[line.curl] = self._free.pop()

    def poll(self, timeout_seconds: float) -> list[Answer]:
        """Drives the calls and returns those that ended; waits at most so long for the first of them.

        Returns at once when nothing is in flight.
        """
        give_up_at = clock.monotonic() + timeout_seconds
        while True:
            self._multi.perform()
            ended = self._collect()
            left = give_up_at - clock.monotonic()
            if ended or not self._busy or left <= 0:
                return ended
            self._wait(left)

    def close(self) -> None:
        """Breaks off what is in flight, without an answer, and closes all connections. May be repeated."""
        for curl in list(self._busy):
            self._release(curl, whole=False)
        for line in self._free:
            line.close()
        self._free.clear()
        self._multi.close()

    def _wait(self, at_most_seconds: float) -> None:
        # libcurl's own clock (deadlines, resolving); -1 says that it waits for the network only.
        own_ms = self._multi.timeout()
        seconds = at_most_seconds if own_ms < 0 else min(at_most_seconds, own_ms / 1000)
        if seconds > 0 and self._multi.select(seconds) < 0:
            time.sleep(min(seconds, _NOTHING_TO_WATCH_SECONDS))

    def _collect(self) -> list[Answer]:
        ended: list[Answer] = []
        if not self._busy:
            return ended
        _, whole, broken = self._multi.info_read(len(self._busy))
        for curl in whole:
            ended.append(self._busy[curl].answered())
            self._release(curl, whole=True)
        for curl, error, _ in broken:
            ended.append(self._busy[curl].broken(error))
            self._release(curl, whole=False)
        return ended

    def _release(self, curl: pycurl.Curl, whole: bool) -> None:
        self._multi.remove_handle(curl)
        line = self._busy.pop(curl)
        line.end(whole)
        self._free.append(line)
