"""Does a person set up a webhook, see its secret once, and learn what became of what it was told?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain.users import User
from dashboard.domain.webhooks import endpoints
from dashboard.domain.webhooks.endpoints import EndpointView
from dashboard.jobs import queues
from dashboard.models import OffReason, Role, WebhookDelivery
from tests.factories import SignedIn
from tests.factories_mailings import followed
from tests.support.receiver import receiving
from tests.support.webhooks import add_endpoint, deliver_webhooks, set_endpoint

PUBLIC = "https://93.184.216.34/hooks"
FILLED = {"url": PUBLIC, "description": "CRM", "events": ["mailing.finished", "messages.settled"], "is_on": "y"}


def webhooks_of(app: Flask, owner: User) -> list[EndpointView]:
    with app.app_context():
        return endpoints.listed(owner.actor)


@pytest.fixture
def webhook_id(app: Flask, owner: User) -> int:
    with app.app_context():
        return add_endpoint(owner.actor, PUBLIC)[0]


def test_it_is_made_and_its_secret_shown_on_that_page_alone(app: Flask, owner: User, browser: FlaskClient) -> None:
    empty = browser.get("/webhooks").text
    made = browser.post("/webhooks/new", data=FILLED)
    [webhook] = webhooks_of(app, owner)
    listed, shown = browser.get("/webhooks").text, browser.get(f"/webhooks/{webhook.id}").text

    [secret] = re.findall(r"whsec_[\w+/=]+", made.text)
    assert "No program is told anything yet" in empty
    assert (webhook.url, webhook.description, webhook.events) == (PUBLIC, "CRM", tuple(FILLED["events"]))
    assert PUBLIC in listed
    assert PUBLIC in shown
    assert secret not in listed + shown


@pytest.mark.parametrize(
    "change, said",
    [
        ({"url": "https://192.168.0.1/"}, "This address leads into a private network"),
        ({"url": "http://93.184.216.34/"}, "The address must begin with https://"),
        ({"url": ""}, "This is no address of a web server"),
        ({"events": []}, "Choose at least one event"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    app: Flask, owner: User, browser: FlaskClient, change: dict[str, object], said: str
) -> None:
    answer = browser.post("/webhooks/new", data=FILLED | change)

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="CRM"' in answer.text
    assert webhooks_of(app, owner) == []


def test_it_is_changed_and_switched_off(app: Flask, owner: User, browser: FlaskClient, webhook_id: int) -> None:
    form = browser.get(f"/webhooks/{webhook_id}/edit").text
    typed = {"url": PUBLIC + "2", "events": ["mailing.paused"], "version": "1"}

    said = followed(browser, browser.post(f"/webhooks/{webhook_id}/edit", data=typed))

    [webhook] = webhooks_of(app, owner)
    assert f'value="{PUBLIC}"' in form
    assert "The webhook has been saved." in said
    assert (webhook.url, webhook.events, webhook.is_on) == (PUBLIC + "2", ("mailing.paused",), False)


def test_what_somebody_has_changed_meanwhile_is_not_overwritten(
    app: Flask, owner: User, browser: FlaskClient, webhook_id: int
) -> None:
    with app.app_context():
        set_endpoint(webhook_id, version=2)

    answer = browser.post(f"/webhooks/{webhook_id}/edit", data=FILLED | {"version": "1"})

    assert answer.status_code == 422
    assert "This webhook has been changed meanwhile" in answer.text
    assert webhooks_of(app, owner)[0].description == ""


def test_a_test_event_and_its_answer_stand_in_the_log(app: Flask, owner: User, browser: FlaskClient) -> None:
    with receiving(lambda _number: (503, b"<b>busy</b>", {})) as receiver:
        with app.app_context():
            webhook_id, _secret = add_endpoint(owner.actor, receiver.url)
        said = followed(browser, browser.post(f"/webhooks/{webhook_id}/ping"))
        with app.app_context():
            knocks = queues.queue(queues.WEBHOOKS).count
            deliver_webhooks()
            with transaction() as session:
                session.execute(update(WebhookDelivery).values(id=WebhookDelivery.id + 2**40))
        log = browser.get(f"/webhooks/{webhook_id}").text
        receiver.reply = lambda _number: (204, b"", {})
        [again] = re.findall(rf"/webhooks/{webhook_id}/deliveries/\d+/resend", log)
        browser.post(again)
        with app.app_context():
            deliver_webhooks()

    assert "A test event is on its way" in said
    assert knocks == 1
    assert "Answered HTTP 503" in log
    assert "&lt;b&gt;busy&lt;/b&gt;" in log
    assert "next try" in log
    assert "Delivered" in browser.get(f"/webhooks/{webhook_id}").text
    assert "after=" in browser.get(f"/webhooks/{webhook_id}?before={2**41}").text


@pytest.mark.parametrize(
    "reason, said", [(OffReason.GONE, "gone for good (HTTP 410)"), (OffReason.FAILING, "for three days nothing")]
)
def test_one_that_was_switched_off_says_why(
    app: Flask, browser: FlaskClient, webhook_id: int, reason: OffReason, said: str
) -> None:
    with app.app_context():
        set_endpoint(webhook_id, off_reason=reason, off_at=clock.now())

    page = browser.get(f"/webhooks/{webhook_id}").text

    assert said in page
    assert "Send a test event" not in page


def test_a_new_secret_is_shown_once(browser: FlaskClient, webhook_id: int) -> None:
    first, second = (browser.post(f"/webhooks/{webhook_id}/rotate-secret").text for _ in range(2))

    secrets = re.findall(r"whsec_[\w+/=]+", first + second)
    assert len(set(secrets)) == 2
    assert "For a day the old secret signs as well" in second


def test_a_deleted_one_is_gone(app: Flask, owner: User, browser: FlaskClient, webhook_id: int) -> None:
    said = followed(browser, browser.post(f"/webhooks/{webhook_id}/delete"))

    assert "The webhook has been deleted." in said
    assert webhooks_of(app, owner) == []
    assert browser.get(f"/webhooks/{webhook_id}").status_code == 404


@pytest.mark.parametrize("role, refused", [(Role.OPERATOR, 404), (Role.ADMINISTRATOR, 404), (Role.VIEWER, 403)])
def test_those_of_others_are_neither_seen_nor_touched(
    signed_in: SignedIn, webhook_id: int, role: Role, refused: int
) -> None:
    stranger = signed_in(role)

    answers = [stranger.get(f"/webhooks/{webhook_id}{path}") for path in ("", "/edit")]
    answers += [
        stranger.post(f"/webhooks/{webhook_id}/{path}", data=FILLED)
        for path in ("edit", "ping", "rotate-secret", "delete", "deliveries/1/resend")
    ]

    assert [answer.status_code for answer in answers] == [refused] * len(answers)


def test_the_users_menu_leads_there_unless_one_only_looks_on(browser: FlaskClient, signed_in: SignedIn) -> None:
    viewer = signed_in(Role.VIEWER)

    assert 'href="/webhooks"' in browser.get("/clients").text
    assert 'href="/webhooks"' not in viewer.get("/clients").text
    assert viewer.get("/webhooks").status_code == 403
