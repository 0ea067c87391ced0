"""Is every answer understood for what it is?"""

import pytest

from dashboard.gateway import Reason, Verdict
from dashboard.gateway.answers import excerpt, meaning

DECLARED = frozenset({429, 503})


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":0,"message":"OK"}',
        b' { "message" : "OK", "code" : 0, "more": [1] }\n',
        b'{"code":-0,"message":"OK"}',
    ],
)
def test_an_object_with_code_0_and_message_ok_means_accepted(body):
    verdict = meaning(200, body, DECLARED)

    assert (verdict.verdict, verdict.reason, verdict.code) == (Verdict.ACCEPTED, Reason.OK, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":true,"message":"OK"}', None),
        (b'{"code":false,"message":"OK"}', None),
        (b'{"code":"0","message":"OK"}', None),
        (b'{"code":0.0,"message":"OK"}', None),
        (b'{"code":NaN,"message":"OK"}', None),
        (b'{"code":null,"message":"OK"}', None),
        (b'{"code":0e0,"message":"OK"}', None),
        (b'{"code":99999999999,"message":"OK"}', None),
        (b'{"message":"OK"}', None),
        (b"{}", None),
        (b'{"code":0,"message":"ok"}', 0),
        (b'{"code":0,"message":["OK"]}', 0),
        (b'{"code":0}', 0),
        (b'{"code":17,"message":"OK"}', 17),
    ],
)
def test_an_object_that_says_something_else_is_a_wrong_code(body, code):
    verdict = meaning(200, body, DECLARED)

    assert (verdict.verdict, verdict.reason, verdict.code) == (Verdict.UNCERTAIN, Reason.WRONG_CODE, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b'[{"code":0,"message":"OK"}]',
        b'"OK"',
        b"0",
        b"NaN",
        b'{"code":0,"message":"OK"',
        b'{"code":0,"message":"OK"}{}',
        b'\xef\xbb\xbf{"code":0,"message":"OK"}',
        '{"code":0,"message":"OK"}'.encode("utf-16"),
        b'{"code":0,"message":"OK","x":"\xff"}',
        b"[" * 60_000,
        b'{"code":' + b"9" * 5000 + b"}",
        b"\x1f\x8b\x08\x00rubbish",
        b"<html>Login</html>",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_not_a_json_object_is_unreadable(body):
    verdict = meaning(200, body, DECLARED)

    assert (verdict.verdict, verdict.reason, verdict.code) == (Verdict.UNCERTAIN, Reason.UNREADABLE, None)


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (400, Verdict.REFUSED, "http_400"),
        (404, Verdict.REFUSED, "http_404"),
        (422, Verdict.REFUSED, "http_422"),
        (401, Verdict.DENIED, "bad_token"),
        (403, Verdict.DENIED, "http_403"),
        (408, Verdict.UNCERTAIN, "http_408"),
        (429, Verdict.NOT_ACCEPTED, "http_429"),
        (503, Verdict.NOT_ACCEPTED, "http_503"),
        (500, Verdict.UNCERTAIN, "http_500"),
        (502, Verdict.UNCERTAIN, "http_502"),
        (302, Verdict.UNCERTAIN, "redirect"),
        (308, Verdict.UNCERTAIN, "redirect"),
        (201, Verdict.UNCERTAIN, "http_201"),
        (204, Verdict.UNCERTAIN, "http_204"),
        (0, Verdict.UNCERTAIN, "unreadable"),
        (999, Verdict.UNCERTAIN, "http_999"),
    ],
)
def test_each_status_has_its_verdict_even_with_a_body_that_says_ok(status, verdict, reason):
    found = meaning(status, b'{"code":0,"message":"OK"}', DECLARED)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_what_is_declared_not_accepted_outranks_what_the_status_means_otherwise():
    declared = frozenset({403, 502})

    verdicts = [meaning(status, b"", declared).verdict for status in (403, 502, 429, 503)]

    assert verdicts == [Verdict.NOT_ACCEPTED, Verdict.NOT_ACCEPTED, Verdict.NOT_ACCEPTED, Verdict.UNCERTAIN]


def test_an_excerpt_is_short_printable_and_without_the_token():
    body = "начало\x00\r\n\x1b[31m\u202e".encode() + b"\xff Bearer s3cret.to.ken " + b"x" * 1000

    shown = excerpt(body, "s3cret.to.ken")

    assert shown.startswith("начало   \u0020[31m ")
    assert "s3cret" not in shown
    assert "[token]" in shown
    assert len(shown) == 200
    assert shown.isprintable()
