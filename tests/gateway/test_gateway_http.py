"""Does every way a call can end, over a real socket, get its verdict?"""

import json
import socket
import struct
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from dashboard import clock
from dashboard.gateway import Call, GatewaySettings, HttpGateway, Reason, Verdict

TOKEN = "a-token-for-tests"


def _settings(url, **options):
    return GatewaySettings(url=url, token=TOKEN, **options)


def _reply(status, body=b"", *headers):
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _call(gateway, message_id=1, text="text"):
    gateway.submit(Call(message_id, "79001234567", text))
    (answer,) = gateway.poll(5)
    return answer


# The request


def test_the_request_is_exactly_what_the_service_expects(answering, send):
    server = answering(_reply(200, b'{"code":0,"message":"OK"}'))

    answer = send(server.url + "/", message_id=2**53 - 1, text='Привет, "Анна"\n\U0001f600 \ud800')

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/send/9007199254740991 HTTP/1.1"
    assert f"Authorization: Bearer {TOKEN}" in lines
    assert "Content-Type: application/json" in lines
    assert not any(line.lower().startswith(("expect", "transfer-encoding")) for line in lines)
    assert json.loads(body) == {
        "id": 9007199254740991,
        "phone": 79001234567,
        "text": 'Привет, "Анна"\n\U0001f600 \ud800',
    }
    assert (answer.verdict, answer.message_id, answer.http_status, answer.code) == (
        "accepted",
        2**53 - 1,
        200,
        0,
    )


def test_a_proxy_of_the_environment_is_ignored(simulator, send, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert send(simulator.url).verdict is Verdict.ACCEPTED


def test_a_text_longer_than_libcurls_buffer_leaves_whole(answering, send):
    server = answering(_reply(200, b'{"code":0,"message":"OK"}'))
    text = "Ж" * 100_000

    answer = send(server.url, text=text)

    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["text"] == text
    assert answer.verdict is Verdict.ACCEPTED


def test_a_text_for_which_the_network_has_no_room_yet_leaves_whole_over_a_kept_connection(raw_server):
    def script(server, connection):
        server.read_request(connection)
        server.answer_ok(connection)
        server.over.wait(0.2)  # meanwhile the second text fills every buffer between us
        for _ in range(2):
            server.read_request(connection)
            server.answer_ok(connection)

    server = raw_server(script)
    texts = ["short", "Ж" * 2_000_000, "short again"]

    with HttpGateway(_settings(server.url, connections=1)) as gateway:
        verdicts = [_call(gateway, number, text).verdict for number, text in enumerate(texts, 1)]

    assert verdicts == [Verdict.ACCEPTED] * 3
    assert [json.loads(request.partition(b"\r\n\r\n")[2])["text"] for request in server.requests] == texts
    assert server.connections == 1


def test_the_gateway_may_have_a_name(simulator, send):
    assert send(simulator.url.replace("127.0.0.1", "localhost")).verdict is Verdict.ACCEPTED


# Surely not accepted: the text never left


def test_a_refused_connection_is_surely_not_accepted(send):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    answer = send(f"http://127.0.0.1:{port}")

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.REFUSED_CONNECTION)
    assert (answer.http_status, answer.code, answer.excerpt) == (None, None, "")


def test_a_host_without_an_address_is_surely_not_accepted(send):
    answer = send("http://gateway.invalid")

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.UNRESOLVED)


def test_a_connection_that_takes_too_long_is_surely_not_accepted(send):
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)  # room for one that nobody accepts; Linux lets further ones wait
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())

        answer = send(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.3)

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.CONNECT_TIMEOUT)
    assert answer.duration_ms >= 290


def test_a_failed_tls_handshake_is_surely_not_accepted(raw_server, send):
    def script(server, connection):
        connection.recv(65536)
        connection.sendall(b"this is not TLS\r\n")

    answer = send(raw_server(script).url.replace("http:", "https:"))

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.TLS)


def test_silence_during_the_tls_handshake_is_surely_not_accepted(raw_server, send):
    def script(server, connection):
        server.over.wait(5)

    answer = send(raw_server(script).url.replace("http:", "https:"), timeout_seconds=0.2)

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.CONNECT_TIMEOUT)


