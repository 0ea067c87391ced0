"""Can everything be stopped from any page, does every open page come to know, and who lets it go on?"""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import brakes, breaker, waking
from dashboard.domain.users import User
from dashboard.models import Role, Service
from tests.factories import SignedIn, make_user, sign_in
from tests.factories_mailings import followed, knocks
from tests.support.engine import add_clients, fan_out_all

STOP, GO_ON = 'data-opens="stop-dialog"', 'data-opens="go-on-dialog"'


def standing(app: Flask) -> brakes.Brakes:
    with app.app_context():
        return brakes.standing()


def the_stop_on(browser: FlaskClient) -> dict[str, str]:
    """What the form of the bar sends along."""
    found = re.search(r'name="stop" value="([^"]*)"', browser.get("/clients").text)
    assert found
    return {"stop": found[1]}


@pytest.mark.parametrize("path", ["/", "/mailings", "/clients", "/clients/new", "/imports"])
def test_every_page_has_the_button_that_stops_everything(browser: FlaskClient, path: str) -> None:
    page = browser.get(path).text

    assert STOP in page
    assert 'action="/brakes/stop"' in page
    assert GO_ON not in page


def test_a_press_stops_everything_and_leads_back_to_the_page(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    answer = browser.post("/brakes/stop", headers={"Referer": "http://localhost/clients?q=9"})

    assert answer.status_code == 303
    assert answer.location == "/clients?q=9"
    page = browser.get(answer.location).text
    assert f"{owner.name} stopped everything" in page
    assert "Everything is stopped." in page
    assert STOP not in page


def test_the_second_of_two_presses_changes_nothing(app: Flask, browser: FlaskClient, signed_in: SignedIn) -> None:
    browser.post("/brakes/stop")
    first = standing(app)

    signed_in(Role.OPERATOR).post("/brakes/stop")

    assert standing(app) == first


def test_only_an_administrator_lets_sending_go_on(app: Flask, browser: FlaskClient, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    browser.post("/brakes/stop")

    refused = browser.post("/brakes/go-on")

    assert refused.status_code == 403
    assert GO_ON not in browser.get("/clients").text
    assert "An administrator can let sending go on." in browser.get("/clients").text
    assert GO_ON in administrator.get("/clients").text
    before = knocks(app)
    page = followed(administrator, administrator.post("/brakes/go-on", data=the_stop_on(administrator)))
    assert "Sending goes on." in page
    assert STOP in page
    assert standing(app).stopped_at is None
    assert knocks(app) > before


def test_a_newer_stop_than_the_one_on_the_page_is_shown_before_sending_goes_on(
    app: Flask, browser: FlaskClient, signed_in: SignedIn
) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    browser.post("/brakes/stop")
    seen = the_stop_on(administrator)
    followed(administrator, administrator.post("/brakes/go-on", data=seen))
    browser.post("/brakes/stop")

    came_from = {"Referer": "http://localhost/clients"}
    for form in (seen, {}, {"stop": "nonsense"}):
        page = followed(administrator, administrator.post("/brakes/go-on", data=form, headers=came_from))
        assert "Meanwhile sending went on and was stopped again." in page
        assert "Sending goes on." not in page

    assert standing(app).stopped_at is not None


def test_who_only_looks_on_sees_the_bar_and_no_button(app: Flask, signed_in: SignedIn, owner: User) -> None:
    viewer = signed_in(Role.VIEWER)
    before = viewer.get("/").text
    with app.app_context():
        brakes.stop_everything(owner.actor)

    after = viewer.get("/").text

    assert STOP not in before
    assert f"{owner.name} stopped everything" in after
    assert GO_ON not in after
    assert viewer.post("/brakes/stop").status_code == 403


def test_the_question_says_how_many_mailings_run(app: Flask, browser: FlaskClient, owner: User) -> None:
    nothing = browser.get("/brakes/running").text
    with app.app_context():
        add_clients(owner.actor, 2)
        for _mailing in range(2):
            fan_out_all(owner.actor)

    assert "No mailing is running now" in nothing
    assert "2 mailings are running now." in browser.get("/brakes/running").text


def test_an_open_page_that_asks_for_anything_hears_that_its_bars_are_old(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    shown = standing(app).version
    headers = {"HX-Request": "true", "X-Bars": shown}
    before = browser.get("/now?version=x", headers=headers)
    with app.app_context():
        brakes.stop_everything(owner.actor)

    after = browser.get("/now?version=x", headers=headers)
    without = browser.get("/now?version=x", headers={"HX-Request": "true"})

    assert "HX-Trigger" not in before.headers
    assert after.headers["HX-Trigger"] == "bars-changed"
    assert "HX-Trigger" not in without.headers


def test_the_bars_are_asked_for_alone_and_bring_the_button_with_them(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    shown = standing(app).version
    same = browser.get(f"/brakes/bars?version={shown}")
    with app.app_context():
        brakes.stop_everything(owner.actor)

    new = browser.get(f"/brakes/bars?version={shown}")

    assert same.status_code == 204
    assert f"{owner.name} stopped everything" in new.text
    assert 'id="global-stop" hx-swap-oob="true"' in new.text
    assert STOP not in new.text
    assert f'data-version="{standing(app).version}"' in new.text


def test_the_time_of_the_stop_is_told_by_the_readers_clock(app: Flask, owner: User) -> None:
    with app.app_context():
        reader = make_user(timezone="Asia/Tokyo")
        brakes.stop_everything(owner.actor)
        with transaction() as session:
            service = session.get_one(Service, 1)
            service.stopped_at = clock.now().replace(hour=3, minute=5) - timedelta(days=40)
    browser = app.test_client()
    sign_in(browser, reader)

    assert ", 12:05</time>: no message leaves." in browser.get("/clients").text


def test_the_bar_of_a_gateway_in_trouble_says_since_when_why_and_when_it_is_tried(
    app: Flask, browser: FlaskClient
) -> None:
    with app.app_context():
        breaker.open_("bad_token")

    ahead = browser.get("/clients").text
    with app.app_context(), transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() - timedelta(seconds=1)
    due = browser.get("/clients").text

    assert "The gateway takes no messages since" in ahead
    assert "The gateway does not take our token." in ahead
    assert "The next message tries it at" in ahead
    assert "The next message that is due tries it." in due


def test_a_stop_by_the_service_itself_says_why_on_every_page_and_asks_on_the_overview(
    app: Flask, owner: User, browser: FlaskClient, signed_in: SignedIn
) -> None:
    with app.app_context():
        add_clients(owner.actor, 1)
        fan_out_all(owner.actor)
        waking.beat()
        waking.restored()
    administrator = signed_in(Role.ADMINISTRATOR)
    sign_in(browser, owner)

    page, overview = browser.get("/clients").text, browser.get("/").text

    assert "Vestnik stopped everything by itself" in page
    assert "does not know what has left since" in page
    assert 'id="asks-service"' in overview
    administrator.post("/brakes/go-on", data=the_stop_on(administrator))
    assert 'id="asks-service"' not in browser.get("/").text
