"""What does the other side say to an event? One POST: no redirect, no proxy, ten seconds, a few kB of answer.

A name is looked up once, and the connection goes to the very address that was checked: a name server that answers
otherwise the second time gains nothing. The Host header and the name in the certificate stay those of the URL.
"""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from ... import clock
from .addresses import PrivateAddressError, Target, UnresolvedError, targets

# For everything together, but for looking up the name.
SECONDS = 10.0
ANSWER_BYTES = 4096
ANSWER_CHARACTERS = 500
FIXED_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Vestnik-Webhooks/1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class Ending(StrEnum):
    OK = "ok"
    STATUS = "status"  # any other than 2xx
    TIMEOUT = "timeout"
    NOT_CONNECTED = "not_connected"
    BROKEN = "broken"  # connected, and no answer that can be read
    TLS = "tls"
    UNRESOLVED = "unresolved"
    PRIVATE_ADDRESS = "private_address"


@dataclass(frozen=True, slots=True)
class Answer:
    ending: Ending
    duration_ms: int
    http_status: int | None = None
    # The beginning of what was answered.
    text: str = ""


def post(url: str, headers: Mapping[str, str], body: bytes, *, private_allowed: bool) -> Answer:
    """Raises nothing that the other side, or the way there, could bring about."""
    began = clock.monotonic()
    with _Line(private_allowed) as line:
        ending, status, text = _ask(line, url, {**FIXED_HEADERS, **headers}, body)
    return Answer(ending, round((clock.monotonic() - began) * 1000), status, text)


def _ask(line: "_Line", url: str, headers: Mapping[str, str], body: bytes) -> tuple[Ending, int | None, str]:
    try:
        with requests.Session() as session:
            session.trust_env = False  # neither a proxy nor a password of this machine's
            session.mount("http://", _PinnedAdapter(line))
            session.mount("https://", _PinnedAdapter(line))
            with session.post(
                url, data=body, headers=dict(headers), timeout=SECONDS, allow_redirects=False, stream=True
            ) as response:
                if line.is_cut:
                    return Ending.TIMEOUT, None, ""  # in the midst of the headers
                ending = Ending.OK if 200 <= response.status_code < 300 else Ending.STATUS
                return ending, response.status_code, _beginning(response)
    except PrivateAddressError:
        return Ending.PRIVATE_ADDRESS, None, ""
    except UnresolvedError:
        return Ending.UNRESOLVED, None, ""
    except (requests.RequestException, HTTPError, OSError) as error:
        return line.ending_of(error), None, ""


def _beginning(response: requests.Response) -> str:
    """The verdict stands in the status; a body that breaks off changes nothing about it."""
    try:
        content: bytes = response.raw.read(ANSWER_BYTES, decode_content=False)
    except (HTTPError, OSError):
        return ""
    text = content.decode("utf-8", "replace").replace("\0", "")
    return text[:ANSWER_CHARACTERS]


class _Line:
    """The one connection of a call: to an address that was checked, cut when its time is up."""

    def __init__(self, private_allowed: bool) -> None:
        self._private_allowed = private_allowed
        self._ends_at = 0.0
        # Another handle of the same connection: TLS takes the first one over.
        self._handle: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        if self._handle:
            self._handle.close()

    def connect(self, host: str, port: int) -> socket.socket:
        """Raises OSError, PrivateAddressError, UnresolvedError."""
        found = targets(host, port, self._private_allowed)
        self._ends_at = clock.monotonic() + SECONDS
        connected = self._connect_to_any(found)
        self._handle = connected.dup()
        self._timer = threading.Timer(max(0.0, self._ends_at - clock.monotonic()), self._cut)
        self._timer.daemon = True
        self._timer.start()
        return connected

    def _connect_to_any(self, found: list[Target]) -> socket.socket:
        last: OSError = TimeoutError()
        for target in found:
            left = self._ends_at - clock.monotonic()
            if left <= 0:
                break
            attempt = socket.socket(target.family, socket.SOCK_STREAM)
            attempt.settimeout(left)
            try:
                attempt.connect(target.address)
            except OSError as error:
                attempt.close()
                last = error
            else:
                return attempt
        raise last

    def _cut(self) -> None:
        """However slowly the other side dribbles its answer."""
        self.is_cut = True
        if self._handle:
            try:
                self._handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is over already

    def ending_of(self, error: Exception) -> Ending:
        if self.is_cut or isinstance(error, requests.Timeout | TimeoutError):
            return Ending.TIMEOUT
        if isinstance(error, requests.exceptions.SSLError):
            return Ending.TLS
        return Ending.BROKEN if self._handle else Ending.NOT_CONNECTED


class _PinnedAdapter(HTTPAdapter):
    """Lets urllib3 do all but find the way."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        line = self._line

        class ToChecked(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect(self.host, self.port)

        class ToCheckedSafely(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return line.connect(self.host, self.port)

        class Pool(HTTPConnectionPool):
            ConnectionCls = ToChecked

        class SafePool(HTTPSConnectionPool):
            ConnectionCls = ToCheckedSafely

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SafePool}
