"""What is one call to the gateway, on the wire?

**A text leaves at most once per call.** When a kept-alive connection dies before the first byte of an answer,
libcurl sends the request again over a fresh one, POST or not, and reports the second answer as if nothing had
happened (`Curl_retry_request` in lib/transfer.c; an option against it, CURLOPT_FORBID_RETRY_ON_REUSE, is
proposed in https://github.com/curl/curl/pull/18417 but not merged). The server may have read the first one:
that is a second SMS. Therefore the body is not given with POSTFIELDS but by a read callback that gives it out
once and cannot be rewound: instead of repeating, libcurl ends the call with CURLE_SEND_FAIL_REWIND
(lib/sendf.c, `cr_in_rewind`), and a repeat that came about in another way would have no body to send.
`tests/gateway/test_no_silent_repeat.py` counts the requests that arrive.

The same callback answers "was the text out already?" without guessing from error codes: a call that fails
before libcurl has asked for the body (refused, unresolved, connecting or the TLS handshake failed) was surely
not accepted.

**A connection that the server closed while it was idle costs no message.** Newer libcurls (since
https://github.com/curl/curl/pull/22169) look at most once a second whether a kept connection still lives, for
they would repeat the request anyway. As we forbid that, we look ourselves before each call. To know which
connection it will take, each line has a pool of its own, made of a share that only this line uses.
"""

import json
import select
from collections.abc import Sequence

import pycurl

from .. import clock
from . import answers
from .answers import Meaning
from .calls import Answer, Call, GatewaySettings, Reason, Verdict

LONGEST_BODY_BYTES = 64 * 1024
# Servers close idle connections after some seconds (node: 5, gunicorn: 2, nginx: 75). A request that crosses
# such a close is UNCERTAIN, so connections that have been idle for long are not used again.
IDLE_SECONDS = 4

_BEFORE_THE_TEXT = {
    pycurl.E_COULDNT_RESOLVE_HOST: Reason.UNRESOLVED,
    pycurl.E_COULDNT_CONNECT: Reason.REFUSED_CONNECTION,
    pycurl.E_ABORTED_BY_CALLBACK: Reason.ABANDONED,
    pycurl.E_OPERATION_TIMEDOUT: Reason.CONNECT_TIMEOUT,
    pycurl.E_SSL_CONNECT_ERROR: Reason.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: Reason.TLS,
    pycurl.E_SSL_CACERT_BADFILE: Reason.TLS,
}
_AFTER_THE_TEXT = {
    pycurl.E_OPERATION_TIMEDOUT: Reason.TIMEOUT,
    pycurl.E_GOT_NOTHING: Reason.RESET,
    pycurl.E_SEND_ERROR: Reason.RESET,
    pycurl.E_RECV_ERROR: Reason.RESET,
    pycurl.E_PARTIAL_FILE: Reason.RESET,
    pycurl.E_READ_ERROR: Reason.RESET,
    pycurl.E_SEND_FAIL_REWIND: Reason.RESET,
}


