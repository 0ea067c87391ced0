"""Does the OpenID Connect provider let in whom it should, and nobody by a lie?"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import select

from dashboard.database import db, transaction
from dashboard.domain import users
from dashboard.models import AuditLine, Requirement, Role, Service
from dashboard.web import oidc
from tests.factories import PASSWORD, make_user, sign_in
from tests.support.apps import quick_passwords, sqlite_app
from tests.support.authenticator import switch_on
from tests.support.oidc_provider import (
    ANN,
    CLIENT_SECRET,
    KEY,
    Claims,
    LyingProvider,
    lying_provider,
    running_mock,
    sent_back,
    sign_in_by_provider,
    signed,
)

ENGLISH = {"Accept-Language": "en"}
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})
Installed = Callable[..., AbstractContextManager[Flask]]


@pytest.fixture(scope="module")
def _server() -> Iterator[LyingProvider]:
    with lying_provider() as server:
        yield server


@pytest.fixture
def provider(_server: LyingProvider) -> LyingProvider:
    """Honest, until a test says otherwise."""
    _server.__init__(_server.issuer)  # type: ignore[misc]
    return _server


@pytest.fixture
def app(provider: LyingProvider, sqlite_template: Path, tmp_path: Path, redis_url: str) -> Iterator[Flask]:
    environ = {"REDIS_URL": redis_url, **provider.environ}
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, **environ) as app:
        yield app


@pytest.fixture
def installed(
    provider: LyingProvider, sqlite_template: Path, tmp_path: Path, redis_url: str
) -> Callable[..., AbstractContextManager[Flask]]:
    """With further settings."""

    def with_settings(**more: str) -> AbstractContextManager[Flask]:
        return sqlite_app(sqlite_template, tmp_path, **{"REDIS_URL": redis_url, **provider.environ, **more})

    return with_settings


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/sign-in").status_code == 303


def make_ann(app: Flask, role: Role = Role.OPERATOR, **more: str) -> int:
    with app.app_context():
        return make_user(role, name="ann", email=ANN["email"], **more).id


def test_the_button_leads_to_the_provider_and_back_to_the_page_that_was_wanted(
    app: Flask, client: FlaskClient, provider: LyingProvider
) -> None:
    make_ann(app)
    page = client.get("/sign-in?next=/clients", headers=ENGLISH)

    answer = sign_in_by_provider(client, "/clients?page%3D2")

    assert 'href="/sign-in/provider?next=/clients"' in page.text
    assert "Sign in with Example Login" in page.text
    assert 'name="password"' in page.text
    assert (answer.status_code, answer.location) == (303, "/clients?page=2")
    assert is_signed_in(client)
    assert client.get("/sign-in/provider?next=/clients").location == "/clients"
    (asked,) = provider.asked
    assert (asked["response_type"], asked["scope"]) == ("code", "openid profile email")
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["redirect_uri"] == "http://localhost/sign-in/provider/callback"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def by_hand(algorithm: str, claims: Claims, secret: bytes | None = None) -> str:
    """Libraries refuse to make such tokens."""
    signed_part = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm}, claims))
    signature = hmac.digest(secret, signed_part.encode(), "sha256") if secret else b""
    return f"{signed_part}.{encoded(signature)}"


def without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def test_no_lie_of_a_provider_lets_anybody_in(app: Flask, provider: LyingProvider) -> None:
    make_ann(app)
    lies: dict[str, Callable[[Claims], Claims]] = {
        "another nonce": lambda claims: claims | {"nonce": "replayed"},
        "no nonce": without("nonce"),
        "another audience": lambda claims: claims | {"aud": "another", "azp": "vestnik"},
        "among others": lambda claims: claims | {"aud": ["vestnik", "another"], "azp": "another"},
        "no audience": without("aud"),
        "another issuer": lambda claims: claims | {"iss": "https://evil.example"},
        "expired": lambda claims: claims | {"exp": claims["iat"] - 120, "iat": claims["iat"] - 600},
        "no end": without("exp"),
        "from the future": lambda claims: claims | {"iat": claims["iat"] + 900, "exp": claims["iat"] + 1800},
        "not yet": lambda claims: claims | {"nbf": claims["iat"] + 900},
        "no subject": without("sub"),
        "an empty subject": lambda claims: claims | {"sub": ""},
        "a long subject": lambda claims: claims | {"sub": "x" * 256},
        "a number as subject": lambda claims: claims | {"sub": 1},
        "another access token": lambda claims: claims | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }
    signatures: dict[str, Callable[[Claims], str]] = {
        "another key": lambda claims: signed(claims, OTHER_KEY),
        "none": lambda claims: by_hand("none", claims),
        "our secret": lambda claims: by_hand("HS256", claims, CLIENT_SECRET.encode()),
        "the public key as a secret": lambda claims: by_hand("HS256", claims, KEY.as_pem(private=False)),
        "changed afterwards": lambda claims: swapped(signed(claims), claims | {"sub": "somebody"}),
        "no token": lambda claims: "",
        "nonsense": lambda claims: "a.b.c",
    }
    let_in = []
    for name in (*lies, *signatures):
        provider.change = lies.get(name, lambda claims: claims)
        provider.sign = signatures.get(name, signed)
        browser = app.test_client()
        answer = browser.get(sent_back(browser), headers=ENGLISH)
        if answer.status_code != 403 or "could not be believed" not in answer.text or is_signed_in(browser):
            let_in.append((name, answer.status_code))

    assert let_in == []
    provider.change, provider.sign = (lambda claims: claims), signed
    assert sign_in_by_provider(app.test_client()).status_code == 303


def swapped(token: str, claims: Claims) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{encoded(json.dumps(claims).encode())}.{signature}"


def test_a_callback_is_good_once_in_the_browser_that_asked(app: Flask, provider: LyingProvider) -> None:
    make_ann(app)
    victim, thief = app.test_client(), app.test_client()
    back = sent_back(thief)

    planted = victim.get(back, headers=ENGLISH)
    first = thief.get(back)
    again = app.test_client().get(back)
    twice = thief.get(back)
    overtaken = app.test_client()
    old = sent_back(overtaken)
    sent_back(overtaken)
    provider.answer = {"iss": "https://evil.example"}
    mixed_up = app.test_client()

    assert planted.status_code == 403
    assert "begun in another browser" in planted.text
    assert not is_signed_in(victim)
    assert first.status_code == 303
    assert [again.status_code, twice.status_code, overtaken.get(old).status_code] == [403] * 3
    assert sign_in_by_provider(mixed_up).status_code == 403
    assert not is_signed_in(mixed_up)


def test_nothing_planted_in_the_browser_before_survives(app: Flask, client: FlaskClient) -> None:
    make_ann(app)
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"

    sign_in_by_provider(client)

    with client.session_transaction() as session:
        assert "planted" not in session
        assert not [key for key in session if key.startswith("_state_")]


def test_the_way_back_leads_to_pages_of_ours_only(app: Flask) -> None:
    make_ann(app)
    elsewhere = ("//evil.example", "https://evil.example/", "/%5Cevil.example")

    led_to = [sign_in_by_provider(app.test_client(), wanted).location for wanted in elsewhere]

    assert led_to == ["/"] * 3


def test_what_the_provider_refuses_and_who_is_not_known_becomes_a_page(
    app: Flask, client: FlaskClient, provider: LyingProvider
) -> None:
    provider.answer = {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
    denied = client.get(sent_back(client, "/clients"), headers=ENGLISH)
    provider.answer = {}
    unknown = client.get(sent_back(client), headers=ENGLISH)
    provider.claims["email_verified"] = "true"
    unverified = client.get(sent_back(client), headers=ENGLISH)
    make_ann(app)
    still_unverified = client.get(sent_back(client), headers=ENGLISH)

    assert [each.status_code for each in (denied, unknown, unverified, still_unverified)] == [403] * 4
    assert "you broke it off" in denied.text
    assert "alert" not in denied.text
    assert 'href="/sign-in/provider?next=/clients"' in denied.text
    assert "There is no account for you here yet" in unknown.text
    assert "has not verified your e-mail address" in unverified.text
    assert "has not verified your e-mail address" in still_unverified.text
    assert not is_signed_in(client)
    with app.app_context():
        noted = select(AuditLine.after, AuditLine.ip).where(AuditLine.verb == "user.sign_in_refused")
        reasons = ["provider_user_unknown", *["provider_email_unverified"] * 2]
        assert db.session.execute(noted.order_by(AuditLine.id)).all() == [
            ({"reason": reason}, "127.0.0.1") for reason in reasons
        ]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://login.example.com/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": ""},
    ],
)
def test_a_provider_that_names_another_issuer_or_no_tls_is_not_asked(
    client: FlaskClient, provider: LyingProvider, metadata: Claims
) -> None:
    provider.metadata = metadata

    answer = client.get("/sign-in/provider", headers=ENGLISH)

    assert answer.status_code == 403
    assert "could not be believed" in answer.text


def test_a_provider_that_is_away_is_said_and_passwords_still_work(installed: Installed) -> None:
    with quick_passwords(), installed(OIDC_ISSUER="http://127.0.0.1:1") as app:
        app.config["WTF_CSRF_ENABLED"] = False
        make_ann(app)
        client = app.test_client()

        away = client.get("/sign-in/provider", headers=ENGLISH)
        by_password = client.post("/sign-in", data={"login": "ann", "password": PASSWORD})

    assert away.status_code == 502
    assert "does not answer" in away.text
    assert by_password.status_code == 303


def test_where_the_provider_decides_alone_no_password_opens_anything(installed: Installed) -> None:
    with quick_passwords(), installed(OIDC_ONLY="1") as app:
        app.config["WTF_CSRF_ENABLED"] = False
        ann_id = make_ann(app, Role.ADMINISTRATOR)
        client = app.test_client()
        page = client.get("/sign-in", headers=ENGLISH)

        by_password = client.post("/sign-in", data={"login": "ann", "password": PASSWORD}, headers=ENGLISH)
        program = client.post("/api/v1/token", json={"username": "ann", "password": PASSWORD})
        by_provider = sign_in_by_provider(client)
        link = client.post(f"/users/{ann_id}/password-link", headers=ENGLISH)
        anns, own = client.get(f"/users/{ann_id}"), client.get("/profile")
        draft = {
            "name": "Ben",
            "email": "ben@example.com",
            "role": "operator",
            "may_launch": "y",
            "language": "en",
        }
        made = client.post("/users/new", data=draft | {"timezone": "UTC"}, follow_redirects=True, headers=ENGLISH)

    assert 'name="password"' not in page.text
    assert by_password.status_code == 422
    assert "Nobody signs in by a password here" in by_password.text
    assert (program.status_code, program.json["code"]) == (403, "passwords_off")
    assert link.status_code == 409
    assert "A password lets nobody in here" in link.text
    assert by_provider.status_code == 303
    assert "password" not in "".join(re.findall(r'action="([^"]*)"', anns.text + own.text))
    assert "comes in by the external sign-in" in made.text
    assert "/password/" not in made.text


def test_a_client_without_a_secret_is_protected_by_pkce_alone(
    installed: Installed, provider: LyingProvider
) -> None:
    provider.is_public = True
    with quick_passwords(), installed(OIDC_CLIENT_SECRET="") as app:
        make_ann(app)

        answer = sign_in_by_provider(app.test_client())

    assert answer.status_code == 303


def test_the_provider_knows_us_by_our_public_address_whatever_the_request_says(
    installed: Installed, provider: LyingProvider
) -> None:
    with installed(PUBLIC_URL="https://vestnik.example.com") as app:
        away = app.test_client().get("/sign-in/provider", headers={"Host": "evil.example"}).location

    asked = parse_qs(urlsplit(away).query)
    assert asked["redirect_uri"] == ["https://vestnik.example.com/sign-in/provider/callback"]


def test_new_people_get_the_role_of_their_claim_and_lose_the_way_in_with_it(
    installed: Installed, provider: LyingProvider
) -> None:
    claim = "https://vestnik.example/roles"
    roles = {"OIDC_ROLE_CLAIM": claim, "OIDC_ROLE_MAP": "chiefs=administrator,ops=operator"}
    provider.claims = {**ANN, claim: ["staff", "ops", "chiefs"]}
    with quick_passwords(), installed(OIDC_CREATE_USERS="1", **roles) as app:
        client = app.test_client()

        made = sign_in_by_provider(client)
        with app.app_context():
            (ann,) = users.listed()
        provider.claims[claim] = ["staff"]
        gone = app.test_client()
        refused = gone.get(sent_back(gone), headers=ENGLISH)

    assert made.status_code == 303
    assert (ann.name, ann.role) == ("Ann", Role.ADMINISTRATOR)
    assert refused.status_code == 403
    assert "does not say that you may work with Vestnik" in refused.text


def test_our_second_factor_is_asked_for_unless_the_provider_has_asked_for_one(
    app: Flask, provider: LyingProvider
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    ann = make_ann(app)
    with app.app_context(), transaction() as session:
        session.get_one(Service, 1).second_factor_required = Requirement.EVERYBODY
    lacking = sign_in_by_provider(app.test_client(), "/clients")
    with app.app_context():
        phone = switch_on(next(user for user in users.listed() if user.id == ann))
    client = app.test_client()

    half = sign_in_by_provider(client, "/clients")
    before = is_signed_in(client)
    whole = client.post(half.location, data={"code": phone.code()})
    left = client.post("/sign-out")
    provider.claims["amr"] = ["pwd", "mfa"]
    proven = sign_in_by_provider(app.test_client(), "/clients")

    assert lacking.location == "/sign-in/set-up?next=/clients"
    assert half.location == "/sign-in/code?next=/clients"
    assert not before
    assert whole.location == "/clients"
    assert left.location == "/sign-in/provider/signed-out"
    assert proven.location == "/clients"


def test_who_came_by_the_provider_is_told_how_to_leave_it_too(
    app: Flask, client: FlaskClient, provider: LyingProvider
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    make_ann(app)
    sign_in_by_provider(client)

    left = client.post("/sign-out")
    page = client.get(left.location, headers=ENGLISH)

    assert not is_signed_in(client)
    address = page.text.partition(f'href="{provider.issuer}/logout?')[2].partition('"')[0].replace("&amp;", "&")
    query = parse_qs(urlsplit("?" + address).query)
    assert query["client_id"] == ["vestnik"]
    assert query["post_logout_redirect_uri"] == ["http://localhost/sign-in"]
    assert "id_token_hint" not in query
    with app.app_context():
        other = make_user()
    sign_in(client, other)
    assert client.post("/sign-out").location == "/sign-in"


def test_the_address_may_come_in_the_second_answer_about_the_same_person_only(
    app: Flask, provider: LyingProvider
) -> None:
    make_ann(app)
    provider.claims = {"sub": ANN["sub"]}
    provider.userinfo = {**ANN, "sub": "somebody else"}
    first = app.test_client()
    about_another = first.get(sent_back(first))
    provider.userinfo = ANN

    answer = sign_in_by_provider(app.test_client())

    assert (about_another.status_code, answer.status_code) == (403, 303)


def test_without_a_provider_there_is_no_such_address(
    settings: object, sqlite_template: Path, tmp_path: Path
) -> None:
    with sqlite_app(sqlite_template, tmp_path) as app:
        client = app.test_client()
        paths = ("", "/callback", "/signed-out")

        statuses = [client.get(f"/sign-in/provider{path}").status_code for path in paths]

    assert statuses == [404, 404, 404]


CLAIMS: list[tuple[Claims, str, list[str]]] = [
    ({"roles": ["a", 1, "b"]}, "roles", ["a", "b"]),
    ({"role": "a"}, "role", ["a"]),
    ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
    ({"https://vestnik.example/roles": ["a"]}, "https://vestnik.example/roles", ["a"]),
    ({"urn:roles": {"a": {"org": "x"}}}, "urn:roles", ["a"]),
    ({"realm_access": "a"}, "realm_access.roles", []),
    ({}, "roles", []),
    ({"roles": None}, "roles", []),
    ({"roles": 7}, "roles.deeper", []),
]


def test_a_claim_is_found_by_its_name_or_by_a_path() -> None:
    found = [oidc.values_of(claims, name) for claims, name, _values in CLAIMS]

    assert found == [values for _claims, _name, values in CLAIMS]


def test_a_provider_by_somebody_else_lets_in(installed: Installed) -> None:
    """oidc-provider-mock, as a process; what it shows people is a form."""
    with running_mock(ANN) as issuer, quick_passwords(), installed(OIDC_ISSUER=issuer) as app:
        make_ann(app)
        client = app.test_client()
        away = client.get("/sign-in/provider?next=/clients").location
        back = requests.post(away, data={"sub": ANN["sub"]}, allow_redirects=False, timeout=5).headers["Location"]

        answer = client.get(back.removeprefix("http://localhost"))
        signed_in = is_signed_in(client)

    assert (answer.status_code, answer.location) == (303, "/clients")
    assert signed_in


def test_nobody_lies_in_wait_at_an_address_that_another_will_come_with(app: Flask) -> None:
    with app.app_context():
        eve = make_user(name="eve", email="eve@example.com")
    browser = app.test_client()
    browser.post("/sign-in", data={"login": "eve", "password": PASSWORD})

    asked = {"name": "eve", "current": PASSWORD}
    refused = browser.post("/profile/details", data={**asked, "email": ANN["email"]})
    renamed = browser.post("/profile/details", data={**asked, "name": "Eva", "email": "EVE@example.com"})

    assert refused.status_code == 422
    assert "Only an administrator changes the address" in refused.text
    assert renamed.status_code == 303
    with app.app_context():
        assert [(each.name, each.email) for each in users.listed()] == [("Eva", eve.email)]
