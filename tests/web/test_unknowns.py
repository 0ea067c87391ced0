"""Can a person see every unknown outcome with its reason, and decide one, some or all of them, once?"""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain.permissions import Actor
from dashboard.domain.users import User
from dashboard.gateway import Verdict
from dashboard.models import Role, Status
from tests.factories import SignedIn
from tests.factories_mailings import followed, knocks
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    deliver,
    ledger,
    messages_of,
    saying,
    schedule,
    set_mailing,
)

TIMEOUT = saying(Verdict.UNCERTAIN, "timeout")
ERROR = saying(Verdict.UNCERTAIN, "http_500", http_status=500, excerpt="<h1>sorry</h1>")


def left_unknown(owner: Actor, script: object = TIMEOUT, **changes: object) -> int:
    mailing_id = schedule(owner, **changes)
    deliver(ScriptedGateway(script))  # type: ignore[arg-type]
    return mailing_id


@pytest.fixture
def unknown(app: Flask, owner: User) -> list[int]:
    """Two mailings to four clients: of one the gateway did not answer, of the other it answered HTTP 500."""
    with app.app_context():
        add_clients(owner.actor, 4)
        return [
            left_unknown(owner.actor, title="Silent"),
            left_unknown(owner.actor, ERROR, title="Broken"),
        ]


def ledgers(app: Flask, mailing_ids: list[int]) -> list[dict[Status, int]]:
    with app.app_context():
        return [ledger(mailing_id) for mailing_id in mailing_ids]


def numbers_of(app: Flask, mailing_id: int) -> list[int]:
    with app.app_context():
        return sorted(message.id for message in messages_of(mailing_id))


def test_every_page_leads_to_them_as_long_as_there_are_any(
    app: Flask, browser: FlaskClient, signed_in: SignedIn, unknown: list[int]
) -> None:
    stranger = signed_in(Role.OPERATOR)

    before = browser.get("/clients").text
    for mailing_id in unknown:
        browser.post(f"/unknown/decide?all=accept&mailing={mailing_id}")

    assert 'href="/unknown"' in before
    assert re.search(r'class="nav-count">8\s', before)
    assert 'href="/unknown"' not in stranger.get("/clients").text
    assert 'href="/unknown"' not in browser.get("/clients").text
    assert 'href="/unknown" aria-current="page"' in browser.get("/unknown").text


def test_where_nothing_is_unknown_the_page_says_so(browser: FlaskClient) -> None:
    assert "No outcome is unknown" in browser.get("/unknown").text


def test_each_is_listed_with_its_reason_and_what_the_gateway_said(
    browser: FlaskClient, unknown: list[int]
) -> None:
    page = browser.get("/unknown").text

    assert "Found: 8" in page
    assert page.count("The gateway did not answer in time") == 4 + 1
    assert page.count("The gateway answered HTTP 500") == 4 + 1
    assert "&lt;h1&gt;sorry&lt;/h1&gt;" in page


def test_the_list_is_narrowed_by_the_address(browser: FlaskClient, unknown: list[int]) -> None:
    by_mailing = browser.get(f"/unknown?mailing={unknown[0]}").text
    by_reason = browser.get("/unknown?reason=http_500").text
    nothing = browser.get(f"/unknown?mailing={unknown[0]}&reason=http_500").text
    nonsense = browser.get("/unknown?mailing=x&after=1.&before=9").text

    assert "Found: 4" in by_mailing
    assert "Found: 4" in by_reason
    assert f'href="/mailings/{unknown[0]}"' not in by_reason
    assert "Nothing unknown here" in nothing
    assert "Found: 8" in nonsense


def test_one_is_sent_again_after_a_question(app: Flask, browser: FlaskClient, unknown: list[int]) -> None:
    message_id = numbers_of(app, unknown[0])[1]
    address = f"/unknown/decide?resend={message_id}"

    question = browser.get(address, headers={"Referer": f"http://localhost/messages/{message_id}"}).text
    untouched = ledgers(app, unknown)
    before = knocks(app)
    answer = browser.post(address, data={"back": f"/messages/{message_id}"})

    assert "1 client may get the message twice" in question
    assert "Silent" in question
    assert "Broken" not in question
    assert untouched == [{Status.UNKNOWN: 4}] * 2
    assert answer.location == f"/messages/{message_id}"
    assert "1 message will be sent again." in followed(browser, answer)
    assert ledgers(app, unknown) == [{Status.UNKNOWN: 3, Status.QUEUED: 1}, {Status.UNKNOWN: 4}]
    assert knocks(app) > before