def test_a_call_that_comes_to_its_text_after_its_time_keeps_it(simulator, monkeypatch):
    """The process was stopped in between; the sweep has decided meanwhile, and others may have sent it."""
    with HttpGateway(_settings(simulator.url)) as gateway:
        gateway.submit(Call(7, "79001234567", "Hi"))
        monotonic = clock.monotonic
        monkeypatch.setattr(clock, "monotonic", lambda: monotonic() + 60)
        answers = gateway.poll(5)

    assert [(answer.verdict, answer.reason) for answer in answers] == [(Verdict.NOT_ACCEPTED, Reason.ABANDONED)]
    assert requests.get(f"{simulator.url}/log", timeout=5).json()["entries"] == []


def test_a_certificate_that_nobody_vouches_for_is_not_trusted_with_the_token(tls_server, send):
    answer = send(tls_server.url)

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.TLS)
    assert tls_server.requests == []


def test_a_certificate_for_another_host_is_not_trusted_either(tls_server, tls_file, send):
    answer = send(tls_server.url.replace("127.0.0.1", "localhost"), ca_file=tls_file)

    assert (answer.verdict, answer.reason) == (Verdict.NOT_ACCEPTED, Reason.TLS)


def test_calls_over_tls_keep_their_connection(tls_server, tls_file):
    with HttpGateway(_settings(tls_server.url, connections=1, ca_file=tls_file)) as gateway:
        verdicts = []
        for message_id in range(1, 6):
            gateway.submit(Call(message_id, "79001234567", "text"))
            verdicts += [answer.verdict for answer in gateway.poll(5)]

    assert verdicts == [Verdict.ACCEPTED] * 5
    assert tls_server.connections == 1


# Answers


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (400, Verdict.REFUSED, "http_400"),
        (401, Verdict.DENIED, "bad_token"),
        (403, Verdict.DENIED, "http_403"),
        (429, Verdict.NOT_ACCEPTED, "http_429"),
        (500, Verdict.UNCERTAIN, "http_500"),
        (503, Verdict.NOT_ACCEPTED, "http_503"),
    ],
)
def test_each_status_of_the_simulator_gets_its_verdict(simulator, send, order, status, verdict, reason):
    order(simulator, **{f"http_{status}": 1})

    answer = send(simulator.url)

    assert (answer.verdict, answer.reason, answer.http_status) == (verdict, reason, status)
    assert simulator.simulator.log.counts()["accepted"] == 0


def test_503_is_uncertain_unless_it_was_declared(simulator, send, order):
    order(simulator, http_503=1)

    assert send(simulator.url, not_accepted=frozenset()).verdict is Verdict.UNCERTAIN


def test_a_wrong_token_is_denied_and_never_shown(simulator, send):
    answer = send(simulator.url, token="another.to.ken")

    assert (answer.verdict, answer.reason) == (Verdict.DENIED, Reason.BAD_TOKEN)


