"""Does a person who looks at a page see that something is stopped, why, and who has to decide?"""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import brakes, limits, mailings, starting
from dashboard.domain.limits import Limits
from dashboard.domain.users import User
from dashboard.models import PauseReason, Role, State
from tests.factories import make_actor
from tests.factories_mailings import followed
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, schedule, set_mailing

STOPPED = "stopped everything"
REASONS = {
    PauseReason.CANARY: "If all is well, go on with the rest",
    PauseReason.BUDGET: "It needs a greater budget",
    PauseReason.MISSED_START: "The service was down",
}


@pytest.mark.parametrize("path", ["/", "/mailings", "/clients"])
def test_every_page_says_that_everything_is_stopped(
    app: Flask, owner: User, browser: FlaskClient, path: str
) -> None:
    before = browser.get(path).text
    with app.app_context():
        brakes.stop_everything(owner.actor)

    page = browser.get(path).text

    assert STOPPED not in before
    assert STOPPED in page


@pytest.mark.parametrize("reason", list(PauseReason))
def test_a_paused_mailing_says_why(app: Flask, owner: User, browser: FlaskClient, reason: PauseReason) -> None:
    with app.app_context():
        mailing_id = fan_out_all(owner.actor)
        set_mailing(mailing_id, state=State.PAUSED, pause_reason=reason)

    page = browser.get(f"/mailings/{mailing_id}/live").text

    assert "Paused: nothing more is sent" in page
    assert [each for each, words in REASONS.items() if words in page] == [
        each for each in REASONS if each is reason
    ]


def test_pressing_resume_on_a_used_up_budget_says_what_to_do(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 4)
        mailing_id = schedule(owner.actor, budget_parts=2)
        deliver(ScriptedGateway())

    answer = browser.post(f"/mailings/{mailing_id}/resume")

    assert "The budget is used up: raise it first" in followed(browser, answer)


def test_what_waits_for_approval_says_so_and_does_not_promise_to_start(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 2)
        limits.change(make_actor(Role.ADMINISTRATOR), Limits(approval_above=1))
        mailing_id = schedule(owner.actor)

    page = browser.get(f"/mailings/{mailing_id}/live").text
    overview = browser.get("/now").text

    assert "Waits for a second person" in page
    assert "It starts by itself" not in page
    assert "waits for a second person" in overview


def test_what_nobody_approved_says_so_after_its_end(app: Flask, owner: User, browser: FlaskClient) -> None:
    now = clock.now()
    with app.app_context():
        add_clients(owner.actor, 2)
        limits.change(make_actor(Role.ADMINISTRATOR), Limits(approval_above=1))
        mailing_id, taken_back = schedule(owner.actor), schedule(owner.actor)
        mailings.cancel(owner.actor, taken_back)
        set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(seconds=1))
        starting.start_due()

    words = "Nobody approved it before its end"

    assert words in browser.get(f"/mailings/{mailing_id}").text
    assert words not in browser.get(f"/mailings/{taken_back}").text
