"""Can people look after their own account, and nobody with it after another's?"""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.database import db
from dashboard.domain.users import User
from dashboard.models import AuditLine, Role
from tests.factories import PASSWORD, SignedIn, make_user, sign_in

NEW = "another horse altogether"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"}


def test_a_new_password_ends_all_other_sessions(app: Flask, browser: FlaskClient, owner: User) -> None:
    other = app.test_client()
    sign_in(other, owner)
    data = {"current": PASSWORD, "password": NEW, "password_again": NEW}

    wrong = browser.post("/profile/password", data={**data, "current": "wrong"})
    differs = browser.post("/profile/password", data={**data, "password_again": "x"})
    short = browser.post("/profile/password", data={**data, "password": "short", "password_again": "short"})
    done = browser.post("/profile/password", data=data)

    assert [answer.status_code for answer in (wrong, differs, short, done)] == [422, 422, 422, 303]
    assert "not your password" in wrong.text
    assert NEW not in wrong.text
    assert browser.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 302


def test_the_present_password_is_not_guessed_by_an_open_browser(browser: FlaskClient) -> None:
    data = {"name": "Ben", "email": "ben@example.com", "current": "guess"}

    answers = [browser.post("/profile/details", data=data).status_code for _ in range(7)]

    assert answers == [422] * 5 + [429] * 2


def test_name_address_and_look_are_changed(app: Flask, signed_in: SignedIn) -> None:
    browser = signed_in(Role.VIEWER)
    look = {"language": "ru", "theme": "dark", "timezone": "Asia/Omsk"}

    browser.post("/profile/details", data={"name": "Бен", "email": "ben@example.com", "current": PASSWORD})
    saved = browser.post("/profile/look", data=look)
    refused = browser.post("/profile/look", data={**look, "timezone": "Mars"})
    page = browser.get("/profile").text

    assert saved.status_code == 303
    assert refused.status_code == 422
    assert 'value="Бен"' in page
    assert '<html lang="ru" data-bs-theme="dark">' in page
    assert "Asia/Omsk" in page


def test_sessions_are_told_apart_and_ended(app: Flask, browser: FlaskClient, owner: User) -> None:
    others = [app.test_client() for _ in range(3)]
    for other in others:
        other.post("/sign-in", data={"login": owner.name, "password": PASSWORD}, headers=FIREFOX)
    page = browser.get("/profile").text
    ends = re.findall(r'action="(/profile/sessions/\d+/end)"', page)
    with app.app_context():
        stranger = make_user()
    strangers = app.test_client()
    sign_in(strangers, stranger)

    assert page.count("Firefox on Linux") == 6  # named by its button, too
    assert page.count("this one") == 1
    assert len(ends) == 3
    assert strangers.post(ends[0]).status_code == 404
    browser.post(ends[0])
    assert [other.get("/profile").status_code for other in others].count(302) == 1
    browser.post("/profile/sessions/end-others")
    assert [other.get("/profile").status_code for other in others] == [302] * 3
    assert browser.get("/profile").status_code == 200


def test_signing_out_everywhere_else_ends_programs_too_and_is_written_down(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    credentials = {"username": owner.name, "password": PASSWORD}
    pair = app.test_client().post("/api/v1/token", json=credentials).get_json()

    before = browser.get("/profile").text
    browser.post("/profile/sessions/end-others")

    assert "1 program is signed in by your name and password" in before
    assert "/profile/sessions/end-others" in before
    assert "/profile/sessions/end-others" not in browser.get("/profile").text
    refreshed = app.test_client().post("/api/v1/token/refresh", json={"refresh": pair["refresh"]})
    assert refreshed.status_code == 401
    with app.app_context():
        written = (AuditLine.verb == "user.end_other_sign_ins", AuditLine.actor_id == owner.id)
        assert db.session.scalar(select(func.count()).where(*written)) == 1


def test_a_browser_may_call_itself_anything(app: Flask, owner: User) -> None:
    client = app.test_client()
    agent = "<script>alert(1)</script>" + "x" * 5000
    client.post("/sign-in", data={"login": owner.name, "password": PASSWORD}, headers={"User-Agent": agent})

    page = client.get("/profile").text

    assert "an unknown browser" in page
    assert "alert(1)" not in page


def test_test_data_come_and_go(signed_in: SignedIn, browser: FlaskClient) -> None:
    chief = signed_in(Role.ADMINISTRATOR)

    chief.post("/test-data/add")
    added = chief.get("/test-data").text
    chief.post("/test-data/remove")
    removed = chief.get("/test-data").text

    assert "2,160 clients were added" in added
    assert "2,160 clients were removed" in removed
    assert [browser.get("/test-data").status_code, browser.post("/test-data/add").status_code] == [403, 403]