class Line:
    """One slot for a call: a libcurl handle, and what has come back so far."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.headers: list[bytes] = []
        self._connect_anew()
        self._clear()

    def _connect_anew(self) -> None:
        self._own_pool = pycurl.CurlShare()
        self._own_pool.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_CONNECT)
        self.curl = _new_handle(self._settings, self)
        self.curl.setopt(pycurl.SHARE, self._own_pool)
        self._socket = -1

    def _clear(self) -> None:
        # The message's text is not kept longer than needed.
        self._unsent: bytes | None = None
        self._text_is_out = False
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._too_large = False
        self.headers.clear()

    def close(self) -> None:
        self.curl.close()
        self._own_pool.close()

    def begin(self, call: Call) -> None:
        # Nothing may come from the server between two calls: what can be read is the end of the connection.
        if self._socket >= 0 and select.select((self._socket,), (), (), 0)[0]:
            self._renew()
        body = _request_body(call)
        self.curl.setopt(pycurl.URL, self._settings.address_of(call.message_id))
        self.curl.setopt(pycurl.POSTFIELDSIZE, len(body))
        self._message_id = call.message_id
        self._unsent = body
        self._started_at = clock.now()
        self._started = clock.monotonic()

    def end(self, whole: bool) -> None:
        """Ready for the next call. `whole`: the answer arrived whole, so the connection may be kept.

        After an error the handle goes too: a failed rewind sticks to it, even through a reset
        (https://github.com/curl/curl/issues/17139 and 18206).
        """
        if whole:
            self._socket = self.curl.getinfo(pycurl.ACTIVESOCKET)
        else:
            self._renew()
        self._clear()

    def _renew(self) -> None:
        self.close()
        self._connect_anew()

    def give_body(self, size: int) -> bytes | int:
        """libcurl asks for the body: once it has been given out there is nothing more to give.

        Nor after the call's time: a process that was stopped in between must not send what others have taken over.
        """
        if clock.monotonic() - self._started > self._settings.timeout_seconds and not self._text_is_out:
            return int(pycurl.READFUNC_ABORT)
        self._text_is_out = True
        unsent = self._unsent or b""
        self._unsent = unsent[size:]
        return unsent[:size]

    def take_body(self, chunk: bytes) -> int | None:
        """Part of the answer; -1 breaks the call off."""
        self._body_bytes += len(chunk)
        if self._body_bytes > LONGEST_BODY_BYTES:
            self._too_large = True
            return -1
        self._body.append(chunk)
        return None

    def answered(self) -> Answer:
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        body = b"".join(self._body)
        return self._answer(answers.meaning(status, body, self._settings.not_accepted), status, body)

    def broken(self, error: int) -> Answer:
        """The call ended without a whole answer."""
        if not self._text_is_out:
            reason = _BEFORE_THE_TEXT.get(error, Reason.NOT_CONNECTED)
            return self._answer(Meaning(Verdict.NOT_ACCEPTED, reason))
        status = self.curl.getinfo(pycurl.RESPONSE_CODE) or None
        reason = Reason.TOO_LARGE if self._too_large else _AFTER_THE_TEXT.get(error, Reason.UNREADABLE)
        return self._answer(Meaning(Verdict.UNCERTAIN, reason), status, b"".join(self._body))

    def _answer(self, meaning: Meaning, status: int | None = None, body: bytes = b"") -> Answer:
        accepted = meaning.verdict is Verdict.ACCEPTED
        return Answer(
            message_id=self._message_id,
            verdict=meaning.verdict,
            reason=meaning.reason,
            http_status=status,
            code=meaning.code,
            excerpt=answers.excerpt(body, self._settings.token),
            started_at=self._started_at,
            duration_ms=round((clock.monotonic() - self._started) * 1000),
            retry_after=None if accepted else answers.retry_after(self.headers, clock.now()),
        )


def _request_body(call: Call) -> bytes:
    # `json.dumps` of a string keeps to its fast path; of a dictionary it costs three times as much.
    return f'{{"id":{call.message_id:d},"phone":{int(call.phone)},"text":{json.dumps(call.text)}}}'.encode()


def _new_handle(settings: GatewaySettings, line: Line) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.HTTPHEADER, _request_headers(settings))
    curl.setopt(pycurl.USERAGENT, "Vestnik")
    curl.setopt(pycurl.READFUNCTION, line.give_body)
    curl.setopt(pycurl.WRITEFUNCTION, line.take_body)
    curl.setopt(pycurl.HEADERFUNCTION, line.headers.append)
    # One call a connection at a time: HTTP/2 gains nothing here.
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    curl.setopt(pycurl.CAINFO, settings.ca_file)
    curl.setopt(pycurl.PROXY, "")  # empty, not unset: environment variables are ignored
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TCP_NODELAY, 1)
    curl.setopt(pycurl.TIMEOUT_MS, max(1, round(settings.timeout_seconds * 1000)))
    curl.setopt(pycurl.MAXAGE_CONN, IDLE_SECONDS)
    return curl


def _request_headers(settings: GatewaySettings) -> Sequence[str]:
    return [
        f"Authorization: Bearer {settings.token}",
        "Content-Type: application/json",
        "Accept: application/json",
        "Expect:",  # without it libcurl asks before it sends larger bodies, a round trip more
    ]
