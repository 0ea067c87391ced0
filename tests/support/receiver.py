"""How does a test hear what webhooks tell? A real web server on this machine, which answers as told."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Heard:
    """One request, whatever was answered."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def kind(self) -> str:
        return str(self.event["type"])

    @property
    def name(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        """Raises WebhookVerificationError where it is not."""
        return bool(Webhook(secret).verify(self.body.decode(), dict(self.headers)))


# What is answered to the first, second … request: status, body, further headers.
Reply = tuple[int, bytes, Mapping[str, str]]
FINE: Reply = (200, b"thanks", {})


@dataclass
class Receiver:
    url: str
    heard: list[Heard] = field(default_factory=list)
    reply: Callable[[int], Reply] = lambda _number: FINE

    def of_kind(self, kind: str) -> list[Heard]:
        return [each for each in self.heard if each.kind == kind]


@contextmanager
def receiving(reply: Callable[[int], Reply] = lambda _number: FINE, port: int = 0) -> Iterator[Receiver]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                receiver.heard.append(Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                number = len(receiver.heard)
            status, content, headers = receiver.reply(number)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hooks", reply=reply)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
