"""Does the first page say what is going on, and what to do first where nothing is?"""

import base64
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import breaker
from dashboard.domain.users import User
from dashboard.gateway import Verdict
from dashboard.models import PauseReason, State, TimeBasis
from tests.factories_mailings import draft_of
from tests.support.engine import ScriptedGateway, add_clients, answer, deliver, fan_out_all, schedule, set_mailing


def poll_of(page: str) -> str | None:
    found = re.search(r'id="now-poll" hx-get="([^"]+)"', page)
    return found and found[1].replace("&amp;", "&")


def test_where_nothing_is_yet_the_first_step_is_offered(app: Flask, owner: User, browser: FlaskClient) -> None:
    empty = browser.get("/").text
    with app.app_context():
        add_clients(owner.actor, 1)
    with_clients = browser.get("/").text

    assert "Three steps to the first mailing" in empty
    assert 'href="/imports/new"' in empty
    assert 'href="/imports/new"' not in with_clients
    assert 'href="/mailings/new"' in with_clients


def test_it_shows_what_runs_and_what_comes_and_is_asked_for_while_that_may_change(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 4)
        fan_out_all(owner.actor, title="It runs")
        schedule(owner.actor, title="It comes")

    page = browser.get("/").text
    asks = poll_of(page)
    assert asks is not None
    unchanged = browser.get(asks)
    with app.app_context():
        deliver(ScriptedGateway())
    changed = browser.get(asks)

    assert "It runs" in page
    assert "It comes" in page
    assert "0 sent of 4" in page
    assert unchanged.status_code == 204
    assert changed.status_code == 200
    assert "<html" not in changed.text


def test_when_nothing_runs_and_nothing_comes_it_stops_asking(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 4)
        fan_out_all(owner.actor)
        deliver(ScriptedGateway())

    page = browser.get("/").text

    assert poll_of(page) is None
    assert "No mailing is running at the moment." in page
    assert re.search(r'tile-value">4<', page)


def test_unknown_outcomes_are_counted_and_lead_to_their_messages(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 2)
        mailing_id = fan_out_all(owner.actor, title="Unsure")
        deliver(ScriptedGateway(lambda call: answer(call, Verdict.UNCERTAIN, "timeout")))

    page = browser.get("/").text

    assert "The outcome of 2 messages is unknown" in page
    assert f'href="/unknown?mailing={mailing_id}"' in page


def test_mailings_and_files_that_ask_for_a_decision_lead_there(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        tomorrow = clock.now() + timedelta(days=1)
        canary_id = schedule(owner.actor, title="First few")
        set_mailing(canary_id, state=State.PAUSED, pause_reason=PauseReason.CANARY)
        waits_id = schedule(
            owner.actor, title="Very many", starts_at=tomorrow, ends_at=tomorrow + timedelta(hours=1)
        )
        set_mailing(waits_id, awaits_approval=True)

    page = browser.get("/").text

    decisions = page[page.index("Needs a decision") : page.index("Running now")]
    assert f'href="/mailings/{canary_id}"' in decisions
    assert "If all is well, go on with the rest" in decisions
    assert f'href="/mailings/{waits_id}"' in decisions
    assert "It waits for an administrator's approval." in decisions


def test_the_days_are_iso_dates_of_the_users_zone_and_their_outcomes(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 4)
        fan_out_all(owner.actor)
        deliver(ScriptedGateway())

    found = browser.get("/statistics/days").json

    assert found is not None
    assert len(found["days"]) == 30
    assert [date.fromisoformat(day) for day in found["days"]] == sorted(map(date.fromisoformat, found["days"]))
    assert set(found["series"]) == {"sent"}
    assert sum(found["series"]["sent"]) == sum(found["series"]["sent"][-2:]) == 4


def test_the_chart_is_there_once_there_is_a_mailing(app: Flask, owner: User, browser: FlaskClient) -> None:
    empty = browser.get("/").text
    with app.app_context():
        schedule(owner.actor)

    assert "/statistics/days" not in empty
    assert 'data-days="/statistics/days"' in browser.get("/").text


def test_a_gateway_that_takes_nothing_is_told_with_its_reason(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 1)
        fan_out_all(owner.actor)
        breaker.open_("bad_token")

    page = browser.get("/").text

    assert "The gateway takes no messages since" in page
    assert "The gateway does not take our token" in page


def test_start_and_end_by_the_clients_clocks_are_told_as_such(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    tomorrow = (clock.now() + timedelta(days=1)).replace(tzinfo=None, hour=9, minute=0, second=0, microsecond=0)
    walls = {"starts_wall": tomorrow, "ends_wall": tomorrow + timedelta(hours=9)}
    with app.app_context():
        by_client = {"time_basis": TimeBasis.CLIENT, "starts_at": None, "ends_at": None}
        schedule(owner.actor, **by_client, **walls)
        add_clients(owner.actor, 1)
        asking = fan_out_all(owner.actor, **by_client, **walls | {"starts_wall": tomorrow - timedelta(days=3)})
        set_mailing(asking, state=State.PAUSED, pause_reason=PauseReason.CANARY)

    shown = " ".join(browser.get("/").text.split())

    for begins, hour in (("starts", "09:00"), ("Deadline:", "18:00"), ("ends", "18:00")):
        wall = rf'{begins} <span class="nowrap">[^<]*{hour}</span> <span class="soft">by each client'
        assert re.search(wall, shown)


@pytest.mark.parametrize(("days", "said"), [(-1, "token has run out"), (6, "runs out soon"), (8, None)])
def test_a_token_that_runs_out_within_a_week_is_told(
    app: Flask, owner: User, browser: FlaskClient, days: int, said: str | None
) -> None:
    draft_of(app, owner)
    expires_at = int((clock.now() + timedelta(days=days)).timestamp())
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires_at}).encode()).decode().rstrip("=")
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], gateway_token=f"h.{payload}.s")

    page = browser.get("/").text

    assert ("asks-token" in page) == (said is not None)
    assert said is None or said in page
