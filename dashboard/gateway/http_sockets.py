"""Which sockets have something to say?

libcurl says which sockets it waits for and lets go of them between two calls. Taken literally that costs two
system calls a message (6 µs of 24). So the socket of a kept connection stays in the epoll whether it has a call
or not, and libcurl's word changes the epoll only where it says something new. What is heard on a connection
without a call is its end.

A closed socket's number may come again as another socket's. libcurl tells of every socket it opens (`opened`)
before it says anything else of it; from then on what was known of that number is void.
"""

import contextlib
import select

import pycurl

from .http_line import Line

_EPOLL_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
# Looked up at every call:
_IN, _REMOVE, _NOTHING = pycurl.POLL_IN, pycurl.POLL_REMOVE, pycurl.POLL_NONE


class Sockets:
    """The epoll under a CurlMulti that is driven by `socket_action`. `kept`: whose connection a socket is."""

    def __init__(self, multi: pycurl.CurlMulti) -> None:
        self.kept: dict[int, Line] = {}
        self._watched: dict[int, int] = {}
        self._epoll = select.epoll()
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)

    def heard(self, at_most_seconds: float) -> list[tuple[int, int]]:
        """Sockets and their epoll events; waits so long for the first."""
        return self._epoll.poll(at_most_seconds)

    def opened(self, socket: int, line: Line) -> None:
        """libcurl has just opened it for this line: it has given up the connection that the line kept."""
        self.forget(line)
        self.kept.pop(socket, None)
        self._watched.pop(socket, None)

    def keep(self, socket: int, line: Line) -> None:
        """The call on it has ended and the connection stays open."""
        self.kept[socket] = line
        self._set(socket, _IN)

    def forget(self, line: Line) -> None:
        """The connection it kept is given up."""
        if self.kept.get(line.socket) is line:
            del self.kept[line.socket]
            self._set(line.socket, _NOTHING)

    def close(self) -> None:
        self._epoll.close()

    def _watch(self, what: int, socket: int, _multi: object, _assigned: object) -> None:
        """libcurl waits for this on that socket from now on."""
        if what == _REMOVE:
            what = _IN if socket in self.kept else _NOTHING
        if self._watched.get(socket, _NOTHING) != what:
            self._set(socket, what)

    def _set(self, socket: int, what: int) -> None:
        if what == _NOTHING:
            self._watched.pop(socket, None)
            with contextlib.suppress(OSError):  # closed already: epoll has forgotten it by itself
                self._epoll.unregister(socket)
            return
        self._watched[socket] = what
        try:
            self._epoll.modify(socket, _EPOLL_EVENTS[what])
        except FileNotFoundError:
            self._epoll.register(socket, _EPOLL_EVENTS[what])


def for_libcurl(events: int) -> int:
    """Epoll's events in libcurl's words. An error or a hang-up is something to read: libcurl finds out which."""
    readable = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
    return readable | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0)
