"""Does a text ever leave twice in one call? libcurl repeats a POST by itself if it is allowed to."""

import socket
import struct

import pycurl
import pytest

from dashboard.gateway import Call, GatewaySettings, HttpGateway, Reason, Verdict


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
