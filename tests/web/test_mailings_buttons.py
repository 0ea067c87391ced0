"""Can a mailing be found and told what to do on the pages, by those who may, and also twice at once?"""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import clock
from dashboard.domain.mailings import TRANSITIONS, Verb
from dashboard.domain.users import User
from dashboard.models import Role, State
from tests.factories import SignedIn
from tests.factories_mailings import all_mailings, draft_of, followed, knocks, mailing_of, set_state, written


@pytest.mark.parametrize("verb", list(Verb))
def test_a_button_moves_the_mailing_and_knocks(app: Flask, owner: User, browser: FlaskClient, verb: Verb) -> None:
    sources, target = TRANSITIONS[verb]
    mailing_id = draft_of(app, owner)
    set_state(app, mailing_id, sources[0])

    answer = browser.post(f"/mailings/{mailing_id}/{verb}")

    assert answer.location == f"/mailings/{mailing_id}"
    assert mailing_of(app, mailing_id).state is target
    assert knocks(app) == 1


@pytest.mark.parametrize("verb", list(Verb))
def test_to_press_twice_is_to_press_once(app: Flask, owner: User, browser: FlaskClient, verb: Verb) -> None:
    mailing_id = draft_of(app, owner)
    set_state(app, mailing_id, TRANSITIONS[verb][0][0])
    browser.post(f"/mailings/{mailing_id}/{verb}")

    page = followed(browser, browser.post(f"/mailings/{mailing_id}/{verb}"))

    assert "note-error" not in page
    assert re.search(r"This mailing (is \w+|is a draft|goes on) already\.", page)
    assert mailing_of(app, mailing_id).state is TRANSITIONS[verb][1]


def test_who_presses_too_late_is_told_in_a_sentence_on_the_page_as_it_is_now(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    set_state(app, mailing_id, State.FINISHED)

    page = followed(browser, browser.post(f"/mailings/{mailing_id}/pause"))

    assert "This mailing is not running" in page
    assert "Finished" in page


def test_a_draft_whose_end_has_passed_says_so_when_it_is_scheduled(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    past = clock.now() - timedelta(hours=2)
    mailing_id = draft_of(app, owner, starts_at=past, ends_at=past + timedelta(hours=1))

    assert "The end has already passed" in followed(browser, browser.post(f"/mailings/{mailing_id}/schedule"))


def test_a_draft_is_deleted_and_what_was_scheduled_is_not(app: Flask, owner: User, browser: FlaskClient) -> None:
    draft_id, scheduled_id = draft_of(app, owner), draft_of(app, owner)
    browser.post(f"/mailings/{scheduled_id}/schedule")

    gone = followed(browser, browser.post(f"/mailings/{draft_id}/delete"))
    kept = followed(browser, browser.post(f"/mailings/{scheduled_id}/delete"))

    assert "The draft is deleted." in gone
    assert "The mailing is no longer a draft" in kept
    assert [mailing.id for mailing in all_mailings(app)] == [scheduled_id]


ADDRESSES = [
    ("GET", "/mailings/{}"),
    ("GET", "/mailings/{}/edit"),
    ("POST", "/mailings/{}/edit"),
    ("GET", "/mailings/{}/live"),
    ("GET", "/mailings/{}/chart"),
    ("GET", "/mailings/{}/messages"),
    ("POST", "/mailings/{}/delete"),
    ("POST", "/mailings/preview?mailing_id={}"),
    *(("POST", f"/mailings/{{}}/{verb}") for verb in Verb),
]


@pytest.mark.parametrize("method, address", ADDRESSES)
def test_anothers_mailing_is_not_found(
    app: Flask, owner: User, signed_in: SignedIn, method: str, address: str
) -> None:
    mailing_id = draft_of(app, owner)

    answer = signed_in().open(address.format(mailing_id), method=method, data=written())

    assert answer.status_code == 404
    assert [(mailing.state, mailing.version) for mailing in all_mailings(app)] == [(State.DRAFT, 1)]


@pytest.mark.parametrize("method, address", ADDRESSES)
def test_a_viewer_looks_and_changes_nothing(
    app: Flask, owner: User, signed_in: SignedIn, method: str, address: str
) -> None:
    mailing_id = draft_of(app, owner)

    answer = signed_in(Role.VIEWER).open(address.format(mailing_id), method=method, data=written())

    is_for_writing = method == "POST" or address.endswith("/edit")
    assert answer.status_code == (403 if is_for_writing else 200)
    assert [(mailing.state, mailing.version) for mailing in all_mailings(app)] == [(State.DRAFT, 1)]


def test_a_viewer_is_offered_no_button(app: Flask, owner: User, signed_in: SignedIn) -> None:
    mailing_id = draft_of(app, owner)
    viewer = signed_in(Role.VIEWER)

    page = viewer.get(f"/mailings/{mailing_id}").text

    assert f'href="/mailings/{mailing_id}/edit"' not in page
    assert f'action="/mailings/{mailing_id}/' not in page
    assert viewer.get("/mailings/new").status_code == 403


def test_the_list_is_narrowed_by_state_and_turned_page_by_page(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    for number in range(31):
        draft_of(app, owner, title=f"Mailing {number}.")

    first = browser.get("/mailings?state=draft").text
    oldest = browser.get("/mailings?state=draft&before=2").text

    assert "Mailing 30." in first
    assert "Mailing 0." not in first
    assert "/mailings?state=draft&amp;before=2" in first
    assert "Mailing 0." in oldest
    assert "None in this state" in browser.get("/mailings?state=running").text
    assert "Mailing 30." in browser.get("/mailings?state=nonsense&before=x").text


@pytest.mark.parametrize("number", ["0", str(2**31), str(2**63), "9" * 40])
def test_a_number_that_nothing_can_have_is_not_found(browser: FlaskClient, number: str) -> None:
    assert browser.get(f"/mailings/{number}").status_code == 404
    assert browser.get(f"/mailings?before={number}").status_code == 200
