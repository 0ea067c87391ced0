"""Where may an event go, and how does a call to somebody else's server end, whatever that server does?"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests.adapters
import trustme

from dashboard.domain.webhooks import addresses, posting
from dashboard.domain.webhooks.posting import Ending, post
from tests.support.receiver import receiving

HOST = "hooks.example.com"
PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:0:0:0:0:80ff:fffe"),
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
Resolve = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """`names("127.0.0.1", "10.0.0.1")`: every name leads there, at the first, the second … question."""
    real = socket.getaddrinfo

    def lead_to(*answers: str | tuple[str, ...]) -> None:
        left = list(answers)

        def look_up(_host: str, port: int, **options: Any) -> list[Any]:
            at = left.pop(0) if len(left) > 1 else left[0]
            ips = (at,) if isinstance(at, str) else at
            return [found for ip in ips for found in real(ip, port, **options)]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)

    return lead_to


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_address_of_our_own_network_is_not_public(ip: str) -> None:
    assert not addresses.is_public(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_an_address_of_the_internet_is_public(ip: str) -> None:
    assert addresses.is_public(ip)


@pytest.mark.parametrize(
    "url, code",
    [
        ("", "webhook_url_invalid"),
        ("hooks.example.com/x", "webhook_url_invalid"),
        ("ftp://hooks.example.com/", "webhook_url_invalid"),
        ("https://", "webhook_url_invalid"),
        ("https://ann:secret@hooks.example.com/", "webhook_url_invalid"),
        ("https://hooks.example.com:0/", "webhook_url_invalid"),
        ("https://hooks.example.com:port/", "webhook_url_invalid"),
        ("https://hooks.example.com/#x", "webhook_url_invalid"),
        ("https://hooks.example.com/a b", "webhook_url_invalid"),
        ("https://[::1/", "webhook_url_invalid"),
        ("https://127.0.0.1\\@hooks.example.com/", "webhook_url_invalid"),
        ("https://hooks.example.com/" + "x" * 500, "webhook_url_too_long"),
        ("http://93.184.216.34/", "webhook_url_not_https"),
        ("https://127.0.0.1/", "webhook_url_private"),
        ("https://127.1/", "webhook_url_private"),
        ("https://2130706433/", "webhook_url_private"),
        ("https://[::1]:8443/x", "webhook_url_private"),
        ("https://[::ffff:10.0.0.1]/", "webhook_url_private"),
        ("https://localhost/", "webhook_url_private"),
    ],
)
def test_what_leads_nowhere_or_inwards_is_refused(url: str, code: str) -> None:
    assert [problem.code for problem in addresses.problems(url, private_allowed=False)] == [code]


def test_a_name_that_leads_inwards_is_refused_even_beside_a_public_address(names: Resolve) -> None:
    names(("93.184.216.34", "10.1.2.3"))

    assert [each.code for each in addresses.problems(f"https://{HOST}/", False)] == ["webhook_url_private"]


@pytest.mark.parametrize("url", ["https://93.184.216.34/hooks?key=1", "https://[2606:2800:220:1::1]/"])
def test_what_leads_to_the_internet_is_taken(url: str) -> None:
    assert addresses.problems(url, private_allowed=False) == []


def test_where_private_addresses_are_allowed_they_need_no_tls() -> None:
    assert addresses.problems("http://127.0.0.1:5000/hooks", private_allowed=True) == []


def test_a_name_that_has_come_to_lead_inwards_is_not_called(names: Resolve) -> None:
    with receiving() as receiver:
        names("127.0.0.1")
        answer = post(at_name(receiver.url), {}, b"{}", private_allowed=False)

    assert answer.ending is Ending.PRIVATE_ADDRESS
    assert receiver.heard == []


def test_the_call_goes_to_the_very_address_that_was_checked(
    names: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers "public" to the check would answer "private" to the next question."""
    with receiving() as receiver:
        names("127.0.0.1", "127.0.0.2")
        monkeypatch.setattr(addresses, "is_public", lambda ip: ip == "127.0.0.1")
        answer = post(at_name(receiver.url), {}, b"{}", private_allowed=False)

    assert (answer.ending, answer.http_status) == (Ending.OK, 200)
    assert receiver.heard[0].headers["host"] == f"{HOST}:{port_of(receiver.url)}"


