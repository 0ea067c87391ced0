"""Does the way in lead past the second factor for everybody who has one, and for nobody round it?"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import half_sign_ins, second_factor, sessions
from dashboard.domain.users import User
from dashboard.models import Requirement, Role, Service
from tests.factories import PASSWORD, SignedIn, make_user, sign_in
from tests.support.apps import quick_passwords, sqlite_app
from tests.support.authenticator import Authenticator, switch_on

CODE, SET_UP = "/sign-in/code", "/sign-in/set-up"
OWN = "/profile/second-factor"


@pytest.fixture
def ann(app: Flask) -> User:
    with app.app_context():
        return make_user(name="ann")


@pytest.fixture
def phone(app: Flask, ann: User) -> Authenticator:
    with app.app_context():
        return switch_on(ann)


def password(client: FlaskClient, user: User, **more: str) -> TestResponse:
    return client.post("/sign-in", data={"login": user.name, "password": PASSWORD, **more})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/sign-in").status_code == 303


def require(app: Flask, requirement: Requirement) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Service, 1).second_factor_required = requirement


def offered_in(page: TestResponse) -> tuple[str, Authenticator]:
    """What the form sends back, and what the person's telephone makes of the page."""
    sealed = re.search(r'name="offer" value="([^"]+)"', page.text)
    secret = re.search(r'id="secret-text" value="([^"]+)"', page.text)
    assert sealed, page.text
    assert secret, page.text
    return sealed.group(1), Authenticator(secret.group(1).replace(" ", ""))


