"""Does the page of a mailing show what is true, ask while something can change, and then stop asking?"""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import sessions
from dashboard.domain.users import User
from dashboard.gateway import Answer, Call, Verdict
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all, schedule


@pytest.fixture
def running(app: Flask, owner: User) -> int:
    """A mailing to ten clients of which nothing has left yet."""
    with app.app_context():
        actor = owner.actor
        add_clients(actor, 10, ("Europe/Moscow", "Asia/Omsk"))
        return fan_out_all(actor, text="Dear {{name}}")


def send(app: Flask, script: Callable[[Call], Answer] = accepted) -> None:
    with app.app_context():
        deliver(ScriptedGateway(script))


def poll_of(page: str) -> str | None:
    """The address that the page asks next, if it asks at all."""
    found = re.search(r'id="live-poll" hx-get="([^"]+)"', page)
    return found and found[1].replace("&amp;", "&")


def ledger_of(page: str) -> dict[str, int]:
    return {code: int(number) for code, number in re.findall(r'data-count="(\w+)">([0-9,]+)<', page)}


def test_the_page_shows_the_ledger_and_the_poll_the_same(app: Flask, browser: FlaskClient, running: int) -> None:
    page = browser.get(f"/mailings/{running}").text
    part = browser.get(f"/mailings/{running}/live").text

    assert ledger_of(page) == ledger_of(part)
    assert ledger_of(part)["queued"] == ledger_of(part)["total"] == 10
    assert "<html" not in part
    assert "Europe/Moscow" in part
    assert "Asia/Omsk" in part


def test_while_nothing_has_changed_a_poll_hears_nothing(app: Flask, browser: FlaskClient, running: int) -> None:
    asks = poll_of(browser.get(f"/mailings/{running}").text)
    assert asks is not None

    unchanged = browser.get(asks)
    browser.post(f"/mailings/{running}/pause")
    changed = browser.get(asks)

    assert (unchanged.status_code, unchanged.data) == (204, b"")
    assert changed.status_code == 200
    assert "Paused: nothing more is sent" in changed.text
    assert poll_of(changed.text) not in (None, asks)


def test_when_nothing_can_change_any_more_the_page_stops_asking(
    app: Flask, browser: FlaskClient, running: int
) -> None:
    asks = poll_of(browser.get(f"/mailings/{running}").text)
    assert asks is not None
    send(app)

    last = browser.get(asks)

    assert last.status_code == 200
    assert ledger_of(last.text)["sent"] == ledger_of(last.text)["total"] == 10
    assert poll_of(last.text) is None
    assert poll_of(browser.get(f"/mailings/{running}").text) is None


def test_a_poll_does_not_prolong_the_login(app: Flask, browser: FlaskClient, running: int) -> None:
    minutes = sessions.IDLE // timedelta(minutes=1)
    start = clock.now()

    with time_machine.travel(start) as traveller:
        for _ in range(4):
            traveller.shift(timedelta(minutes=minutes * 0.3))
            last = browser.get(f"/mailings/{running}/live", headers={"HX-Request": "true"})
            chart = browser.get(f"/mailings/{running}/chart", headers={"Accept": "application/json"})

    assert (last.status_code, chart.status_code) == (401, 401)
    assert last.headers["HX-Redirect"].startswith("/sign-in")


def test_errors_are_told_in_plain_words_and_lead_to_their_messages(
    app: Flask, browser: FlaskClient, running: int
) -> None:
    def refuse_some(call: Call) -> Answer:
        if not call.phone.startswith("7901"):
            return accepted(call)
        return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="<b>no such subscriber</b>")

    send(app, refuse_some)

    page = browser.get(f"/mailings/{running}").text

    assert "The gateway calls the request wrong (HTTP 400)" in page
    assert "&lt;b&gt;no such subscriber&lt;/b&gt;" in page
    assert f"/mailings/{running}/messages?status=failed&amp;reason=http_400" in page


def test_before_the_start_it_says_when_and_to_whom(app: Flask, owner: User, browser: FlaskClient) -> None:
    with app.app_context():
        actor = owner.actor
        add_clients(actor, 7)
        mailing_id = schedule(actor, starts_at=clock.now() + timedelta(minutes=30))

    page = browser.get(f"/mailings/{mailing_id}").text

    assert "It starts by itself" in page
    assert "it would address 7 clients" in page
    assert "every 10s" in page
    assert f'action="/mailings/{mailing_id}/unschedule"' in page
    assert f'action="/mailings/{mailing_id}/pause"' not in page


def test_to_cancel_one_is_told_how_many_have_left_and_how_many_wait(
    app: Flask, browser: FlaskClient, running: int
) -> None:
    page = browser.get(f"/mailings/{running}").text

    dialog = page.partition('id="cancel"')[2]
    assert 'data-mirrors="left-count">0<' in dialog
    assert 'data-mirrors="waiting-count">10<' in dialog


def test_the_chart_counts_outcomes_by_the_minute(app: Flask, browser: FlaskClient, running: int) -> None:
    empty = browser.get(f"/mailings/{running}/chart").json
    send(app)
    answer = browser.get(f"/mailings/{running}/chart")

    assert empty == {"minutes": [], "series": {}}
    assert answer.json is not None
    assert sum(answer.json["series"]["sent"]) == 10
    assert len(answer.json["minutes"]) == len(answer.json["series"]["sent"])
    assert answer.json["minutes"][0].endswith("+00:00")
    assert answer.headers["Cache-Control"] == "no-store"


def test_in_russian_the_page_is_in_russian(app: Flask, browser: FlaskClient, running: int) -> None:
    browser.post("/preferences", data={"language": "ru"})

    assert '<html lang="ru"' in browser.get(f"/mailings/{running}").text
