"""Can a person decide on a mailing's page what has to be decided, with the numbers in view?"""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain import limits, live
from dashboard.domain.limits import Limits
from dashboard.domain.users import User
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import PauseReason, Role, State, Status, TimeBasis
from tests.factories import SignedIn, make_actor
from tests.factories_mailings import draft_of, followed, knocks, mailing_of
from tests.support.engine import (
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    deliver,
    fan_out_all,
    ledger,
    schedule,
    set_mailing,
)


def running(app: Flask, owner: User, **changes: object) -> int:
    with app.app_context():
        add_clients(owner.actor, 10)
        return fan_out_all(owner.actor, **changes)


def send(app: Flask, script: Callable[[Call], Answer] = accepted) -> None:
    with app.app_context():
        deliver(ScriptedGateway(script))


def refuse_some(call: Call) -> Answer:
    """Two are refused as wrong, two for a reason of their own."""
    for code, reason in (("901", "http_400"), ("902", "http_422")):
        if call.phone.startswith(f"7{code}"):
            return answer(call, Verdict.REFUSED, reason, http_status=int(reason[5:]))
    return accepted(call)


def test_after_pausing_one_is_told_how_many_had_left_and_how_many_wait(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = running(app, owner)

    page = followed(browser, browser.post(f"/mailings/{mailing_id}/pause"))

    assert "Paused. Already left: 0, in flight: 0, waiting: 10." in page


def test_the_canary_shows_how_it_went_and_asks_before_it_goes_on(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = running(app, owner, canary_size=5)
    send(app, refuse_some)

    page = browser.get(f"/mailings/{mailing_id}").text
    canary = page.partition('id="canary"')[2].partition("</ul>")[0]
    on = followed(browser, browser.post(f"/mailings/{mailing_id}/resume"))

    assert "Of the first 5:" in page
    assert [int(n) for n in re.findall(r"<strong>(\d+)</strong>", canary)] == [3, 2]
    assert 'data-opens="resume"' in page
    assert "The mailing goes on. Waiting: 5." in on


def test_a_missed_start_asks_whether_to_start_now_or_to_cancel(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = running(app, owner)
    with app.app_context():
        set_mailing(mailing_id, state=State.PAUSED, pause_reason=PauseReason.MISSED_START)

    page = browser.get(f"/mailings/{mailing_id}").text

    assert "Start now" in page
    assert 'data-opens="start-now"' in page
    assert 'data-opens="cancel"' in page


def test_a_used_up_budget_is_raised_and_the_mailing_goes_on(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner, budget_parts=4)
    send(app)
    page = browser.get(f"/mailings/{mailing_id}").text

    form = browser.get(f"/mailings/{mailing_id}/limits").text
    too_few = browser.post(f"/mailings/{mailing_id}/limits", data={"budget_parts": "3", "action": "resume"})
    on = followed(
        browser, browser.post(f"/mailings/{mailing_id}/limits", data={"budget_parts": "1 000", "action": "resume"})
    )

    assert "The mailing goes on." in on
    assert "4 of 4 parts of SMS used" in page
    assert "Raise the budget" in page
    assert f'action="/mailings/{mailing_id}/resume"><' not in page
    assert 'value="4"' in form
    assert too_few.status_code == 422
    assert "The budget must be greater than before (4)" in too_few.text
    assert 'value="3"' in too_few.text
    assert "4 of 1,000 parts of SMS used" in on
    assert mailing_of(app, mailing_id).state is State.RUNNING
    assert knocks(app) == 1


def test_the_pace_is_changed_while_it_runs_all_or_nothing(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner, budget_parts=100)
    address = f"/mailings/{mailing_id}/limits"

    refused = browser.post(address, data={"rate_limit": "7", "rate_unit": "parts", "budget_parts": "50"})
    unread = browser.post(address, data={"rate_limit": "quick", "rate_unit": "parts", "budget_parts": "100"})
    before = mailing_of(app, mailing_id)
    wanted = {"rate_limit": "7", "rate_unit": "parts", "budget_parts": "100"}
    page = followed(browser, browser.post(address, data=wanted))

    assert (refused.status_code, unread.status_code, before.rate_limit) == (422, 422, None)
    assert "7 parts a second" in page
    assert mailing_of(app, mailing_id).rate_limit == 7


def test_what_has_ended_has_no_pace_to_change(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner)
    send(app)

    page = followed(browser, browser.get(f"/mailings/{mailing_id}/limits"))

    assert "The limits of this mailing cannot be changed now" in page
    assert f'href="/mailings/{mailing_id}/limits"' not in page


def test_the_failed_are_resent_by_reason_with_their_numbers_shown(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = running(app, owner)
    send(app, refuse_some)

    page = browser.get(f"/mailings/{mailing_id}").text
    form = browser.get(f"/mailings/{mailing_id}/resend?reason=http_422").text
    resent = followed(browser, browser.post(f"/mailings/{mailing_id}/resend", data={"reasons": "http_422"}))

    assert f'href="/mailings/{mailing_id}/resend"' in page
    assert f'href="/mailings/{mailing_id}/resend?reason=http_422"' in page
    assert re.search(r'value="http_422"\s+checked', form)
    assert not re.search(r'value="http_400"\s+checked', form)
    assert "2 messages wait again." in resent
    with app.app_context():
        assert ledger(mailing_id) == {Status.QUEUED: 2, Status.SENT: 6, Status.FAILED: 2}


def test_after_its_end_a_resend_asks_for_a_new_one(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner)
    send(app, refuse_some)
    with app.app_context():
        set_mailing(mailing_id, starts_at=clock.now() - timedelta(days=3), ends_at=clock.now() - timedelta(days=2))
    address = f"/mailings/{mailing_id}/resend"

    proposed = re.search(r'name="ends_at" type="datetime-local" value="([^"]+)"', browser.get(address).text)
    late = browser.post(address, data={"reasons": ["http_400"], "timezone": "UTC", "ends_at": "2020-01-01T10:00"})
    nothing = browser.post(address, data={"timezone": "UTC", "ends_at": "2090-01-01T10:00"})
    ahead = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    resent = browser.post(address, data={"reasons": ["http_400"], "timezone": "UTC", "ends_at": ahead})

    assert proposed
    assert proposed[1] > clock.now().isoformat()
    assert late.status_code == 422
    assert "The end has already passed" in late.text
    assert 'value="2020-01-01T10:00"' in late.text
    assert nothing.status_code == 422
    assert "Choose at least one reason" in nothing.text
    assert "2 messages wait again." in followed(browser, resent)
    assert mailing_of(app, mailing_id).state is State.RUNNING


def test_a_resend_by_the_clients_clocks_takes_the_end_as_they_read_it(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    wall = clock.now().replace(tzinfo=None, microsecond=0)
    mailing_id = running(
        app,
        owner,
        time_basis=TimeBasis.CLIENT,
        starts_at=None,
        ends_at=None,
        starts_wall=wall - timedelta(days=1),
        ends_wall=wall + timedelta(days=1),
    )
    send(app, refuse_some)
    later = (wall + timedelta(days=3)).replace(second=0)

    wanted = {"reasons": "http_400", "ends_at": f"{later:%Y-%m-%dT%H:%M}"}
    browser.post(f"/mailings/{mailing_id}/resend", data=wanted)

    assert mailing_of(app, mailing_id).ends_wall == later


def test_where_nothing_failed_there_is_nothing_to_resend(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner)

    page = followed(browser, browser.get(f"/mailings/{mailing_id}/resend"))

    assert "No message of this mailing has failed" in page


@pytest.fixture
def asking(app: Flask, owner: User) -> int:
    """A mailing to ten, launched by the owner, that a second person has to approve."""
    with app.app_context():
        limits.change(make_actor(Role.ADMINISTRATOR), Limits(approval_above=5))
        add_clients(owner.actor, 10)
        soon = clock.now() + timedelta(hours=1)
        return schedule(owner.actor, starts_at=soon, ends_at=soon + timedelta(hours=1))


def test_a_second_person_sees_who_asked_and_approves(
    app: Flask, owner: User, signed_in: SignedIn, asking: int
) -> None:
    second = signed_in(Role.ADMINISTRATOR)

    page = second.get(f"/mailings/{asking}").text
    approved = followed(second, second.post(f"/mailings/{asking}/approve"))

    assert f"{owner.name} asked for it" in page
    assert "it would address 10 clients" in page
    assert "Send back to draft" in page
    assert f'action="/mailings/{asking}/approve"' in page
    assert "Approved. The mailing starts at its time." in approved
    assert not mailing_of(app, asking).awaits_approval


def test_who_asked_cannot_approve_and_is_told_so(
    app: Flask, browser: FlaskClient, signed_in: SignedIn, asking: int
) -> None:
    page = browser.get(f"/mailings/{asking}").text

    assert "You launched it yourself, so another administrator has to approve it." in page
    assert "/approve" not in page
    assert browser.post(f"/mailings/{asking}/approve").status_code == 403
    assert signed_in(Role.VIEWER).post(f"/mailings/{asking}/approve").status_code == 403
    assert mailing_of(app, asking).awaits_approval


def test_unknown_outcomes_lead_to_where_they_are_decided(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner)
    send(app, lambda call: answer(call, Verdict.UNCERTAIN, "timeout"))

    page = browser.get(f"/mailings/{mailing_id}").text

    assert "Of 10 messages nobody knows whether they arrived." in page
    assert f'href="/unknown?mailing={mailing_id}"' in page


def test_without_a_worker_the_page_says_so_and_what_to_do(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = running(app, owner)

    page = browser.get(f"/mailings/{mailing_id}/live").text

    assert "no worker looks after the mailings" in page
    assert "should see whether the workers and the scheduler run" in page


def test_of_many_codes_the_largest_are_shown_and_lead_to_their_messages(
    app: Flask, owner: User, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ROWS_SHOWN", 3)
    mailing_id = running(app, owner)

    page = browser.get(f"/mailings/{mailing_id}").text

    assert f'href="/mailings/{mailing_id}/messages?code=900"' in page
    assert "3 others" in page


@pytest.mark.parametrize("path, status", [("limits", 404), ("resend", 404), ("approve", 403)])
def test_nobody_touches_anothers_mailing_and_viewers_none(
    app: Flask, owner: User, signed_in: SignedIn, path: str, status: int
) -> None:
    address = f"/mailings/{draft_of(app, owner)}/{path}"

    assert signed_in().post(address).status_code == status
    assert signed_in(Role.VIEWER).post(address).status_code == 403