def test_a_token_that_the_gateway_repeats_is_not_kept(answering, send):
    server = answering(_reply(401, f"no such token: {TOKEN}".encode()))

    assert send(server.url).excerpt == "no such token: [token]"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("  7  ", 7.0),
        ("2.5", 2.0),
        ("86400", 3600.0),
        ("4294967296", 3600.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600.0),
        ("Friday, 01-Jan-38 00:00:00 GMT", 3600.0),
        ("Fri, 01 Jan 2010 00:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("Sun, 99 Mar 2036 12:01:30 GMT", None),
        ("9" * 400, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_retry_after_is_read_as_seconds_or_date_and_bounded(answering, send, said, seconds):
    server = answering(_reply(503, b"", f"RETRY-after: {said}"))

    assert send(server.url).retry_after == seconds


def test_a_date_to_retry_after_is_reckoned_from_now(simulator, send, order):
    in_a_while = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    order(simulator, http_503=1, retry_after=in_a_while)

    wait = send(simulator.url).retry_after

    assert 80 <= wait <= 90


def test_retry_after_is_not_taken_over_from_the_call_before(raw_server):
    def script(server, connection):
        for header in (("Retry-After: 7",), ()):
            server.read_request(connection)
            connection.sendall(_reply(429, b"", *header))
        server.over.wait(5)

    with HttpGateway(_settings(raw_server(script).url, connections=1)) as gateway:
        waits = [_call(gateway, message_id).retry_after for message_id in (1, 2)]

    assert waits == [7.0, None]


def test_a_redirect_is_not_followed(simulator, send, order):
    order(simulator, redirect=1)

    answer = send(simulator.url)

    assert (answer.verdict, answer.reason, answer.http_status) == (Verdict.UNCERTAIN, Reason.REDIRECT, 302)
    assert simulator.simulator._by_status == {"302": 1}


@pytest.mark.parametrize(
    ("fault", "reason", "accepted"),
    [
        ("wrong_json", Reason.UNREADABLE, 1),
        ("wrong_code", Reason.WRONG_CODE, 0),
        ("huge_body", Reason.TOO_LARGE, 1),
        ("reset_after", Reason.RESET, 1),
        ("reset_before", Reason.RESET, 0),
        ("hang_after", Reason.TIMEOUT, 1),
        ("hang_before", Reason.TIMEOUT, 0),
        ("drip", Reason.TIMEOUT, 1),
    ],
)
def test_a_call_that_ends_badly_is_uncertain(simulator, send, order, fault, reason, accepted):
    order(simulator, **{fault: 1})

    answer = send(simulator.url, timeout_seconds=0.4)

    assert (answer.verdict, answer.reason) == (Verdict.UNCERTAIN, reason)
    assert simulator.simulator.log.counts()["accepted"] == accepted


def test_an_answer_slower_than_the_whole_call_may_take_is_a_timeout_although_bytes_keep_coming(raw_server, send):
    def script(server, connection):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n")
        for byte in b'{"code":0,"message":"OK"}':
            connection.sendall(bytes([byte]))
            server.over.wait(0.05)

    answer = send(raw_server(script).url, timeout_seconds=0.3)

    assert (answer.verdict, answer.reason, answer.http_status) == (Verdict.UNCERTAIN, Reason.TIMEOUT, 200)
    assert answer.excerpt.startswith('{"co')
    assert 290 <= answer.duration_ms < 1000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{", Reason.RESET),
        (b"SSH-2.0-OpenSSH_9\r\n", Reason.UNREADABLE),
        (b'HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n{"code":0,"message":"OK"}', Reason.UNREADABLE),
        (_reply(200, b'\xff\xfe{"code":0,"message":"OK"}'), Reason.UNREADABLE),
        (_reply(200, b"\x1f\x8b\x08rubbish", "Content-Encoding: gzip"), Reason.UNREADABLE),
        (_reply(200), Reason.UNREADABLE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", Reason.RESET),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "http_204"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Reason.RESET),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_rubbish_on_the_wire_is_uncertain(answering, send, answer, reason):
    found = send(answering(answer).url)

    assert (found.verdict, found.reason) == (Verdict.UNCERTAIN, reason)


def test_an_answer_without_a_length_that_never_ends_is_cut_off(raw_server, send):
    def script(server, connection):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.over.is_set():
            connection.sendall(b"x" * 8192)

    answer = send(raw_server(script).url)

    assert (answer.verdict, answer.reason) == (Verdict.UNCERTAIN, Reason.TOO_LARGE)
    assert answer.excerpt == "x" * 200


def test_a_chunked_answer_and_one_after_100_continue_are_read(answering, send):
    chunked = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'a\r\n{"code":0,\r\nf\r\n"message":"OK"}\r\n0\r\n\r\n'
    )

    assert send(answering(chunked).url).verdict is Verdict.ACCEPTED


# Many calls


def test_many_calls_go_over_few_connections_and_each_gets_one_answer(raw_server):
    def script(server, connection):
        while server.read_request(connection):
            server.answer_ok(connection)

    server = raw_server(script)
    waiting = [Call(number, "79001234567", f"message {number}") for number in range(1, 301)]
    answers = []

    with HttpGateway(_settings(server.url, connections=4)) as gateway:
        while waiting or gateway.in_flight:
            while waiting and gateway.free:
                gateway.submit(waiting.pop())
            answers += gateway.poll(5)

    assert sorted(answer.message_id for answer in answers) == list(range(1, 301))
    assert {answer.verdict for answer in answers} == {Verdict.ACCEPTED}
    assert len(set(server.paths)) == 300
    assert server.connections == 4


def test_a_gateway_that_closes_after_every_answer_loses_no_call(answering):
    server = answering(_reply(200, b'{"code":0,"message":"OK"}', "Connection: close"))
    waiting = [Call(number, "79001234567", "text") for number in range(1, 61)]
    answers = []

    with HttpGateway(_settings(server.url, connections=4)) as gateway:
        while waiting or gateway.in_flight:
            while waiting and gateway.free:
                gateway.submit(waiting.pop())
            answers += gateway.poll(5)

    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED] * 60
    assert server.connections == len(set(server.paths)) == 60


def test_no_more_calls_than_connections_are_taken(simulator, order):
    order(simulator, hang_before=1)

    with HttpGateway(_settings(simulator.url, connections=2)) as gateway:
        gateway.submit(Call(1, "79001234567", "text"))
        gateway.submit(Call(2, "79001234567", "text"))

        assert (gateway.free, gateway.in_flight) == (0, 2)
        with pytest.raises(RuntimeError, match="no free connection"):
            gateway.submit(Call(3, "79001234567", "text"))


def test_a_poll_returns_as_soon_as_one_call_has_ended(simulator, order):
    order(simulator, hang_after=1, phones=["79000000000"])

    with HttpGateway(_settings(simulator.url, connections=2)) as gateway:
        gateway.submit(Call(1, "79000000000", "hangs"))
        gateway.submit(Call(2, "79001234567", "goes"))
        answers = gateway.poll(5)

        assert [answer.message_id for answer in answers] == [2]
        assert gateway.in_flight == 1


def test_a_poll_waits_no_longer_than_it_may(simulator, order):
    order(simulator, hang_after=1)

    with HttpGateway(_settings(simulator.url, connections=1)) as gateway:
        gateway.submit(Call(1, "79001234567", "hangs"))

        assert gateway.poll(0.05) == []
        assert gateway.poll(0) == []
        assert gateway.in_flight == 1


def test_a_poll_with_nothing_in_flight_returns_at_once(simulator):
    with HttpGateway(_settings(simulator.url)) as gateway:
        assert gateway.poll(60) == []


def test_a_closed_gateway_takes_no_calls_and_may_be_closed_again(simulator):
    gateway = HttpGateway(_settings(simulator.url))
    gateway.close()
    gateway.close()

    with pytest.raises(RuntimeError):
        gateway.submit(Call(1, "79001234567", "text"))


def test_a_line_serves_again_after_every_kind_of_failure(raw_server):
    def script(server, connection):
        while server.read_request(connection):
            if len(server.requests) % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            server.answer_ok(connection)

    server = raw_server(script)

    with HttpGateway(_settings(server.url, connections=1)) as gateway:
        verdicts = []
        for message_id in range(1, 7):
            gateway.submit(Call(message_id, "79001234567", "text"))
            verdicts += [answer.verdict for answer in gateway.poll(5)]

    assert verdicts == [Verdict.UNCERTAIN, Verdict.ACCEPTED] * 3
    assert server.paths == [f"/v1/send/{number}" for number in range(1, 7)]


def test_an_answer_tells_when_the_call_began_and_how_long_it_took(simulator, send, order):
    order(simulator, latency_ms=[100, 100])
    before = datetime.now(UTC)

    answer = send(simulator.url)

    assert before <= answer.started_at <= datetime.now(UTC)
    assert answer.started_at.tzinfo is not None
    assert 95 <= answer.duration_ms < 1000


def test_signals_and_threads_do_not_disturb_a_gateway_outside_the_main_thread(simulator, send):
    answers = []

    thread = threading.Thread(target=lambda: answers.append(send(simulator.url)))
    thread.start()
    thread.join(10)

    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED]


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://gateway"},
        {"url": "gateway:80"},
        {"url": "http://"},
        {"url": "http://name:password@gateway"},
        {"url": "http://gateway?x=1"},
        {"token": "two words"},
        {"token": "line\r\nX-Evil: 1"},
        {"connections": 0},
        {"connections": 901},
        {"timeout_seconds": 0},
    ],
    ids=repr,
)
def test_settings_that_cannot_work_are_refused_without_showing_secrets(wrong):
    right = {"url": "http://gateway", "token": "s3cret"}

    with pytest.raises(ValueError) as refusal:
        GatewaySettings(**(right | wrong))

    assert not {"s3cret", "password", "Evil"} & set(str(refusal.value).split())


def test_settings_do_not_show_the_token():
    assert "s3cret" not in repr(GatewaySettings(url="http://gateway", token="s3cret"))


def test_a_call_bears_the_name_of_the_job_that_makes_it(raw_server):
    def serve(server, connection):
        while server.read_request(connection):
            server.answer_ok(connection)

    server = raw_server(serve)
    settings = GatewaySettings(server.url, TOKEN, connections=1, request_id="order-8")

    with HttpGateway(settings) as gateway:
        gateway.submit(Call(7, "79991234567", "Hello"))
        answers = gateway.poll(2)

    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED]
    assert b"\r\nX-Request-ID: order-8\r\n" in server.requests[0]
    with pytest.raises(ValueError):
        GatewaySettings(server.url, TOKEN, request_id="a\r\nb")
