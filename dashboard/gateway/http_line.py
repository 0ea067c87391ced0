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
they would repeat the request anyway. As we forbid that, the gateway listens to the connections without a call
itself, just before calls begin (http.py). To know which connection a call will take, each line has a pool of
its own, made of a share that only this line uses.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii

import pycurl

from .. import clock
from . import answers
from .answers import Meaning
from .calls import Answer, Call, GatewaySettings, Reason, Verdict

LONGEST_BODY_BYTES = 64 * 1024
# Servers close idle connections after some seconds (node: 5, gunicorn: 2, nginx: 75). A request that crosses
# such a close is UNCERTAIN, so connections that have been idle for long are not used again.
IDLE_SECONDS = 4
LONGEST_RETRY_AFTER_SECONDS = 3600.0

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
    """One slot for a call: a libcurl handle, the connection it keeps, and what has come back so far.

    The message's text is kept no longer than needed: until it is out, or cannot go out any more.

    `opened` is told of every socket that libcurl opens for it, at once. `socket`: the kept connection's, or -1.
    `is_fresh`: a socket was opened since `keep` was last asked.
    """

    __slots__ = (
        "_body",
        "_length",
        "_message_id",
        "_opened",
        "_own_pool",
        "_send_url",
        "_settings",
        "_started",
        "_started_at",
        "_text_is_out",
        "_unsent",
        "_usual_excerpt",
        "curl",
        "is_fresh",
        "socket",
    )

    def __init__(self, settings: GatewaySettings, opened: Callable[[int, "Line"], None]) -> None:
        self._settings = settings
        self._opened = opened
        self._send_url = settings.send_url.encode()
        self._usual_excerpt = answers.excerpt(answers.USUAL_BODY, settings.token)
        self._connect_anew()

    def _connect_anew(self) -> None:
        self._own_pool = pycurl.CurlShare()
        self._own_pool.setopt(pycurl.SH_SHARE, pycurl.LOCK_DATA_CONNECT)
        self.curl = _new_handle(self._settings, self)
        self.curl.setopt(pycurl.SHARE, self._own_pool)
        self._length = -1
        self.socket = -1
        self.is_fresh = False

    def close(self) -> None:
        self.curl.close()
        self._own_pool.close()

    def renew(self) -> None:
        """Closes the connection; a call that was taken and has not begun stays.

        After an error the handle goes too: a failed rewind sticks to it, even through a reset
        (https://github.com/curl/curl/issues/17139 and 18206).
        """
        self.close()
        self._connect_anew()

    def take(self, call: Call, at: datetime, started: float) -> None:
        """The call's time runs from `at`, which is `started` on clock.monotonic."""
        self._message_id = call.message_id
        self._unsent = _request_body(call)
        self._text_is_out = False
        self._body = b""
        self._started_at = at
        self._started = started

    def begin(self) -> None:
        """Sets the handle for the call that was taken. What stayed the same is not set again."""
        self.curl.setopt(pycurl.URL, b"%b%d" % (self._send_url, self._message_id))
        if len(self._unsent) != self._length:
            self._length = len(self._unsent)
            self.curl.setopt(pycurl.POSTFIELDSIZE, self._length)

    def keep(self) -> int:
        """The answer came whole: the socket of the connection that is kept, -1 if the server closes it."""
        self.is_fresh = False
        self.socket = int(self.curl.getinfo(pycurl.ACTIVESOCKET))
        return self.socket

    def note_socket(self, socket: int, _purpose: int) -> int:
        """libcurl has opened a socket for this line."""
        self.is_fresh = True
        self._opened(socket, self)
        return int(pycurl.SOCKOPT_OK)

    def give_body(self, size: int) -> bytes | int:
        """libcurl asks for the body: once it has been given out there is nothing more to give.

        Nor after the call's time: a process that was stopped in between must not send what others have taken over.
        """
        if not self._text_is_out:
            if clock.monotonic() - self._started > self._settings.timeout_seconds:
                return int(pycurl.READFUNC_ABORT)
            self._text_is_out = True
        unsent = self._unsent
        self._unsent = unsent[size:]
        return unsent[:size]

    def take_body(self, chunk: bytes) -> int | None:
        """Part of the answer; -1 breaks the call off."""
        self._body += chunk
        return -1 if len(self._body) > LONGEST_BODY_BYTES else None

    def answered(self, now: float) -> Answer:
        """The answer came whole. `now` is a reading of clock.monotonic, as below."""
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        meaning = answers.meaning(status, self._body, self._settings.not_accepted)
        if meaning.verdict is Verdict.ACCEPTED:
            return self._answer(meaning, status, now, None)
        return self._answer(meaning, status, now, self._retry_after())

    def broken(self, error: int, now: float) -> Answer:
        """The call ended without a whole answer."""
        if not self._text_is_out:
            self._unsent = b""
            reason = _BEFORE_THE_TEXT.get(error, Reason.NOT_CONNECTED)
            return self._answer(Meaning(Verdict.NOT_ACCEPTED, reason), None, now, None)
        status = self.curl.getinfo(pycurl.RESPONSE_CODE) or None
        is_too_large = len(self._body) > LONGEST_BODY_BYTES
        reason = Reason.TOO_LARGE if is_too_large else _AFTER_THE_TEXT.get(error, Reason.UNREADABLE)
        return self._answer(Meaning(Verdict.UNCERTAIN, reason), status, now, self._retry_after())

    def _answer(self, meaning: Meaning, status: int | None, now: float, retry_after: float | None) -> Answer:
        is_usual = self._body == answers.USUAL_BODY
        # By position: nine keywords cost half a microsecond more.
        return Answer(
            self._message_id,
            meaning.verdict,
            meaning.reason,
            status,
            meaning.code,
            self._usual_excerpt if is_usual else answers.excerpt(self._body, self._settings.token),
            self._started_at,
            round((now - self._started) * 1000),
            retry_after,
        )

    def _retry_after(self) -> float | None:
        """libcurl reads the header, seconds or a date; it says 0 where there is none."""
        seconds = self.curl.getinfo(pycurl.RETRY_AFTER)
        return min(float(seconds), LONGEST_RETRY_AFTER_SECONDS) if seconds > 0 else None


def _request_body(call: Call) -> bytes:
    # Written out: `json.dumps` of a dictionary costs five times as much.
    text = encode_basestring_ascii(call.text)
    return f'{{"id":{call.message_id},"phone":{call.phone},"text":{text}}}'.encode()


def _new_handle(settings: GatewaySettings, line: Line) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.HTTPHEADER, _request_headers(settings))
    curl.setopt(pycurl.USERAGENT, "Vestnik")
    curl.setopt(pycurl.READFUNCTION, line.give_body)
    curl.setopt(pycurl.WRITEFUNCTION, line.take_body)
    curl.setopt(pycurl.SOCKOPTFUNCTION, line.note_socket)
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
    name = [f"X-Request-ID: {settings.request_id}"] if settings.request_id else []
    return [
        *name,
        f"Authorization: Bearer {settings.token}",
        "Content-Type: application/json",
        "Accept: application/json",
        "Expect:",  # without it libcurl asks before it sends larger bodies, a round trip more
    ]
