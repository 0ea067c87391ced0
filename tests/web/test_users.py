"""Can administrators look after users by the pages, and nobody else?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import registration, user_lists, users
from dashboard.domain.registration import Policy, Registration
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import PASSWORD, SignedIn, make_user, sign_in
from tests.factories_clients import count_clients
from tests.support.engine import add_clients

BEN = {"name": "Ben", "email": "ben@example.com", "role": "operator", "language": "en", "timezone": "UTC"}


@pytest.fixture
def chief(signed_in: SignedIn) -> FlaskClient:
    return signed_in(Role.ADMINISTRATOR, name="Chief")


def found(app: Flask, name: str) -> User:
    with app.app_context():
        return next(user for user in users.listed() if user.name == name)


def test_a_user_is_made_with_a_link_that_is_shown_once(
    app: Flask, chief: FlaskClient, client: FlaskClient
) -> None:
    made = chief.post("/users/new", data=BEN)

    link = re.search(r'value="http://127\.0\.0\.1:8000(/password/[\w-]{43})"', made.text)
    ben = found(app, "Ben")
    assert link
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert (ben.role, ben.may_launch) == (Role.OPERATOR, False)
    assert link[1] not in chief.get(f"/users/{ben.id}").text
    client.post(client.get(link[1]).location, data={"password": PASSWORD, "password_again": PASSWORD})
    sign_in(app.test_client(), ben)
    assert "No letters leave this installation" in chief.get("/users/new").text


def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(
    app: Flask, chief: FlaskClient, owner: User
) -> None:
    for path in ("/users/new", f"/users/{owner.id}"):
        answer = chief.post(path, data={**BEN, "name": "CHIEF", "email": "nobody", "timezone": "Mars"})

        assert answer.status_code == 422
        assert "This is no e-mail address" in answer.text
        assert "No such time zone" in answer.text
        assert 'value="CHIEF"' in answer.text


def test_a_user_is_changed_switched_off_and_on_again(
    app: Flask, chief: FlaskClient, browser: FlaskClient, owner: User
) -> None:
    one = f"/users/{owner.id}"
    assert "Chrome on Windows" in (browse_with_chrome(app, owner, chief, one))

    changed = chief.post(one, data={**BEN, "role": "viewer"})
    assert changed.location == one
    assert browser.get("/clients").status_code == 302
    sign_in(browser, found(app, "Ben"))
    assert browser.get("/clients/new").status_code == 403
    chief.post(f"{one}/deactivate")
    assert browser.get("/clients").status_code == 302
    chief.post(f"{one}/activate")
    assert browser.get("/clients").status_code == 302
    assert found(app, "Ben").is_active


def browse_with_chrome(app: Flask, owner: User, chief: FlaskClient, one: str) -> str:
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"
    app.test_client().post(
        "/sign-in", data={"login": owner.name, "password": PASSWORD}, headers={"User-Agent": agent}
    )
    return chief.get(one).text


def test_registrations_are_found_approved_and_refused(app: Flask, chief: FlaskClient) -> None:
    with app.app_context():
        anna, eve = (
            registration.register(
                Registration(name, f"{name}@example.com", PASSWORD, "en", "UTC"), Policy.APPROVAL
            )
            for name in ("anna", "eve")
        )

    menu = chief.get("/").text
    waiting = chief.get("/users?state=waiting").text
    chief.post(f"/users/{anna.id}/approve")
    chief.post(f"/users/{eve.id}/refuse")
    late = chief.post(f"/users/{anna.id}/approve", headers={"Referer": f"http://localhost/users/{anna.id}"})
    told = chief.get(late.location).text

    assert "2 wait" in menu
    assert [name in waiting for name in ("anna", "eve", "Chief")] == [True, True, True]  # the menu names its user
    assert found(app, "anna").is_active
    assert chief.get(f"/users/{eve.id}").status_code == 404
    assert "not waiting for approval" in told


def test_a_deleted_user_hands_everything_over(app: Flask, chief: FlaskClient, owner: User) -> None:
    with app.app_context():
        add_clients(owner.actor, 3)
    one = f"/users/{owner.id}"

    asked = chief.get(f"{one}/delete").text
    nobody = chief.post(f"{one}/delete", data={"receiver": "999"})
    done = chief.post(f"{one}/delete", data={"receiver": str(found(app, "Chief").id)})

    assert "Clients: 3." in asked
    assert nobody.status_code == 422
    assert done.location == "/users"
    assert chief.get(one).status_code == 404
    assert chief.get("/clients").text.count("row-link") == 3
    with app.app_context():
        assert count_clients() == 3


def test_the_last_administrator_is_told_why_they_stay(app: Flask, chief: FlaskClient) -> None:
    one = f"/users/{found(app, 'Chief').id}"

    demoted = chief.post(one, data={**BEN, "name": "Chief"})
    off = chief.post(f"{one}/deactivate", headers={"Referer": f"http://localhost{one}"})
    told = chief.get(off.location).text
    gone = chief.post(f"{one}/delete", data={"receiver": "1"})

    assert "last active administrator" in demoted.text
    assert "last active administrator" in told
    assert gone.status_code == 422
    assert found(app, "Chief").role is Role.ADMINISTRATOR


def test_sessions_end_where_an_administrator_ends_them(
    app: Flask, chief: FlaskClient, browser: FlaskClient, owner: User
) -> None:
    chief.post(f"/users/{owner.id}/end-sessions")

    assert browser.get("/clients").status_code == 302
    with app.app_context():
        known = user_lists.get(found(app, "Chief").actor, owner.id)
    assert known.signed_in_at is not None


def test_the_list_is_searched_and_paged(app: Flask, chief: FlaskClient) -> None:
    with app.app_context():
        for number in range(55):
            make_user(name=f"user {number:02}")

    first = chief.get("/users?q=user").text
    next_page = re.search(r'href="(/users\?[^"]*before=\d+[^"]*)"', first)
    assert next_page
    second = chief.get(next_page[1].replace("&amp;", "&")).text

    names = [re.findall(r'row-link"[^>]*>(user \d\d)<', page) for page in (first, second)]
    assert [len(each) for each in names] == [50, 5]
    assert not set(names[0]) & set(names[1])
    assert "Nobody matches" in chief.get("/users?q=%25").text


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_nobody_else_sees_or_does_any_of_it(app: Flask, signed_in: SignedIn, owner: User, role: Role) -> None:
    browser = signed_in(role)
    paths = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("users.")]

    for rule in paths:
        path = rule.rule.replace("<int(max=2147483647):user_id>", str(owner.id))
        for method in (rule.methods or set()) & {"GET", "POST"}:
            assert browser.open(path, method=method).status_code == 403, path
    assert 'href="/users' not in browser.get("/").text
    assert len(paths) > 9
