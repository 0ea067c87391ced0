"""What do the gateway's tests share? Real sockets: the simulator, and servers that misbehave byte by byte."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from dashboard.gateway import Answer, Call, GatewaySettings, HttpGateway
from dashboard.gateway.simulator_server import RunningSimulator, running_simulator

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"code":0,"message":"OK"}'


class RawServer:
    """A server of which each connection is served by `script(server, connection)` in a thread."""

    def __init__(self, script: Callable[["RawServer", socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def paths(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.requests]

    def read_request(self, connection: socket.socket) -> bytes | None:
        """The next whole request, which is noted; None if the client has closed."""
        received = b""
        while b"\r\n\r\n" not in received or len(received) < _length(received):
            chunk = connection.recv(65536)
            if not chunk:
                return None
            received += chunk
        self.requests.append(received)
        return received

    def answer_ok(self, connection: socket.socket) -> None:
        connection.sendall(OK)

    def stop(self) -> None:
        self.over.set()
        # Wakes the accept; closing alone does not.
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.over.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            with contextlib.suppress(OSError):  # the client has gone, as some tests want it to
                self._script(self, connection)


def _length(received: bytes) -> int:
    head, _, _ = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(fields.get(b"content-length", b"0"))


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[RawServer, socket.socket], None]], RawServer]]:
    servers: list[RawServer] = []

    def start(script: Callable[[RawServer, socket.socket], None]) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def answering(raw_server: Any) -> Callable[[bytes], RawServer]:
    """Starts a server that answers every request with these bytes and closes the connection."""

    def start(answer: bytes) -> RawServer:
        def script(server: RawServer, connection: socket.socket) -> None:
            if server.read_request(connection):
                connection.sendall(answer)

        server: RawServer = raw_server(script)
        return server

    return start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody knows but who is told of `tls_file`."""
    return trustme.CA()


@pytest.fixture
def tls_server(raw_server: Any, authority: trustme.CA) -> RawServer:
    """Accepts every message over TLS, with a certificate of `authority`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def script(server: RawServer, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            while server.read_request(encrypted):
                server.answer_ok(encrypted)

    server: RawServer = raw_server(script)
    server.url = server.url.replace("http:", "https:")
    return server


@pytest.fixture
def tls_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def send() -> Callable[..., Answer]:
    """Sends one message to a url and returns the answer. Options: as for GatewaySettings."""

    def send(url: str, message_id: int = 1, text: str = "Ваш заказ готов", **options: Any) -> Answer:
        options.setdefault("token", "a-token-for-tests")
        options.setdefault("timeout_seconds", 5.0)
        with HttpGateway(GatewaySettings(url=url, connections=1, **options)) as gateway:
            gateway.submit(Call(message_id, "79001234567", text))
            (answer,) = gateway.poll(10)
        return answer

    return send


@pytest.fixture
def order() -> Callable[..., None]:
    """Sets the faults of a running simulator: order(simulator, http_503=0.5)."""

    def order(simulator: RunningSimulator, **faults: Any) -> None:
        requests.put(f"{simulator.url}/faults", json=faults, timeout=5).raise_for_status()

    return order
