"""Do our answers tell browsers to run nothing foreign and to keep nothing private?"""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, request, url_for
from flask.testing import FlaskClient

from dashboard import marks
from tests.support.apps import running_app

PRODUCTION = {
    "VESTNIK_ENV": "production",
    "GATEWAY_URL": "https://gateway.example.com",
    "GATEWAY_TOKEN": "token",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def test_nothing_runs_inline_or_from_elsewhere(client: FlaskClient) -> None:
    headers = client.get("/sign-in").headers

    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_kept_nowhere_and_differ_from_their_parts(
    signed_in: Callable[..., FlaskClient],
) -> None:
    browser = signed_in()
    asked = [(path, {}) for path in ("/nowhere", "/clients", "/clients/export.csv", "/api/v1/clients", "/sign-in")]
    asked += [("/clients", {"HX-Request": "true"}), ("/stop-list/export.csv", {}), ("/api/v1/openapi.json", {})]

    met = []
    for path, headers in asked:
        with browser.get(path, headers=headers) as answer:
            kept, vary = answer.headers["Cache-Control"], answer.headers["Vary"]
            met.append((answer.status_code, kept, "HX-Request" in vary, "<html" in answer.text))

    assert {(kept, is_apart) for _status, kept, is_apart, _whole in met} == {("no-store", True)}
    assert [status for status, *_more in met] == [404, 200, 200, 401, 303, 200, 200, 200]
    assert [is_whole for *_more, is_whole in met][:2] == [True, True]
    assert not any(is_whole for *_more, is_whole in met[5:])


def test_static_files_are_kept_for_good_under_their_own_version_only(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        address = url_for("static", filename="img/mark.svg")

    with client.get(address) as kept, client.get("/static/img/mark.svg?v=00000000") as asked_anew:
        assert "immutable" in kept.headers["Cache-Control"]
        assert "max-age=31536000" in kept.headers["Cache-Control"]
        assert asked_anew.headers["Cache-Control"] == "no-cache"


def test_a_static_file_that_is_missing_is_not_kept_as_such(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        address = url_for("static", filename="js/nothing.js")

    answer = client.get(address)

    assert address == "/static/js/nothing.js"
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize("environ", [{}, PRODUCTION], ids=["development", "production"])
def test_the_cookie_is_out_of_reach_for_scripts_and_in_production_for_eavesdroppers(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with running_app(tmp_path, **environ) as app:
        answer = app.test_client().get("/sign-in", base_url="https://vestnik.example.com")

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is bool(environ)
    assert ("Strict-Transport-Security" in answer.headers) is bool(environ)


@pytest.mark.parametrize(("proxies", "address"), [("0", "127.0.0.1"), ("1", "203.0.113.9")])
def test_only_trusted_proxies_are_believed(tmp_path: Path, proxies: str, address: str) -> None:
    with running_app(tmp_path, TRUSTED_PROXIES=proxies) as app:
        app.add_url_rule("/who", "who", marks.open_to_all(lambda: str(request.remote_addr)))
        answer = app.test_client().get("/who", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})

    assert answer.text == address
