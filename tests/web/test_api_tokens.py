"""Can people make tokens for their programs, see them again by their beginnings, and shut a program out?"""

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.domain import api_tokens
from dashboard.domain.users import User
from dashboard.models import Role, Scope
from tests.factories import SignedIn, make_user


def make(browser: FlaskClient, name: str = "CRM", *scopes: str) -> TestResponse:
    return browser.post("/api-tokens/new", data={"name": name, "scopes": list(scopes) or ["read"]})


def text_in(page: str) -> str:
    found = re.search(r'value="(vst_[^"]+)"', page)
    assert found
    return found[1]


def is_good(client: FlaskClient, text: str) -> bool:
    answer = client.get("/api/v1/clients", headers={"Authorization": f"Token {text}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_token_is_shown_once_and_lets_a_program_in(browser: FlaskClient) -> None:
    made = make(browser, "CRM <b>", "read", "send")

    text, listed = text_in(made.text), browser.get("/api-tokens").text
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert is_good(browser, text)
    assert text not in listed
    assert text[:8] in listed
    assert "CRM &lt;b&gt;" in listed
    assert re.findall(r'class="tag">(\w+)<', listed) == ["Read", "Send"]


def test_the_text_can_be_copied_without_a_script_in_the_page(browser: FlaskClient) -> None:
    page = make(browser).text

    assert 'data-copies="token-text"' in page
    assert 'id="token-text"' in page
    assert "js/copying.js" in page
    assert not re.search(r"<script(?![^>]* src=)", page)


def test_what_is_missing_is_told_beside_its_field(app: Flask, browser: FlaskClient, owner: User) -> None:
    answer = browser.post("/api-tokens/new", data={"name": " "})

    with app.app_context():
        kept = api_tokens.listed(owner.actor)
    assert answer.status_code == 422
    assert "Give the token a name" in answer.text
    assert "Choose at least one thing" in answer.text
    assert kept == []


def test_what_is_no_scope_is_refused(browser: FlaskClient) -> None:
    answer = make(browser, "CRM", "read", "fly")

    assert answer.status_code == 422
    assert "There is no scope “fly”" in answer.text


def test_a_revoked_token_lets_nobody_in(browser: FlaskClient) -> None:
    text = text_in(make(browser).text)
    address = re.findall(r'action="(/api-tokens/\d+/revoke)"', browser.get("/api-tokens").text)

    answer = browser.post(address[0])

    assert len(address) == 1
    assert answer.location == "/api-tokens"
    assert "The token is revoked" in browser.get(answer.location).text
    assert not is_good(browser, text)


def test_a_viewer_lets_programs_in_too_and_shuts_them_out(signed_in: SignedIn) -> None:
    viewer = signed_in(Role.VIEWER)

    made = make(viewer)
    address = re.findall(r'action="(/api-tokens/\d+/revoke)"', viewer.get("/api-tokens").text)

    assert made.status_code == 201
    assert viewer.post(address[0]).status_code == 303


def test_an_operator_neither_sees_nor_revokes_what_is_anothers(
    app: Flask, browser: FlaskClient, signed_in: SignedIn
) -> None:
    with app.app_context():
        token, _text = api_tokens.make(make_user().actor, "Theirs", [Scope.READ])

    assert "Theirs" not in browser.get("/api-tokens").text
    assert browser.get("/api-tokens/everybody").status_code == 403
    assert "/api-tokens/everybody" not in browser.get("/api-tokens").text
    assert browser.post(f"/api-tokens/{token.id}/revoke").status_code == 404


def test_an_administrator_makes_a_token_that_is_anothers(
    app: Flask, browser: FlaskClient, owner: User, signed_in: SignedIn
) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    with app.app_context():
        stranger = make_user()
    form = {"name": "CRM", "scopes": ["read"]}

    offered = administrator.get("/api-tokens/new").text
    made = administrator.post("/api-tokens/new", data=form | {"user_id": owner.id})
    nobodys = administrator.post("/api-tokens/new", data=form | {"user_id": 999_999})
    denied = browser.post("/api-tokens/new", data=form | {"user_id": stranger.id})

    with app.app_context():
        (theirs,) = api_tokens.listed(owner.actor)
        assert api_tokens.listed(stranger.actor) == []
    assert f'<option value="{owner.id}">{owner.name}</option>' in offered
    assert 'name="user_id"' not in browser.get("/api-tokens/new").text
    assert f"give it to nobody but {owner.name}" in made.text
    assert text_in(made.text).startswith(theirs.beginning)
    assert (made.status_code, nobodys.status_code, denied.status_code) == (201, 422, 422)


def test_an_administrator_sees_and_revokes_everybodys(
    browser: FlaskClient, owner: User, signed_in: SignedIn
) -> None:
    text = text_in(make(browser, "Theirs").text)
    administrator = signed_in(Role.ADMINISTRATOR)

    page = administrator.get("/api-tokens/everybody").text
    address = re.findall(r'action="(/api-tokens/\d+/revoke)"', page)
    answer = administrator.post(address[0], data={"everybody": "y"})

    assert "Theirs" in page
    assert owner.name in page
    assert "Theirs" not in administrator.get("/api-tokens").text
    assert answer.location == "/api-tokens/everybody"
    assert not is_good(browser, text)


def test_everybodys_tokens_are_paged(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        for _user in range(6):
            actor = make_user().actor
            for number in range(10):
                api_tokens.make(actor, f"Program {number}", [Scope.READ])
    administrator = signed_in(Role.ADMINISTRATOR)

    first = administrator.get("/api-tokens/everybody").text
    next_page = re.search(r'href="(/api-tokens/everybody\?before=\d+)"', first)
    assert next_page
    second = administrator.get(next_page[1]).text

    ids = [re.findall(r'id="revoke-(\d+)"', page) for page in (first, second)]
    assert [len(each) for each in ids] == [50, 10]
    assert not set(ids[0]) & set(ids[1])


def test_the_menu_leads_there_and_nothing_yet_says_what_to_do(browser: FlaskClient) -> None:
    assert 'href="/api-tokens"' in browser.get("/").text
    assert "/api-tokens/new" in browser.get("/api-tokens").text