def at_name(url: str) -> str:
    return url.replace("127.0.0.1", HOST)


def port_of(url: str) -> str:
    return url.split(":")[2].partition("/")[0]


@pytest.mark.parametrize("certified, ending", [(HOST, Ending.OK), ("other.example.com", Ending.TLS)])
def test_the_certificate_has_to_be_the_names_not_the_addresss(
    names: Resolve, monkeypatch: pytest.MonkeyPatch, certified: str, ending: Ending
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(certified).configure_cert(context)
    names("127.0.0.1")

    with authority.cert_pem.tempfile() as bundle, serving(ok, context) as port:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", bundle)
        answer = post(f"https://{HOST}:{port}/", {}, b"{}", private_allowed=True)

    assert answer.ending is ending


Script = Callable[[socket.socket], None]


@contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """One connection, served byte by byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _address = listener.accept()
            with connection if context is None else context.wrap_socket(connection, server_side=True) as wrapped:
                # To the end of what every test here sends: who closes with something unread, resets.
                asked = b""
                while not asked.endswith(b"{}") and (piece := wrapped.recv(65536)):
                    asked += piece
                script(wrapped)
        except OSError:
            return  # the other side has had enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        thread.join(10)
        listener.close()


def ok(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")


def dribble_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(60):
        connection.sendall(f"X-{number}: 1\r\n".encode())
        time.sleep(0.05)


def dribble_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
    for _ in range(60):
        connection.sendall(b"x")
        time.sleep(0.05)


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass  # until the other side closes


def hang_up(connection: socket.socket) -> None:
    connection.close()


def talk_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def answer_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"a\0\xff" * 20_000)


@pytest.mark.parametrize(
    "script, ending",
    [
        (dribble_headers, Ending.TIMEOUT),
        (say_nothing, Ending.TIMEOUT),
        (hang_up, Ending.BROKEN),
        (talk_nonsense, Ending.BROKEN),
        (dribble_body, Ending.OK),
        (answer_without_end, Ending.OK),
    ],
)
def test_whatever_a_server_does_the_call_ends_in_time(
    monkeypatch: pytest.MonkeyPatch, script: Script, ending: Ending
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.5)

    with serving(script) as port:
        answer = post(f"http://127.0.0.1:{port}/", {}, b"{}", private_allowed=True)

    assert answer.ending is ending
    assert answer.duration_ms < 2_000


def test_of_an_answer_the_beginning_is_kept_and_no_nul() -> None:
    with serving(answer_without_end) as port:
        answer = post(f"http://127.0.0.1:{port}/", {}, b"{}", private_allowed=True)

    assert answer.text == ("a\ufffd" * 500)[:500]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_refusal_and_not_followed(status: int) -> None:
    with receiving() as elsewhere, receiving(lambda _: (status, b"", {"Location": elsewhere.url})) as receiver:
        answer = post(receiver.url, {}, b"{}", private_allowed=True)

    assert (answer.ending, answer.http_status) == (Ending.STATUS, status)
    assert elsewhere.heard == []


def test_who_does_not_listen_or_is_not_known_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    refused = post(f"http://127.0.0.1:{port}/", {}, b"{}", private_allowed=True)
    monkeypatch.setattr(addresses.socket, "getaddrinfo", nobody_knows)
    unknown = post(f"https://{HOST}/", {}, b"{}", private_allowed=False)

    assert (refused.ending, unknown.ending) == (Ending.NOT_CONNECTED, Ending.UNRESOLVED)
