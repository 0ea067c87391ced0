"""Can each message of a mailing be found on the pages, with its story?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import stop_list
from dashboard.domain.users import User
from tests.factories import make_user, sign_in
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, messages_of


@pytest.fixture
def sent(app: Flask, owner: User) -> int:
    """A mailing that has gone out to 60 clients, one of whom is on the stop list."""
    with app.app_context():
        actor = owner.actor
        add_clients(actor, 60)
        stop_list.add(actor, "79000000000")
        mailing_id = fan_out_all(actor, text="Dear {{name}}")
        deliver(ScriptedGateway())
        return mailing_id


def test_a_message_tells_its_story(app: Flask, browser: FlaskClient, sent: int) -> None:
    with app.app_context():
        skipped, *others = sorted(messages_of(sent), key=lambda message: message.phone)

    story = browser.get(f"/messages/{others[0].id}").text
    never_left = browser.get(f"/messages/{skipped.id}").text

    assert "Try 1: The gateway accepted the message" in story
    assert "HTTP 200 · code 0 · took 7 ms" in story
    assert f"Dear {others[0].placeholder_values['name']}" in story  # type: ignore[index]
    assert f'href="/clients/{others[0].client_id}"' in story
    assert "The phone is on the stop list." in never_left
    assert "Try 1" not in never_left


def test_anothers_message_is_not_found(app: Flask, sent: int) -> None:
    with app.app_context():
        message_id = messages_of(sent)[0].id
        stranger = make_user()
    browser = app.test_client()
    sign_in(browser, stranger)

    assert browser.get(f"/messages/{message_id}").status_code == 404
    assert browser.get(f"/messages/{2**60}").status_code == 404


def poll_of(page: str) -> str | None:
    """The address that the page asks next, if it asks at all."""
    found = re.search(r'id="message-poll" hx-get="([^"]+)"', page)
    return found and found[1].replace("&amp;", "&")


def test_the_page_of_a_message_asks_again_until_nothing_can_change(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    with app.app_context():
        add_clients(owner.actor, 1)
        message_id = messages_of(fan_out_all(owner.actor))[0].id
    asks = poll_of(browser.get(f"/messages/{message_id}").text)
    assert asks is not None

    unchanged = browser.get(asks)
    with app.app_context():
        deliver(ScriptedGateway())
    changed = browser.get(asks)

    assert unchanged.status_code == 204
    assert "Try 1: The gateway accepted the message" in changed.text
    assert "<html" not in changed.text
    assert poll_of(changed.text) is None
    assert poll_of(browser.get(f"/messages/{message_id}").text) is None
