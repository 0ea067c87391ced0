"""Does the form show what would come of it, and is nothing that was typed ever lost?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.database import db, transaction
from dashboard.domain import brakes, headcount, limits, trials
from dashboard.domain.limits import Limits
from dashboard.domain.users import User
from dashboard.jobs import queues, tasks
from dashboard.models import Mailing, RateUnit, Role, State, TimeBasis
from tests.factories import SignedIn, make_actor
from tests.factories_mailings import all_mailings, draft_of, followed, mailing_of, written
from tests.support.engine import add_clients, fan_out_all, make_draft

KEY = "0123456789abcdef" * 2


@pytest.fixture
def clients(app: Flask, owner: User) -> None:
    with app.app_context():
        add_clients(owner.actor, 10)


def preview(browser: FlaskClient, **changes: object) -> str:
    answer = browser.post("/mailings/preview", data=written(**changes))
    assert answer.status_code == 200
    return " ".join(answer.text.split())


@pytest.mark.usefixtures("clients")
def test_the_preview_tells_audience_text_parts_and_plan_at_once(browser: FlaskClient) -> None:
    shown = preview(browser, text="Dear {{name}} — {{nmae}}")

    assert 'audience-count">10<' in shown
    assert "No client here has an attribute “{{nmae}}”" in shown
    assert "Did you mean {{name}}?" in shown
    assert '<kbd class="letter">—</kbd>' in shown
    assert 'id="preview-plan"' in shown
    assert "<html" not in shown


@pytest.mark.usefixtures("clients")
def test_the_plan_and_the_reading_are_in_words(browser: FlaskClient) -> None:
    shown = preview(browser, text="Dear {{name}}", rate_limit="5")

    assert "As +7 900 000-00-00 will read it, in 1 part:" in shown
    assert "Dear N0" in shown
    assert "Everybody is reached before the end." in shown
    assert "May 1, 2030, 10:00–21:00" in shown


@pytest.mark.usefixtures("clients")
def test_what_hurts_is_said_before_the_button(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        limits.change(make_actor(Role.ADMINISTRATOR), Limits(approval_above=1))
    bold = {
        "everybody": "y",
        "window_from": "",
        "window_to": "",
        "budget_parts": "3",
        "starts_at": "2020-01-01T10:00",
    }

    shown = preview(browser, **bold)

    for words in (
        "It addresses everybody",
        "It may arrive between 21:00 and 09:00 in 1 time zone: Europe/Moscow.",
        "It needs 10 parts, more than its budget of 3",
        "another administrator has to approve it",
        "The start has passed",
    ):
        assert words in shown


@pytest.mark.usefixtures("clients")
def test_the_same_is_said_on_its_page_before_a_saved_mailing_is_scheduled_or_approved(
    app: Flask, owner: User, browser: FlaskClient, signed_in: SignedIn
) -> None:
    with app.app_context():
        limits.change(make_actor(Role.ADMINISTRATOR), Limits(approval_above=1, frequency_cap=2, frequency_days=7))
    mailing_id = draft_of(app, owner, tags=(), everybody=True, budget_parts=3)
    page = browser.get(f"/mailings/{mailing_id}").text

    asked = browser.get(f"/mailings/{mailing_id}/cautions").text
    browser.post(f"/mailings/{mailing_id}/schedule")
    administrator = signed_in(Role.ADMINISTRATOR)
    approval = administrator.get(f"/mailings/{mailing_id}").text
    before_approval = administrator.get(f"/mailings/{mailing_id}/cautions").text

    for shown in (asked, before_approval):
        assert "It addresses everybody" in shown
        assert "It needs 10 parts, more than its budget of 3" in shown
        assert "limited (messages: 2, days: 7)" in shown
    assert ("has to approve it" in asked, "has to approve it" in before_approval) == (True, False)
    for dialog, shown in (("schedule", page), ("approve", approval)):
        opener = shown.partition(f'data-opens="{dialog}"')[2].partition(">")[0]
        assert f'hx-get="/mailings/{mailing_id}/cautions" hx-target="#{dialog}-asked"' in opener
        assert f'id="{dialog}-asked"' in shown


@pytest.mark.parametrize(
    "nonsense", [{"starts_at": "x"}, {"rate_limit": "-1"}, {"window_to": "25:99"}, {"text": "{{"}]
)
@pytest.mark.usefixtures("clients")
def test_a_half_filled_form_has_a_preview(browser: FlaskClient, nonsense: dict[str, str]) -> None:
    assert 'audience-count">10<' in preview(browser, **nonsense)


def test_limits_exclusions_and_the_clients_clock_are_kept_and_come_back(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 2)
        earlier = fan_out_all(owner.actor, title="Winter sale")
    fields = {"rate_limit": "1 000", "rate_unit": "parts", "canary_size": "50", "budget_parts": "9000"}
    left_out = {"excluded_tags": ["tired"], "excluded_mailing_id": str(earlier)}

    browser.post("/mailings/new", data=written(time_basis="client", **fields, **left_out))

    kept = all_mailings(app)[-1]
    assert (kept.rate_limit, kept.rate_unit, kept.canary_size, kept.budget_parts) == (
        1000,
        RateUnit.PARTS,
        50,
        9000,
    )
    assert (kept.excluded_tags, kept.excluded_mailing_id) == (["tired"], earlier)
    assert kept.time_basis is TimeBasis.CLIENT
    assert str(kept.starts_wall) == "2030-05-01 10:00:00"
    page = browser.get(f"/mailings/{kept.id}/edit").text
    assert 'value="client" checked' in page
    assert 'value="2030-05-01T10:00"' in page
    assert f'<option selected value="{earlier}">Winter sale</option>' in page


def test_a_draft_by_the_clients_clock_does_not_silently_become_one_of_an_instant(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    browser.post("/mailings/new", data=written(time_basis="client"))
    (mailing,) = all_mailings(app)
    page = browser.get(f"/mailings/{mailing.id}/edit").text
    basis = re.search(r'name="time_basis" value="(\w+)" checked', page)
    assert basis

    browser.post(f"/mailings/{mailing.id}/edit", data=written(version="1", time_basis=basis[1], title="Renamed"))

    changed = mailing_of(app, mailing.id)
    assert (changed.title, changed.time_basis) == ("Renamed", TimeBasis.CLIENT)
    listed = browser.get("/mailings").text
    assert "by each client's clock" in listed


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rate_limit": "fast"}, "This is no whole number"),
        ({"rate_limit": "0"}, "Give a whole number from 1 to 100,000"),
        ({"canary_size": "1.5"}, "This is no whole number"),
        ({"budget_parts": "9" * 12}, "Give a whole number from 1 to 1,000,000,000"),
        ({"excluded_mailing_id": "77"}, "Choose a mailing that has selected its clients already"),
        ({"excluded_mailing_id": "x"}, "Choose a mailing that has selected its clients already"),
        ({"time_basis": "client", "starts_at": ""}, "Say when the mailing starts"),
        ({"time_basis": "client", "ends_at": "2030-04-01T10:00"}, "The end must lie after the start"),
    ],
)
def test_a_fault_of_a_new_field_is_named_beside_it(
    app: Flask, browser: FlaskClient, changes: dict[str, str], words: str
) -> None:
    answer = browser.post("/mailings/new", data=written(**changes))

    assert answer.status_code == 422
    assert answer.text.count(words) == 1
    assert all_mailings(app) == []


def test_what_was_typed_is_there_again_after_a_crash_however_unfinished(app: Flask, browser: FlaskClient) -> None:
    typed = {**written(form_key=KEY), "starts_at": "garbage", "title": "Half a ti", "text": ""}
    kept = browser.post("/mailings/keep", data=typed)

    offered = browser.get("/mailings/new").text
    page = browser.get(f"/mailings/new?form={KEY}").text

    assert re.search(r"Kept at \d\d:\d\d", kept.text)
    assert "You were writing “Half a ti” until" in offered
    assert f"/mailings/new?form={KEY}" in offered
    assert 'value="Half a ti"' in page
    assert 'value="garbage"' in page
    assert 'value="vip" checked' in page
    assert f'name="form_key" type="hidden" value="{KEY}"' in page


def test_an_unsaved_change_of_a_draft_comes_back_with_its_form_and_can_be_discarded(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner, title="As saved")
    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=written(version="1", title="As typed"))

    page = browser.get(f"/mailings/{mailing_id}/edit").text
    asked = page.partition('<dialog class="confirm" id="discard"')[2].partition("</dialog>")[0]
    browser.post(f"/mailings/discard?mailing_id={mailing_id}")

    assert 'value="As typed"' in page
    assert f'action="/mailings/discard?mailing_id={mailing_id}"' in asked
    assert page.count("/mailings/discard") == 1
    assert "It has not been saved yet." in page
    after = browser.get(f"/mailings/{mailing_id}/edit").text
    assert 'value="As saved"' in after
    assert "It has not been saved yet." not in after


def test_what_somebody_else_has_saved_meanwhile_is_told_as_soon_as_the_unsaved_change_is_shown_again(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    address = f"/mailings/{mailing_id}/edit"
    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=written(version="1", title="As typed"))
    alone = browser.get(address).text
    browser.post(address, data=written(version="1", title="Theirs"))
    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=written(version="1", title="As typed"))

    page = browser.get(address).text
    version = re.search(r'name="version" type="hidden" value="(\d+)"', page)
    assert version
    saved = browser.post(address, data=written(version=version[1], title="As typed"))

    assert "Saved meanwhile by somebody else" not in alone
    assert 'value="As typed"' in page
    assert "<dd>Theirs</dd>" in page
    assert saved.status_code == 303


def test_the_page_of_a_draft_says_what_is_not_part_of_it_yet(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner, title="As saved")
    before = browser.get(f"/mailings/{mailing_id}").text
    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=written(version="1", title="As typed"))

    page = browser.get(f"/mailings/{mailing_id}").text

    assert "not part of this draft" in page
    assert "not part of this draft" not in before


def test_a_saved_mailing_leaves_no_unsaved_form_behind(app: Flask, browser: FlaskClient) -> None:
    browser.post("/mailings/keep", data=written(form_key=KEY))
    browser.post("/mailings/new", data=written(form_key=KEY))
    late = browser.post("/mailings/keep", data=written(form_key=KEY))

    assert "Kept at" not in late.text
    assert "You were writing" not in browser.get("/mailings/new").text


def test_a_keystroke_that_arrives_after_its_saving_is_no_unsaved_change(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    typed = written(version="1", time_basis="instant", rate_unit="messages", title="Saved ")
    browser.post(f"/mailings/{mailing_id}/edit", data=typed)

    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=typed)

    assert "It has not been saved yet." not in browser.get(f"/mailings/{mailing_id}/edit").text


def test_what_is_kept_by_itself_touches_neither_the_draft_nor_its_version(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner, title="As saved")

    browser.post(f"/mailings/keep?mailing_id={mailing_id}", data=written(version="1", title="As typed"))

    assert (mailing_of(app, mailing_id).title, mailing_of(app, mailing_id).version) == ("As saved", 1)


def test_nobody_keeps_or_reads_the_forms_of_others(
    app: Flask, owner: User, browser: FlaskClient, signed_in: SignedIn
) -> None:
    mailing_id = draft_of(app, owner)
    browser.post("/mailings/keep", data=written(form_key=KEY, title="Secret plan"))
    stranger = signed_in()

    assert "Secret plan" not in stranger.get(f"/mailings/new?form={KEY}").text
    assert stranger.post(f"/mailings/keep?mailing_id={mailing_id}", data=written()).status_code == 404


def test_who_saves_second_sees_what_the_first_has_changed_and_may_save_again(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    address = f"/mailings/{mailing_id}/edit"
    browser.post(address, data=written(version="1", title="Theirs", rate_limit="9"))

    refused = browser.post(address, data=written(version="1", title="Mine"))
    version = re.search(r'name="version" type="hidden" value="(\d+)"', refused.text)
    assert version
    again = browser.post(address, data=written(version=version[1], title="Mine"))

    assert refused.status_code == 409
    assert "<dd>Theirs</dd>" in refused.text
    assert "<dd>9</dd>" in refused.text
    assert 'value="Mine"' in refused.text
    assert again.status_code == 303
    assert mailing_of(app, mailing_id).title == "Mine"


def test_a_launch_from_the_page_refuses_what_has_changed_since_it_was_shown(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    page = browser.get(f"/mailings/{mailing_id}").text
    browser.post(f"/mailings/{mailing_id}/edit", data=written(version="1", text="Not what was read"))

    answer = browser.post(f"/mailings/{mailing_id}/schedule?version=1")

    assert f"/mailings/{mailing_id}/schedule?version=1" in page
    assert "has been changed since you looked at it" in followed(browser, answer)
    assert mailing_of(app, mailing_id).state is State.DRAFT


def test_a_copy_opens_in_its_form_under_a_title_of_its_own(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = draft_of(app, owner, title="Spring sale")

    answer = browser.post(f"/mailings/{mailing_id}/copy")

    copied = all_mailings(app)[-1]
    assert answer.location == f"/mailings/{copied.id}/edit"
    assert 'value="Spring sale (copy)"' in followed(browser, answer)


@pytest.mark.usefixtures("clients")
def test_a_test_send_goes_through_the_background_queue_and_tells_its_outcome(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    asked = browser.post("/mailings/trials", data={**written(), "trial_phone": "8 999 123-45-67"})
    path = re.search(r'hx-get="(/mailings/trials/\d+)"', asked.text)
    assert path
    with app.app_context():
        queued = queues.queue(queues.BACKGROUND).jobs
        assert [job.func_name.rsplit(".")[-1] for job in queued] == ["send_trial"]
        tasks.send_trial(*queued[0].args)  # nothing listens at the gateway's address here

    told = browser.get(path[1])

    assert "On its way to +7 999 123-45-67" in asked.text
    assert "Not sent to +7 999 123-45-67: The gateway refuses the connection." in told.text
    assert "hx-get" not in told.text
    assert 'value="+7 999 123-45-67"' in browser.get("/mailings/new").text


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"trial_phone": "12"}, "This is no phone number"),
        ({"text": ""}, "The message needs a text"),
        ({"tags": []}, "There is no recipient yet"),
    ],
)
@pytest.mark.usefixtures("clients")
def test_why_nothing_is_sent_is_said_beside_the_phone(
    browser: FlaskClient, changes: dict[str, object], words: str
) -> None:
    answer = browser.post("/mailings/trials", data={**written(), "trial_phone": "89991234567", **changes})

    assert words in answer.text


@pytest.mark.usefixtures("clients")
def test_while_everything_is_stopped_no_test_leaves(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        brakes.stop_everything(make_actor(Role.ADMINISTRATOR))

    answer = browser.post("/mailings/trials", data={**written(), "trial_phone": "89991234567"})

    assert "Everything has been stopped" in answer.text


@pytest.mark.usefixtures("clients")
def test_a_test_send_of_others_is_not_there(app: Flask, owner: User, signed_in: SignedIn) -> None:
    with app.app_context():
        trial_id = trials.begin(owner.actor, make_draft(), owner.id, "89991234567")

    assert signed_in().get(f"/mailings/trials/{trial_id}").status_code == 404


def test_a_mailing_is_found_by_a_word_of_its_title_in_either_case(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    draft_of(app, owner, title="Осенняя распродажа")
    draft_of(app, owner, title="Spring sale 100%")

    assert "Осенняя" in browser.get("/mailings?q=осенняя").text
    assert "Осенняя" not in browser.get("/mailings?q=spring").text
    assert "Spring sale" in browser.get("/mailings?q=100%25").text
    assert "Spring sale" in browser.get("/mailings?q=SPRING&state=draft").text
    assert "No title contains that" in browser.get("/mailings?q=winter").text


def test_the_list_says_what_comes_next_and_lets_one_copy_from_there(
    app: Flask, owner: User, browser: FlaskClient, signed_in: SignedIn
) -> None:
    mailing_id = draft_of(app, owner)
    with app.app_context(), transaction():
        db.session.get_one(Mailing, mailing_id).title = "Mine"

    listed, looked_at = browser.get("/mailings").text, signed_in(Role.VIEWER).get("/mailings").text

    assert "<span>starts " in listed
    assert f"/mailings/{mailing_id}/copy" in listed
    assert f"/mailings/{mailing_id}/edit" in listed
    assert "/copy" not in looked_at
    assert "/edit" not in looked_at


@pytest.mark.usefixtures("clients")
def test_a_preview_that_has_found_nobody_yet_claims_nothing_and_goes_on(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headcount, "AT_ONCE", 1)

    shown = preview(browser, everybody="y", excluded_tags="vip")

    assert '<div class="audience-count">…</div>' in shown
    assert "Counting all of them" in shown
    assert "nobody matches" not in shown.lower()
