"""Does a text ever leave twice in one call? libcurl repeats a POST by itself if it is allowed to."""

import socket
import struct
import subprocess
import sys
import threading
import time

import pycurl
import pytest

from dashboard.gateway import Call, GatewaySettings, HttpGateway, Reason, Verdict

# Answers two requests on each connection, and says with the second answer that it closes.
SAYS_IT_CLOSES = r"""
import socketserver

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for header in (b"", b"Connection: close\r\n"):
            length = 0
            while (line := self.rfile.readline()) not in (b"", b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            self.rfile.read(length)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n" + header)
            self.wfile.write(b'\r\n{"code":0,"message":"OK"}')

server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def _answer_one_then_fail(reset):
    """Answers the first request of a connection, reads the second and ends the connection without a word."""

    def script(server, connection):
        server.read_request(connection)
        server.answer_ok(connection)
        if server.read_request(connection) and reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_request_lost_on_a_kept_connection_is_not_sent_again(raw_server, reset):
    server = raw_server(_answer_one_then_fail(reset))
    settings = GatewaySettings(url=server.url, token="secret", connections=1)

    with HttpGateway(settings) as gateway:
        verdicts = []
        for message_id in (1, 2, 3):
            gateway.submit(Call(message_id, "79001234567", "text"))
            verdicts += [(answer.verdict, answer.reason) for answer in gateway.poll(10)]

    assert server.paths == ["/v1/send/1", "/v1/send/2", "/v1/send/3"]
    assert server.connections == 2
    assert verdicts == [
        (Verdict.ACCEPTED, Reason.OK),
        (Verdict.UNCERTAIN, Reason.RESET),
        (Verdict.ACCEPTED, Reason.OK),  # after the failed rewind the line is as good as new
    ]


def test_the_server_of_this_test_does_make_libcurl_repeat_a_post_with_a_rewindable_body(raw_server):
    server = raw_server(_answer_one_then_fail(reset=False))

    curl = pycurl.Curl()
    for message_id in (1, 2):
        curl.setopt(pycurl.URL, f"{server.url}/v1/send/{message_id}")
        curl.setopt(pycurl.POSTFIELDS, b"{}")
        curl.setopt(pycurl.WRITEFUNCTION, lambda chunk: None)
        curl.perform()
    curl.close()

    assert server.paths == ["/v1/send/1", "/v1/send/2", "/v1/send/2"]


def test_a_connection_that_the_server_closed_while_idle_costs_no_message(raw_server):
    def script(server, connection):
        server.read_request(connection)
        server.answer_ok(connection)

    server = raw_server(script)
    settings = GatewaySettings(url=server.url, token="secret", connections=1)

    with HttpGateway(settings) as gateway:
        verdicts = []
        for message_id in (1, 2, 3):
            gateway.submit(Call(message_id, "79001234567", "text"))
            verdicts += [answer.verdict for answer in gateway.poll(10)]
            gateway.poll(0)
            for thread in server._threads[1:]:  # the connection is closed when its thread has ended
                thread.join(5)

    assert server.paths == ["/v1/send/1", "/v1/send/2", "/v1/send/3"]
    assert verdicts == [Verdict.ACCEPTED] * 3


def test_connections_closed_while_others_are_busy_cost_no_message(raw_server):
    def script(server, connection):
        if b"/v1/send/1 " in server.read_request(connection):
            server.over.wait(5)
            return
        server.answer_ok(connection)
        server.read_request(connection)
        server.answer_ok(connection)

    server = raw_server(script)
    settings = GatewaySettings(url=server.url, token="secret", connections=8)

    with HttpGateway(settings) as gateway:
        gateway.submit(Call(1, "79001234567", "hangs"))
        answers = []
        for first in range(2, 44, 7):
            answers += _send_all(gateway, range(first, first + 7), still_busy=1)
            if first % 2:
                _wait_until_closed(server, but=1)

    assert sorted(answer.message_id for answer in answers) == list(range(2, 44))
    assert {answer.verdict for answer in answers} == {Verdict.ACCEPTED}
    assert len(set(server.paths)) == len(server.paths) == 43
    assert server.connections == 1 + 7 * 3


def test_a_closed_connections_socket_number_may_come_again_on_another_line():
    """The lowest free number is given, so the server lives in a process of its own, which takes none of ours."""
    with subprocess.Popen([sys.executable, "-c", SAYS_IT_CLOSES], stdout=subprocess.PIPE, text=True) as server:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        with HttpGateway(GatewaySettings(url=url, token="secret", connections=3, timeout_seconds=1)) as gateway:
            answers = []
            for first in range(1, 91, 9):
                for count, message_id in ((3, first), (3, first + 3), (1, first + 6), (2, first + 7)):
                    answers += _send_all(gateway, range(message_id, message_id + count))
        server.kill()

    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED] * 90


def test_what_a_server_says_unasked_is_not_taken_for_the_next_answer(raw_server):
    said = threading.Event()

    def script(server, connection):
        while server.read_request(connection):
            server.answer_ok(connection)
            if len(server.requests) == 1:
                said.wait(5)
                server.answer_ok(connection)
                said.clear()

    server = raw_server(script)
    settings = GatewaySettings(url=server.url, token="secret", connections=1)

    with HttpGateway(settings) as gateway:
        gateway.submit(Call(1, "79001234567", "text"))
        gateway.poll(10)
        said.set()
        while said.is_set():
            time.sleep(0.001)
        gateway.submit(Call(2, "79001234567", "text"))
        (answer,) = gateway.poll(10)

    assert answer.verdict is Verdict.ACCEPTED
    assert server.paths == ["/v1/send/1", "/v1/send/2"]
    assert server.connections == 2


def _send_all(gateway, message_ids, still_busy=0):
    for message_id in message_ids:
        gateway.submit(Call(message_id, "79001234567", "text"))
    answers = []
    while gateway.in_flight > still_busy:
        answers += gateway.poll(5)
    return answers


def _wait_until_closed(server, but):
    """Until the server has closed its connections, `but` so many: their threads have ended."""
    while sum(thread.is_alive() for thread in server._threads[1:]) > but:
        time.sleep(0.001)