def test_ticked_ones_are_taken_for_sent_and_pressing_twice_is_pressing_once(
    app: Flask, browser: FlaskClient, unknown: list[int]
) -> None:
    ticked = [numbers_of(app, mailing_id)[0] for mailing_id in unknown]
    address = "/unknown/decide?ticked=accept&" + "&".join(f"id={each}" for each in ticked)

    question = browser.get(address).text
    first = followed(browser, browser.post(address))
    second = followed(browser, browser.post(address))

    assert "2 messages will count as sent" in question
    assert "2 messages are taken for sent." in first
    assert "There was nothing left to decide." in second
    assert ledgers(app, unknown) == [{Status.UNKNOWN: 3, Status.SENT: 1}] * 2


def test_all_that_match_are_decided_and_no_others(app: Flask, browser: FlaskClient, unknown: list[int]) -> None:
    address = f"/unknown/decide?all=accept&mailing={unknown[1]}&reason=http_500"

    question = browser.get(address).text
    page = followed(browser, browser.post(address))

    assert "4 messages will count as sent" in question
    assert "4 messages are taken for sent." in page
    assert ledgers(app, unknown) == [{Status.UNKNOWN: 4}, {Status.SENT: 4}]


def test_nothing_ticked_is_said(browser: FlaskClient, unknown: list[int]) -> None:
    answer = browser.get(f"/unknown/decide?ticked=resend&mailing={unknown[0]}", follow_redirects=True)

    assert "Nothing is ticked" in answer.text
    assert "Found: 4" in answer.text


def test_a_mailing_that_has_ended_asks_for_a_new_end(app: Flask, browser: FlaskClient, unknown: list[int]) -> None:
    with app.app_context():
        past = clock.now() - timedelta(hours=1)
        set_mailing(unknown[0], starts_at=past - timedelta(hours=1), ends_at=past)
    address = f"/unknown/decide?all=resend&mailing={unknown[0]}"
    ahead = {"timezone": "UTC", "ends_at": (clock.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")}

    question = browser.get(address).text
    missing = browser.post(address, data={"timezone": "UTC"})
    unreadable = browser.post(address, data={"timezone": "UTC", "ends_at": "tomorrow"})
    untouched = ledgers(app, unknown)
    page = followed(browser, browser.post(address, data=ahead))

    assert "Has ended: it needs a new end." in question
    assert missing.status_code == unreadable.status_code == 422
    assert "Give a new end" in missing.text
    assert "This is no date or time that can be read" in unreadable.text
    assert 'value="tomorrow"' in unreadable.text
    assert untouched[0] == {Status.UNKNOWN: 4}
    assert "4 messages will be sent again." in page


def test_those_of_a_cancelled_mailing_are_not_offered_for_sending(
    app: Flask, browser: FlaskClient, unknown: list[int]
) -> None:
    with app.app_context():
        set_mailing(unknown[0], state="cancelled")

    question = browser.get("/unknown/decide?all=resend").text
    page = followed(browser, browser.post("/unknown/decide?all=resend"))

    assert "Was cancelled: these stay as they are." in question
    assert "4 clients may get the message twice" in question
    assert "4 messages will be sent again." in page
    assert "Still unknown: 4." in page


def test_others_see_and_decide_none_of_it(app: Flask, unknown: list[int], signed_in: SignedIn) -> None:
    stranger, viewer = signed_in(), signed_in(Role.VIEWER)

    seen = viewer.get("/unknown").text

    assert "No outcome is unknown" in stranger.get("/unknown").text
    assert stranger.get(f"/unknown?mailing={unknown[0]}").status_code == 404
    assert "There is nothing left to decide" in stranger.get("/unknown/decide?all=accept").text
    stranger.post(f"/unknown/decide?accept={numbers_of(app, unknown[0])[0]}")
    assert "Found: 8" in seen
    assert "Send again" not in seen
    assert "See them</a>" in viewer.get(f"/mailings/{unknown[0]}").text
    assert viewer.get("/unknown/decide?all=accept").status_code == 403
    assert viewer.post("/unknown/decide?all=accept").status_code == 403
    assert ledgers(app, unknown) == [{Status.UNKNOWN: 4}] * 2
