"""Can a person make one message more, change it, take it back, and is each refusal told where it belongs?"""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.database import db
from dashboard.domain import brakes, breaker, mailings, stop_list
from dashboard.domain.users import User
from dashboard.gateway import Verdict
from dashboard.models import Client, Message, Role, State, Status
from tests.factories import SignedIn, make_actor
from tests.factories_mailings import followed, knocks
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    set_mailing,
)

PHONE = "8 (905) 111-22-33"


@pytest.fixture
def mailing_id(app: Flask, owner: User) -> int:
    """Running, with two messages that wait; a third client has none."""
    with app.app_context():
        add_clients(owner.actor, 2)
        found = fan_out_all(owner.actor, title="Spring", text="Dear {{name}}")
        late = add_clients(owner.actor, 1, first=5, tag="late")[0]
        db.session.get_one(Client, late).phone = "79051112233"
        db.session.commit()
        return found


def first_message(app: Flask, mailing_id: int) -> Message:
    with app.app_context():
        return min(messages_of(mailing_id), key=lambda message: message.phone)


def typed(mailing_id: object, phone: str = PHONE) -> dict[str, str]:
    return {"mailing": str(mailing_id), "phone": phone}


def test_one_message_more_is_made_once_and_its_page_is_shown(
    app: Flask, browser: FlaskClient, owner: User, mailing_id: int
) -> None:
    before = knocks(app)
    page = followed(browser, browser.post("/messages/new", data=typed(mailing_id)))
    again = browser.post("/messages/new", data=typed(mailing_id))

    assert "The message waits for its turn." in page
    assert "+7\u00a0905\u00a0111-22-33" in page
    assert "Dear N5" in page
    assert f"Added by hand by {owner.name}" in page
    assert "Selected by the mailing" not in page
    assert knocks(app) > before
    assert again.status_code == 422
    assert "This mailing already has a message for this client or phone" in again.text
    with app.app_context():
        assert ledger(mailing_id) == {Status.QUEUED: 3}


def test_the_form_begins_with_what_somebody_came_from(app: Flask, browser: FlaskClient, mailing_id: int) -> None:
    with app.app_context():
        client = db.session.query(Client).filter_by(phone="79051112233").one()

    from_client = browser.get(f"/messages/new?client={client.id}").text
    from_mailing = browser.get(f"/messages/new?mailing={mailing_id}").text

    assert 'value="79051112233"' in from_client
    assert f'<option value="{mailing_id}" selected>Spring (Running)</option>' in from_mailing
    assert f'href="/messages/new?client={client.id}"' in browser.get(f"/clients/{client.id}").text


def test_the_preview_shows_who_would_read_what(browser: FlaskClient, mailing_id: int) -> None:
    part = browser.post("/messages/preview", data=typed(mailing_id)).text
    nothing = browser.post("/messages/preview", data={"phone": "", "mailing": ""}).text

    assert "Dear N5" in part
    assert "1 part of SMS" in part
    assert "+7 905 111-22-33, Europe/Moscow" in part
    assert "It leaves as soon as its turn has come." in part
    assert "Give a mailing and a phone" in nothing


@pytest.mark.parametrize(
    "phone, words",
    [
        ("", "The phone is missing"),
        ("12", "This is no phone number"),
        ("+7 905 999-99-99", "There is no such client"),
        ("+7 900 000-00-00", "This mailing already has a message for this client or phone"),
    ],
)
def test_what_is_wrong_with_the_phone_stands_beside_it(
    browser: FlaskClient, mailing_id: int, phone: str, words: str
) -> None:
    answer = browser.post("/messages/new", data=typed(mailing_id, phone))

    assert answer.status_code == 422
    beside = answer.text.partition('id="phone-errors"')[2]
    assert words in beside
    assert f'value="{phone}"' in answer.text


def test_anothers_client_is_no_client_and_anothers_mailing_is_not_found(
    app: Flask, browser: FlaskClient, mailing_id: int, signed_in: SignedIn
) -> None:
    with app.app_context():
        add_clients(make_actor(), 1, first=900)

    foreign_client = browser.post("/messages/new", data=typed(mailing_id, "79000000900"))
    foreign_mailing = signed_in().post("/messages/new", data=typed(mailing_id))

    assert "There is no such client" in foreign_client.text
    assert foreign_mailing.status_code == 404
    assert signed_in(Role.VIEWER).get("/messages/new").status_code == 403


def test_who_is_on_the_stop_list_is_refused(
    app: Flask, browser: FlaskClient, owner: User, mailing_id: int
) -> None:
    with app.app_context():
        stop_list.add(owner.actor, "79051112233")

    assert "The phone is on the stop list" in browser.post("/messages/new", data=typed(mailing_id)).text
    assert "The phone is on the stop list" in browser.post("/messages/preview", data=typed(mailing_id)).text


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"state": State.CANCELLED}, "The mailing was cancelled"),
        ({"state": State.DRAFT}, "This mailing has not started yet"),
        ({"budget_parts": 0}, "The budget is used up"),
    ],
)
def test_what_is_wrong_with_the_mailing_stands_beside_it(
    app: Flask, browser: FlaskClient, mailing_id: int, changes: dict[str, object], words: str
) -> None:
    with app.app_context():
        set_mailing(mailing_id, **changes)

    answer = browser.post("/messages/new", data=typed(mailing_id))

    assert answer.status_code == 422
    assert words in answer.text.partition('id="mailing-errors"')[2].partition('id="phone"')[0]
    assert words in browser.post("/messages/preview", data=typed(mailing_id)).text


