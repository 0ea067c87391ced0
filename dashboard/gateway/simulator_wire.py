"""How does the simulated gateway speak HTTP/1.1?

A protocol of our own instead of a web framework: it answers faster than one, and a framework would not let it
reset a connection, hang, or send rubbish.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

LARGEST_REQUEST_BYTES = 1024 * 1024
DRIP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do with the connection: answer, drip the answer byte by byte, say nothing, or reset."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    after_seconds: float = 0.0
    manner: str = "answer"  # answer | drip | hang | reset


class BadRequestError(Exception):
    """The bytes are no request we understand; the connection ends after the answer."""

    def __init__(self, status: int) -> None:
        self.status = status


def json_reply(status: int, document: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    # Written without spaces, as the yardstick's gateway does.
    return Reply(status, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), headers)


class Connection(asyncio.Protocol):
    """One client's connection: requests in, replies out in the same order."""

    def __init__(self, answer: Callable[[Request], Reply], connections: set["Connection"]) -> None:
        self._answer = answer
        self._connections = connections
        self._buffer = bytearray()
        self._waiting = False  # a reply is due; requests behind it stay in the buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)

    def reset(self) -> None:
        """Ends the connection at once, without an answer."""
        self._transport.abort()

    def data_received(self, received: bytes) -> None:
        self._buffer += received
        self._answer_requests()

    def _answer_requests(self) -> None:
        while not self._waiting and not self._transport.is_closing():
            try:
                request = take_request(self._buffer)
            except BadRequestError as bad:
                sorry = json_reply(bad.status, {"error": HTTPStatus(bad.status).phrase})
                self._transport.write(encode(sorry))
                self._transport.close()
                return
            if request is None:
                return
            self._reply(self._answer(request))

    def _reply(self, reply: Reply) -> None:
        if reply.after_seconds:
            self._waiting = True
            asyncio.get_running_loop().call_later(reply.after_seconds, self._send_late, reply)
        else:
            self._send(reply)

    def _send_late(self, reply: Reply) -> None:
        self._waiting = False
        if not self._transport.is_closing():
            self._send(reply)
            self._answer_requests()

    def _send(self, reply: Reply) -> None:
        if reply.manner == "answer":
            self._transport.write(encode(reply))
        elif reply.manner == "reset":
            self.reset()
        else:
            self._waiting = True  # for good: nothing more is answered on this connection
            if reply.manner == "drip":
                self._drip(encode(reply), 0)

    def _drip(self, answer: bytes, position: int) -> None:
        if position < len(answer) and not self._transport.is_closing():
            self._transport.write(answer[position : position + 1])
            asyncio.get_running_loop().call_later(DRIP_SECONDS, self._drip, answer, position + 1)


def take_request(buffer: bytearray) -> Request | None:
    """Takes the first request out of the buffer; None if it has not arrived whole. Raises BadRequestError."""
    end_of_head = buffer.find(b"\r\n\r\n")
    if end_of_head < 0:
        if len(buffer) > LARGEST_REQUEST_BYTES:
            raise BadRequestError(431)
        return None
    first, *lines = buffer[:end_of_head].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        raise BadRequestError(411)
    if not (length.isascii() and length.isdigit()) or len(first.split(" ")) != 3:
        raise BadRequestError(400)
    if int(length) > LARGEST_REQUEST_BYTES:
        raise BadRequestError(413)
    end = end_of_head + 4 + int(length)
    if len(buffer) < end:
        return None
    body = bytes(buffer[end_of_head + 4 : end])
    del buffer[:end]
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    return Request(method, path, dict(parse_qsl(query)), headers, body)


def encode(reply: Reply) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    head = [f"HTTP/1.1 {reply.status} {phrase}", f"Content-Length: {len(reply.body)}"]
    head += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in reply.headers)]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + reply.body
