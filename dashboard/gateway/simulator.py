"""What does the external SMS service answer? A stand-in for development and tests: no SMS leaves the house.

It keeps to the service's contract: `POST /v1/send/{msgId}` with a Bearer token and a JSON body. Beside it,
without a token, so that tests and developers can steer it: `GET /` describes it, `GET /log?after=N&limit=N`
and `DELETE /log`, `GET /stats`, `GET /faults` and `PUT /faults` (see simulator_faults; a `PUT` sets all of
them anew).
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from .. import clock
from .check import token_expires_at
from .simulator_faults import AFTER_ACCEPTING, Dice, Faults, FaultsError
from .simulator_log import AcceptedLog
from .simulator_wire import Reply, Request, json_reply

LARGEST_PAGE = 10_000
HUGE_BODY_BYTES = 1024 * 1024
_SEND = re.compile(r"/v1/send/([0-9]{1,19})")
_LARGEST_MSG_ID = 2**63 - 1
_WRONG_JSON = b'{"code": 0, "message": "O'
_OK = Reply(200, b'{"code":0,"message":"OK"}')


class Simulator:
    """Answers requests; knows nothing of sockets. `cut_off(seconds)` is called for an outage."""

    def __init__(
        self,
        token: str,
        log: AcceptedLog,
        faults: Faults | None = None,
        recognise_repeats: bool = False,
        check_expiry: bool = False,
    ) -> None:
        self.log = log
        self.cut_off: Callable[[float], None] = lambda seconds: None
        self._authorization = f"Bearer {token}"
        self._expires_at = token_expires_at(token) if check_expiry else None
        self._recognise_repeats = recognise_repeats
        self._forget()
        self._set_faults(faults or Faults())

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/v1/send/"):
            return self._count(self._send(request))
        for method, path, control in (
            ("GET", "/", self._describe),
            ("GET", "/log", self._page),
            ("DELETE", "/log", self._clear),
            ("GET", "/stats", self._statistics),
            ("GET", "/faults", self._show_faults),
            ("PUT", "/faults", self._change_faults),
        ):
            if (request.method, request.path) == (method, path):
                return control(request)
        return json_reply(404, {"error": "there is nothing here"})

    # The external API

    def _send(self, request: Request) -> Reply:
        match = _SEND.fullmatch(request.path)
        if match is None:
            return json_reply(404, {"error": "msgId must be a whole number"})
        if request.method != "POST":
            return json_reply(405, {"error": "only POST"}, (("Allow", "POST"),))
        if request.headers.get("authorization") != self._authorization or self._token_ran_out():
            return json_reply(401, {"error": "invalid token"})
        problem, phone, text = _read_message(request.body, int(match[1]))
        if problem:
            return json_reply(400, {"error": problem})
        return self._take(int(match[1]), phone, text)

    def _take(self, message_id: int, phone: str, text: str) -> Reply:
        """Accepts the message unless a fault prevents it, and answers, unless a fault prevents that."""
        self._tries[message_id] += 1
        attempt = self._tries[message_id]
        fault = self._dice.fault(message_id, phone, attempt)
        if fault is None or fault in AFTER_ACCEPTING:
            if self._recognise_repeats and self.log.has(message_id):
                self._recognised += 1
            else:
                self.log.accept(message_id, phone, text, clock.now())
        reply = _OK if fault is None else self._faulty(fault)
        latency = self._dice.latency_seconds(message_id, attempt)
        return Reply(reply.status, reply.body, reply.headers, latency, reply.manner) if latency else reply

    def _faulty(self, fault: str) -> Reply:
        if fault.startswith("http_"):
            wait = self._faults.retry_after if fault in ("http_429", "http_503") else ""
            return json_reply(
                int(fault[5:]), {"error": "a fault, as ordered"}, (("Retry-After", wait),) if wait else ()
            )
        if fault == "wrong_code":
            return json_reply(200, {"code": 17, "message": "a fault, as ordered"})
        if fault == "wrong_json":
            return Reply(200, _WRONG_JSON)
        if fault == "huge_body":
            return Reply(200, b'{"code":0,"message":"OK","padding":"' + b"x" * HUGE_BODY_BYTES + b'"}')
        if fault == "redirect":
            return Reply(302, b"", (("Location", "/v1/send/1"),))
        if fault == "drip":
            return Reply(200, _OK.body, manner="drip")
        return Reply(manner="hang" if fault.startswith("hang") else "reset")

    def _token_ran_out(self) -> bool:
        return self._expires_at is not None and self._expires_at <= clock.now()

    def _count(self, reply: Reply) -> Reply:
        self._by_status[str(reply.status) if reply.manner in ("answer", "drip") else reply.manner] += 1
        return reply

    # Steering

    def _describe(self, request: Request) -> Reply:
        return json_reply(
            200,
            {
                "what": "Vestnik's gateway simulator: no SMS leaves the house",
                "send": "POST /v1/send/{msgId}",
                "steering": ["GET /log?after=N&limit=N", "DELETE /log", "GET /stats", "GET|PUT /faults"],
                "faults": Faults().as_json(),
            },
        )

    def _page(self, request: Request) -> Reply:
        try:
            after = max(0, int(request.query.get("after", "0")))
            limit = min(max(1, int(request.query.get("limit", str(LARGEST_PAGE)))), LARGEST_PAGE)
        except ValueError:
            return json_reply(400, {"error": "after and limit must be whole numbers"})
        return json_reply(200, self.log.page(after, limit))

    def _clear(self, request: Request) -> Reply:
        self.log.clear()
        self._forget()
        return json_reply(200, self.log.counts())

    def _statistics(self, request: Request) -> Reply:
        """`recognised`: repeats answered OK and not accepted again; `by_status`: replies to POST /v1/send."""
        by_status = dict(sorted(self._by_status.items()))
        refused = sum(count for status, count in by_status.items() if status[0] in "345")
        return json_reply(
            200,
            self.log.counts()
            | {
                "recognised": self._recognised,
                "refused": refused,
                "requests": sum(by_status.values()),
                "by_status": by_status,
            },
        )

    def _show_faults(self, request: Request) -> Reply:
        return json_reply(200, self._faults.as_json())

    def _change_faults(self, request: Request) -> Reply:
        try:
            self._set_faults(Faults.from_json(request.body))
        except FaultsError as error:
            return json_reply(400, {"error": str(error)})
        if self._faults.outage_seconds:
            self.cut_off(self._faults.outage_seconds)
        return self._show_faults(request)

    def _set_faults(self, faults: Faults) -> None:
        self._faults = faults
        self._dice = Dice(faults)

    def _forget(self) -> None:
        self._tries: Counter[int] = Counter()
        self._by_status: Counter[str] = Counter()
        self._recognised = 0


def _read_message(body: bytes, message_id: int) -> tuple[str, str, str]:
    """What is wrong with it (or ""), the phone and the text."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "the body is not JSON", "", ""
    if not isinstance(message, dict):
        return "the body is not an object", "", ""
    if type(message.get("id")) is not int or message["id"] != message_id or message_id > _LARGEST_MSG_ID:
        return "id must be a whole number, equal to msgId", "", ""
    phone = message.get("phone")
    if type(phone) is not int or not 70_000_000_000 <= phone <= 79_999_999_999:
        return "phone must be a number of the form 7XXXXXXXXXX", "", ""
    text = message.get("text")
    if not isinstance(text, str) or not text:
        return "text must be a string with something in it", "", ""
    return "", str(phone), text