def test_without_a_mailing_that_takes_one_the_page_says_so(browser: FlaskClient) -> None:
    assert "No mailing takes a message now" in browser.get("/messages/new").text


def test_a_message_that_waits_gets_a_text_of_its_own(app: Flask, browser: FlaskClient, mailing_id: int) -> None:
    message = first_message(app, mailing_id)

    form = browser.get(f"/messages/{message.id}/edit").text
    part = browser.post(f"/messages/{message.id}/text", data={"text": "Come, {{name}}: " + "ж" * 70}).text
    page = followed(browser, browser.post(f"/messages/{message.id}/edit", data={"text": "Come, {{name}}"}))

    assert "Dear N0</textarea>" in form
    assert "<code>{{name}}</code> N0" in form
    assert "Come, N0: " in part
    assert "2 parts of SMS" in part
    assert '<div class="sms mb-3">Come, N0</div>' in page
    assert "A text of its own" in page


def test_a_text_that_asks_for_what_is_not_known_is_refused_and_kept(
    app: Flask, browser: FlaskClient, mailing_id: int
) -> None:
    message = first_message(app, mailing_id)

    answer = browser.post(f"/messages/{message.id}/edit", data={"text": "From {{city}}"})

    assert answer.status_code == 422
    assert "This message has no value for “city”" in answer.text
    assert "From {{city}}</textarea>" in answer.text
    assert first_message(app, mailing_id).text is None


def test_a_message_that_waits_is_taken_back_once(app: Flask, browser: FlaskClient, mailing_id: int) -> None:
    message = first_message(app, mailing_id)
    shown = browser.get(f"/messages/{message.id}").text

    pages = [followed(browser, browser.post(f"/messages/{message.id}/cancel")) for _press in range(2)]

    assert 'data-opens="cancel-message"' in shown
    for page in pages:
        assert "The message is taken back: it will not be sent." in page
        assert "A person took the message back before it left." in page
        assert "The mailing was cancelled" not in page
        assert 'data-opens="cancel-message"' not in page
    with app.app_context():
        assert ledger(mailing_id) == {Status.QUEUED: 1, Status.CANCELLED: 1}


def test_what_is_being_sent_is_neither_changed_nor_taken_back(
    app: Flask, browser: FlaskClient, mailing_id: int
) -> None:
    message = first_message(app, mailing_id)
    with app.app_context():
        arm(mailing_id)

    cancelled = followed(browser, browser.post(f"/messages/{message.id}/cancel"))
    changed = browser.post(f"/messages/{message.id}/edit", data={"text": "Too late"})
    form = browser.get(f"/messages/{message.id}/edit", follow_redirects=True)

    assert "on its way to the gateway at this moment" in cancelled
    assert changed.status_code == 422
    assert "on its way to the gateway at this moment" in changed.text
    assert "The message waits no longer" in form.text


def test_others_messages_are_not_touched(
    app: Flask, browser: FlaskClient, mailing_id: int, signed_in: SignedIn
) -> None:
    message = first_message(app, mailing_id)
    stranger, viewer = signed_in(), signed_in(Role.VIEWER)

    for verb in ("edit", "text", "cancel"):
        data = {"text": "Mine"}
        assert stranger.post(f"/messages/{message.id}/{verb}", data=data).status_code == 404
        assert viewer.post(f"/messages/{message.id}/{verb}", data=data).status_code == 403
    seen = viewer.get(f"/messages/{message.id}").text
    assert 'data-opens="cancel-message"' not in seen
    assert "/edit" not in seen
    assert first_message(app, mailing_id).text is None


def test_a_message_that_waits_says_what_it_waits_for(
    app: Flask, browser: FlaskClient, owner: User, mailing_id: int
) -> None:
    address = f"/messages/{first_message(app, mailing_id).id}"

    at_first = browser.get(address).text
    with app.app_context():
        breaker.open_("bad_token")
    troubled = browser.get(address).text
    with app.app_context():
        mailings.pause(owner.actor, mailing_id)
    paused = browser.get(address).text
    with app.app_context():
        brakes.stop_everything(owner.actor)
    stopped = browser.get(address).text

    assert "It leaves as soon as its turn has come." in at_first
    assert "The gateway takes no messages at the moment." in troubled
    assert "Its mailing is paused." in paused
    assert "It waits until an administrator lets sending go on." in stopped


def test_a_message_outside_of_its_window_says_until_when_it_waits(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    ahead = (clock.now() + timedelta(hours=3)).time().replace(microsecond=0)
    later = (clock.now() + timedelta(hours=4)).time().replace(microsecond=0)
    with app.app_context():
        add_clients(owner.actor, 1, zones=("UTC",))
        mailing_id = fan_out_all(
            owner.actor, window_from=ahead, window_to=later, ends_at=clock.now() + timedelta(days=2)
        )

    page = browser.get(f"/messages/{first_message(app, mailing_id).id}").text

    assert "clock it is not the time: it waits until <time" in page
    assert f"{ahead:%H:%M} on the client" in page


def test_an_unknown_outcome_is_decided_from_its_page(app: Flask, browser: FlaskClient, mailing_id: int) -> None:
    with app.app_context():
        deliver(ScriptedGateway(saying(Verdict.UNCERTAIN, "timeout")))
    message = first_message(app, mailing_id)

    page = browser.get(f"/messages/{message.id}").text
    browser.post(f"/unknown/decide?accept={message.id}")
    after = browser.get(f"/messages/{message.id}").text

    assert f'href="/unknown/decide?resend={message.id}"' in page
    assert f'href="/unknown/decide?accept={message.id}"' in page
    assert "The gateway did not answer in time." in page
    assert "a person took it for sent" in after
    assert "/unknown/decide" not in after