def test_after_the_password_a_code_is_asked_for_and_the_rest_is_kept_through_it(
    client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    half = password(client, ann, remember="y", next="/clients?page=2")
    before = is_signed_in(client)
    page = client.get(half.location)

    whole = client.post(half.location, data={"code": phone.code()})

    assert (half.status_code, half.location) == (303, f"{CODE}?next=/clients?page%3D2")
    assert not before
    assert 'autocomplete="one-time-code"' in page.text
    assert (whole.status_code, whole.location) == (303, "/clients?page=2")
    assert is_signed_in(client)
    with time_machine.travel(clock.now() + sessions.IDLE + timedelta(hours=1)):
        assert is_signed_in(client)


def test_half_a_sign_in_opens_nothing_but_its_own_page(
    app: Flask, client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    assert password(client, ann).location == CODE
    paths = [
        rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and "<" not in rule.rule
    ]

    opened = {path for path in paths if client.get(path, buffered=True).status_code == 200}

    assert opened == {CODE, "/sign-in", "/healthz", "/readyz", "/docs/", "/redoc/", *api_that_is_open(app)}
    assert client.get(SET_UP).location == "/sign-in"
    assert client.post(f"{OWN}/switch-off", data={"password": PASSWORD}).location.startswith("/sign-in")
    with app.app_context():
        assert second_factor.standing(ann.id) is not None


def api_that_is_open(app: Flask) -> set[str]:
    stranger = app.test_client()
    paths = [
        rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/") and "<" not in rule.rule
    ]
    return {path for path in paths if stranger.get(path, buffered=True).status_code == 200}


def test_a_code_that_was_seen_over_a_shoulder_is_used_up(
    app: Flask, client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    code, thief = phone.code(), app.test_client()
    for browser in (client, thief):
        password(browser, ann)

    owner, thief_answer = (browser.post(CODE, data={"code": code}) for browser in (client, thief))

    assert owner.status_code == 303
    assert thief_answer.status_code == 422
    assert "This code is wrong, or has been used" in thief_answer.text
    assert not is_signed_in(thief)


def test_a_copied_cookie_of_a_half_sign_in_is_worth_nothing_once_it_is_whole(
    app: Flask, client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    password(client, ann)
    copy, thief = client.get_cookie("vestnik_8000"), app.test_client()
    assert copy is not None
    thief.set_cookie(copy.key, copy.value)

    client.post(CODE, data={"code": phone.code()})
    answer = thief.post(CODE, data={"code": phone.next_code})

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert is_signed_in(client)
    assert not is_signed_in(thief)


def test_nothing_planted_in_the_browser_before_survives_the_second_step(
    app: Flask, client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    password(client, ann)
    with client.session_transaction() as session:
        assert "planted" not in session
        session["planted"] = "in between"
        half = session["half"]

    client.post(CODE, data={"code": phone.code()})

    with client.session_transaction() as session:
        assert {"planted", "half"} & session.keys() == set()
    with app.app_context():
        assert half_sign_ins.resume(half) is None


def test_who_takes_longer_than_ten_minutes_begins_again(
    client: FlaskClient, ann: User, phone: Authenticator
) -> None:
    password(client, ann)

    with time_machine.travel(clock.now() + half_sign_ins.LASTS + timedelta(seconds=1)):
        answer = client.post(f"{CODE}?next=/clients", data={"code": phone.code()})

    assert answer.location == "/sign-in?next=/clients"
    assert not is_signed_in(client)


def test_guessing_is_braked_for_the_user_from_every_address_also_without_redis(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, REDIS_URL="redis://127.0.0.1:1/0") as app:
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            ann = make_user()
            phone = switch_on(ann)
        clients = [from_address(app, f"10.0.0.{number}") for number in range(6)]
        for client in clients:
            password(client, ann)

        statuses = [client.post(CODE, data={"code": phone.wrong_code}).status_code for client in clients]
        right = client.post(CODE, data={"code": phone.code()})
        recovered = client.post(f"{CODE}?recovery=y", data={"code": phone.recovery_codes[3]})
        told = client.get("/").text

    assert statuses == [422] * 5 + [429]
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= 60
    assert "The next one is looked at in 1 min" in right.text
    assert recovered.status_code == 303
    assert "5 wrong codes were entered after your password" in told


def from_address(app: Flask, address: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_who_must_have_a_second_factor_sets_it_up_before_anything_else(
    app: Flask, client: FlaskClient, ann: User
) -> None:
    require(app, Requirement.EVERYBODY)

    half = password(client, ann, next="/clients")
    elsewhere = [client.get(path).location for path in ("/", CODE, OWN)]
    sealed, phone = offered_in(client.get(half.location))
    wrong = client.post(half.location, data={"offer": sealed, "code": phone.wrong_code})
    kept = offered_in(wrong)
    done = client.post(half.location, data={"offer": sealed, "code": phone.code()})

    assert half.location == f"{SET_UP}?next=/clients"
    assert elsewhere == ["/sign-in?next=/", "/sign-in", f"/sign-in?next={OWN}"]
    assert (wrong.status_code, kept[0]) == (422, sealed)
    assert done.status_code == 201
    assert done.text.count("-") > 50
    assert 'href="/clients"' in done.text
    assert is_signed_in(client)
    again = app.test_client()
    assert password(again, ann).location == CODE
    assert again.get(SET_UP).location == "/sign-in"


def test_a_person_switches_it_on_renews_the_codes_and_switches_it_off(app: Flask, ann: User) -> None:
    client, elsewhere = app.test_client(), app.test_client()
    for browser in (client, elsewhere):
        sign_in(browser, ann)
    before = client.get(OWN)

    sealed, phone = offered_in(client.get(f"{OWN}/set-up"))
    refused = client.post(f"{OWN}/set-up", data={"offer": sealed, "code": phone.code(), "password": "wrong"})
    made = client.post(f"{OWN}/set-up", data={"offer": sealed, "code": phone.code(-1), "password": PASSWORD})
    codes = re.findall(r"^(?:.*>)?([a-z2-9]{4}(?:-[a-z2-9]{4}){5})", made.text, re.MULTILINE)
    renewed = client.post(f"{OWN}/recovery-codes", data={"password": PASSWORD, "code": phone.code()})
    replayed = client.post(f"{OWN}/switch-off", data={"password": PASSWORD, "code": phone.code()})
    off = client.post(f"{OWN}/switch-off", data={"password": PASSWORD, "code": phone.next_code})

    assert "It is off" in before.text
    assert refused.status_code == 422
    assert "This is not your password" in refused.text
    assert made.status_code == 201
    assert len(codes) == 10
    assert not is_signed_in(elsewhere)
    assert renewed.status_code == 201
    assert codes[0] not in renewed.text
    assert replayed.status_code == 422
    assert (off.status_code, off.location) == (303, OWN)
    assert is_signed_in(client)
    assert [client.get(f"{OWN}/{page}").location for page in ("recovery-codes", "switch-off")] == [OWN, OWN]


def test_a_stolen_session_cannot_guess_the_password_there(client: FlaskClient, ann: User) -> None:
    sign_in(client, ann)
    sealed, phone = offered_in(client.get(f"{OWN}/set-up"))
    guess = {"offer": sealed, "code": phone.code(), "password": "wrong"}

    statuses = [client.post(f"{OWN}/set-up", data=guess).status_code for _ in range(6)]

    assert statuses == [422] * 5 + [429]


def test_an_administrator_requires_it_and_resets_somebodys(app: Flask, ann: User, phone: Authenticator) -> None:
    client = app.test_client()
    with app.app_context():
        chief = make_user(Role.ADMINISTRATOR)
    sign_in(client, chief)
    here = {"Referer": "http://localhost/second-factor-rule"}

    early = client.post("/second-factor-rule", data={"required": "everybody"}, headers=here)
    told = client.get(early.location).text
    with app.app_context():
        codes = switch_on(chief).recovery_codes
    password(client, chief)
    client.post(CODE, data={"code": codes[0]})
    saved = client.post("/second-factor-rule", data={"required": "everybody"})
    page = client.get("/second-factor-rule")
    reset = client.post(f"/users/{ann.id}/second-factor/reset", data={"next": "//evil.example"})
    mine = client.post(f"/users/{chief.id}/second-factor/reset", headers=here)

    assert "Set up a second factor of your own first" in told
    assert (saved.status_code, saved.location) == (303, "/second-factor-rule")
    assert 'value="everybody" checked' in page.text
    assert (reset.status_code, reset.location) == (303, "/second-factor-rule")
    assert mine.location == "/second-factor-rule"
    assert password(app.test_client(), ann).location == SET_UP
    assert password(app.test_client(), chief).location == CODE


def test_only_administrators_reset_and_require(app: Flask, ann: User, signed_in: SignedIn) -> None:
    for role in (Role.OPERATOR, Role.VIEWER):
        client = signed_in(role)

        statuses = [
            client.post("/second-factor-rule", data={"required": "off"}).status_code,
            client.post(f"/users/{ann.id}/second-factor/reset").status_code,
        ]

        assert statuses == [403, 403]


def test_the_picture_needs_no_script_and_no_style(client: FlaskClient, ann: User) -> None:
    sign_in(client, ann)

    page = client.get(f"{OWN}/set-up")

    svg = page.text[page.text.index('class="qr"') - 200 : page.text.index("</svg>", page.text.index('class="qr"'))]
    assert "<path" in svg
    assert "style=" not in svg
    assert page.headers["Cache-Control"] == "no-store"
