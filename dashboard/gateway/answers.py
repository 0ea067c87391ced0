"""What does the gateway's answer mean?

Pure: the same status, headers and body always give the same meaning. By the service's contract only HTTP 200
with a JSON object whose `code` is the integer 0 and whose `message` is "OK" means accepted. Whatever proves
neither that a message was accepted nor that it was not leaves it UNCERTAIN.
"""

import json
from dataclasses import dataclass

from .calls import Reason, Verdict

EXCERPT_LENGTH = 200
# What a gateway in good health answers, byte for byte; spares the fast path a JSON parser.
USUAL_BODY = b'{"code":0,"message":"OK"}'
_LARGEST_CODE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Meaning:
    verdict: Verdict
    reason: str
    code: int | None = None


_ACCEPTED = Meaning(Verdict.ACCEPTED, Reason.OK, 0)


def meaning(status: int, body: bytes, not_accepted: frozenset[int]) -> Meaning:
    """The verdict on an answer that arrived whole. `not_accepted`: the statuses declared by setting."""
    if status == 200:
        return _ACCEPTED if body == USUAL_BODY else _meaning_of_body(body)
    if status == 429 or status in not_accepted:
        return Meaning(Verdict.NOT_ACCEPTED, f"http_{status}")
    if status == 401:
        return Meaning(Verdict.DENIED, Reason.BAD_TOKEN)
    if status == 403:
        return Meaning(Verdict.DENIED, "http_403")
    if 300 <= status < 400:
        return Meaning(Verdict.UNCERTAIN, Reason.REDIRECT)
    # 408 is about the connection, often said by a proxy: it does not tell what became of the message.
    if 400 <= status < 500 and status != 408:
        return Meaning(Verdict.REFUSED, f"http_{status}")
    return Meaning(Verdict.UNCERTAIN, f"http_{status}" if status else Reason.UNREADABLE)


def _meaning_of_body(body: bytes) -> Meaning:
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a number too long, nested too deep
        return Meaning(Verdict.UNCERTAIN, Reason.UNREADABLE)
    if not isinstance(answer, dict):
        return Meaning(Verdict.UNCERTAIN, Reason.UNREADABLE)
    code = answer.get("code")
    # False == 0 and 0.0 == 0 in Python; the gateway's code is an integer and nothing else.
    if type(code) is not int or abs(code) > _LARGEST_CODE:
        return Meaning(Verdict.UNCERTAIN, Reason.WRONG_CODE)
    if code == 0 and answer.get("message") == "OK":
        return _ACCEPTED
    return Meaning(Verdict.UNCERTAIN, Reason.WRONG_CODE, code)


def excerpt(body: bytes, token: str) -> str:
    """The beginning of a body, fit for a page and a log: printable, short, and without our token."""
    text = body.decode(errors="replace")
    if token:
        text = text.replace(token, "[token]")
    text = text[:EXCERPT_LENGTH]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
