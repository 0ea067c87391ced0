"""Does the check tell a good gateway from a bad one, without sending anything?"""

import base64
import json
import socket
from datetime import UTC, datetime

import pytest

from dashboard.gateway import GatewaySettings, Reason, check, token_expires_at


def _check(url, token="a-token-for-tests", timeout_seconds=5.0):
    return check(GatewaySettings(url=url, token=token, timeout_seconds=timeout_seconds))


def _jwt(claims):
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.c2ln"


def test_a_gateway_that_takes_the_token_is_told_by_its_400(simulator):
    result = _check(simulator.url)

    assert (result.reachable, result.token_accepted, result.http_status) == (True, True, 400)
    assert result.reason == Reason.OK
    assert simulator.simulator.log.counts()["accepted"] == 0


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(simulator, monkeypatch, proxy):
    monkeypatch.setenv(proxy, "http://127.0.0.1:9")

    assert _check(simulator.url).token_accepted is True


def test_a_refused_token_is_told(simulator):
    result = _check(simulator.url, token="wrong")

    assert (result.reachable, result.token_accepted, result.reason) == (True, False, Reason.BAD_TOKEN)


@pytest.mark.parametrize(
    ("answer", "token_accepted", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", False, "http_403"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None, "http_200"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", None, "http_404"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", None, Reason.REDIRECT),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", None, "http_503"),
    ],
)
def test_other_answers_are_reported_as_they_are(answering, answer, token_accepted, reason):
    server = answering(answer)

    result = _check(server.url)

    assert (result.reachable, result.token_accepted, result.reason) == (True, token_accepted, reason)
    assert len(server.requests) == 1


def test_a_refused_connection_is_told():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    result = _check(f"http://127.0.0.1:{port}")

    assert (result.reachable, result.token_accepted, result.http_status) == (False, None, None)
    assert result.reason == Reason.REFUSED_CONNECTION


def test_a_host_without_an_address_is_told():
    assert _check("http://gateway.invalid").reason == Reason.UNRESOLVED


def test_silence_is_told(raw_server):
    server = raw_server(lambda server, connection: server.over.wait(5))

    result = _check(server.url, timeout_seconds=0.2)

    assert (result.reachable, result.reason) == (False, Reason.TIMEOUT)
    assert result.duration_ms >= 190


def test_a_broken_connection_is_told(answering):
    assert _check(answering(b"").url).reason == Reason.RESET


def test_what_does_not_speak_tls_is_told(raw_server):
    def script(server, connection):
        connection.recv(65536)
        connection.sendall(b"this is not TLS\r\n")

    assert _check(raw_server(script).url.replace("http:", "https:")).reason == Reason.TLS


def test_a_certificate_is_believed_only_if_somebody_vouches_for_it(tls_server, tls_file):
    trusting = check(GatewaySettings(url=tls_server.url, token="x", ca_file=tls_file))

    assert _check(tls_server.url).reason == Reason.TLS
    assert trusting.http_status == 200


def test_the_expiry_of_a_token_is_read():
    assert token_expires_at(_jwt({"exp": 1893456000})) == datetime(2030, 1, 1, tzinfo=UTC)
    assert token_expires_at(_jwt({"exp": 1893456000.5, "name": "Ёж ~~~ ???"})) is not None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no-jwt",
        "a.b.c",
        "..",
        _jwt({}),
        _jwt([1893456000]),
        _jwt({"exp": "tomorrow"}),
        _jwt({"exp": True}),
        _jwt({"exp": 10**30}),
        _jwt(b'{"exp": NaN}'),
        _jwt(b"\xff\xff"),
        _jwt(b"[" * 100_000),
    ],
    ids=lambda token: token[:30],
)
def test_a_token_without_a_readable_expiry_has_none(token):
    assert token_expires_at(token) is None
