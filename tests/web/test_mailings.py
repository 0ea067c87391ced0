"""Can a mailing be written on the pages, by those who may, without losing anything that was typed?"""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain.users import User
from dashboard.models import Role, State
from tests.factories import SignedIn, make_actor
from tests.factories_mailings import all_mailings, draft_of, followed, knocks, mailing_of, set_state, written
from tests.support.engine import add_clients


def test_a_draft_is_kept_as_it_was_written_with_times_of_the_users_clock(app: Flask, browser: FlaskClient) -> None:
    answer = browser.post("/mailings/new", data=written())

    (kept,) = all_mailings(app)
    assert answer.location == f"/mailings/{kept.id}"
    assert (kept.title, kept.text, kept.state) == ("Spring sale", "Dear {{name}},\ncome and see", State.DRAFT)
    assert kept.starts_at == datetime(2030, 5, 1, 7, 0, tzinfo=UTC)
    assert kept.ends_at == datetime(2030, 5, 2, 18, 30, tzinfo=UTC)
    assert (kept.window_from, kept.window_to, kept.tags) == (time(9), time(21), ["vip"])


def test_to_save_and_schedule_is_one_press_and_knocks_at_the_workers(app: Flask, browser: FlaskClient) -> None:
    answer = browser.post("/mailings/new", data=written(action="schedule"))

    assert "The mailing is scheduled." in followed(browser, answer)
    assert [mailing.state for mailing in all_mailings(app)] == [State.SCHEDULED]
    assert knocks(app) == 1


def test_a_launch_after_the_end_is_refused_beside_the_field_and_saves_nothing(
    app: Flask, browser: FlaskClient
) -> None:
    past = {"starts_at": "2020-05-01T10:00", "ends_at": "2020-05-02T10:00"}

    answer = browser.post("/mailings/new", data=written(action="schedule", **past))

    assert answer.status_code == 422
    assert "The end has already passed" in answer.text
    assert all_mailings(app) == []


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"title": ""}, "The mailing needs a title"),
        ({"text": " "}, "The message needs a text"),
        ({"text": "x" * 671}, "The text is too long (at most 670 characters)"),
        ({"starts_at": ""}, "Say when the mailing starts"),
        ({"starts_at": "tomorrow"}, "This is no date or time that can be read"),
        ({"starts_at": "2030-02-30T10:00"}, "This is no date or time that can be read"),
        ({"starts_at": "0001-01-01T00:00"}, "This is no date or time that can be read"),
        ({"ends_at": "2030-04-01T10:00"}, "The end must lie after the start"),
        ({"window_to": ""}, "Give both ends of the window, or neither"),
        ({"window_to": "25:00"}, "This is no date or time that can be read"),
        ({"tags": []}, "Choose at least one tag or operator code, or everybody"),
        ({"operator_codes": ["9x0"]}, "An operator code is three digits"),
        # On 31 March 2030 Berlin's clocks go from two to three.
        ({"timezone": "Europe/Berlin", "starts_at": "2030-03-31T02:30"}, "there is no such time that day"),
    ],
)
def test_a_fault_is_named_beside_its_field_and_what_was_typed_stays(
    app: Flask, browser: FlaskClient, changes: dict[str, object], words: str
) -> None:
    typed = written(**changes)

    answer = browser.post("/mailings/new", data=typed)

    assert answer.status_code == 422
    assert words in answer.text
    assert "come and see" in answer.text or "text" in changes
    assert 'value="2030-05-02T21:30"' in answer.text or "ends_at" in changes
    assert all_mailings(app) == []


def test_all_faults_are_named_at_once_and_none_of_them_twice(browser: FlaskClient) -> None:
    answer = browser.post("/mailings/new", data=written(title="", starts_at="garbage", tags=[]))

    for words in ("needs a title", "no date or time", "Choose at least one tag"):
        assert answer.text.count(words) == 1
    assert "Say when the mailing starts" not in answer.text


def test_the_zone_of_the_page_counts_even_if_the_user_has_chosen_another_meanwhile(
    app: Flask, browser: FlaskClient
) -> None:
    page = browser.get("/mailings/new").text
    browser.post("/preferences", data={"timezone": "Asia/Vladivostok"})

    browser.post("/mailings/new", data=written())

    assert 'name="timezone" type="hidden" value="Europe/Moscow"' in page
    assert all_mailings(app)[0].starts_at == datetime(2030, 5, 1, 7, 0, tzinfo=UTC)


def test_a_draft_comes_back_as_it_was_kept_and_may_be_changed(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    times = {"starts_at": datetime(2030, 5, 1, 7, tzinfo=UTC), "ends_at": datetime(2030, 5, 3, tzinfo=UTC)}
    mailing_id = draft_of(app, owner, window_from=time(9), window_to=time(21, 30), **times)

    page = browser.get(f"/mailings/{mailing_id}/edit").text
    browser.post(f"/mailings/{mailing_id}/edit", data=written(version="1", title="Autumn sale"))

    assert 'value="2030-05-01T10:00"' in page
    assert 'value="21:30"' in page
    assert "Europe/Moscow" in page
    assert (mailing_of(app, mailing_id).title, mailing_of(app, mailing_id).version) == ("Autumn sale", 2)


def test_an_untouched_time_stays_what_it_was_to_the_microsecond_and_in_the_repeated_hour(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    # 02:30 comes twice in Berlin on 27 October 2030; this is the second time.
    second = datetime(2030, 10, 27, 1, 30, 0, 123456, tzinfo=UTC)
    browser.post("/preferences", data={"timezone": "Europe/Berlin"})
    mailing_id = draft_of(app, owner, starts_at=second, ends_at=second + timedelta(days=1))
    typed = written(
        version="1", timezone="Europe/Berlin", starts_at="2030-10-27T02:30", ends_at="2030-10-29T10:00"
    )

    browser.post(f"/mailings/{mailing_id}/edit", data=typed)

    assert mailing_of(app, mailing_id).starts_at == second


def test_who_saves_second_is_told_and_keeps_what_they_typed(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = draft_of(app, owner)
    browser.post(f"/mailings/{mailing_id}/edit", data=written(version="1", title="From the first"))

    answer = browser.post(
        f"/mailings/{mailing_id}/edit", data=written(version="1", title="From the second", text="Mine")
    )

    assert answer.status_code == 409
    assert "Somebody else has changed this mailing meanwhile" in answer.text
    assert 'value="From the second"' in answer.text
    assert "Mine</textarea>" in answer.text
    assert mailing_of(app, mailing_id).title == "From the first"


def test_who_saves_after_the_launch_is_told_and_keeps_what_they_typed(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner)
    browser.post(f"/mailings/{mailing_id}/schedule")

    answer = browser.post(f"/mailings/{mailing_id}/edit", data=written(version="1", text="Mine"))

    assert answer.status_code == 409
    assert "The mailing is no longer a draft" in answer.text
    assert "Mine</textarea>" in answer.text


def test_the_form_of_what_is_no_draft_leads_to_its_page(app: Flask, owner: User, browser: FlaskClient) -> None:
    mailing_id = draft_of(app, owner)
    set_state(app, mailing_id, State.RUNNING)

    answer = browser.get(f"/mailings/{mailing_id}/edit")

    assert "The mailing is no longer a draft" in followed(browser, answer)


def test_a_new_mailing_begins_with_a_window_in_which_nobody_is_woken(browser: FlaskClient) -> None:
    page = browser.get("/mailings/new").text

    assert 'value="09:00"' in page
    assert 'value="21:00"' in page


def test_the_audience_is_counted_while_the_rest_of_the_form_is_still_empty(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    with app.app_context():
        add_clients(owner.actor, 10)
        add_clients(make_actor(), 3)

    by_tag = browser.post("/mailings/preview", data={"tags": "vip", "title": "", "starts_at": "garbage"})
    by_both = browser.post("/mailings/preview", data={"tags": "vip", "operator_codes": ["900", "901"]})
    nobody = browser.post("/mailings/preview", data={"tags": "vip", "operator_codes": "977"})
    unchosen = browser.post("/mailings/preview", data={})
    everybody = browser.post("/mailings/preview", data={"everybody": "y", "tags": "gone\0"})

    counts = [
        answer.text.partition('audience-count">')[2].partition("<")[0]
        for answer in (by_tag, by_both, nobody, unchosen, everybody)
    ]
    assert counts == ["10", "4", "0", "0", "10"]
    assert "+7 900 000-00-00" in by_tag.text
    assert '<span class="tag">vip</span>' in by_tag.text
    assert "Choose tags, operator codes, or everybody." in unchosen.text
    assert "<html" not in by_tag.text


def test_an_administrator_who_edits_anothers_mailing_chooses_among_the_owners_clients(
    app: Flask, owner: User, signed_in: SignedIn
) -> None:
    mailing_id = draft_of(app, owner)
    with app.app_context():
        add_clients(owner.actor, 2, tag="the owner's")
    administrator = signed_in(Role.ADMINISTRATOR)

    page = administrator.get(f"/mailings/{mailing_id}/edit").text
    own_page = administrator.get("/mailings/new").text
    counted = administrator.post(f"/mailings/preview?mailing_id={mailing_id}", data={"everybody": "y"})

    assert 'value="the owner&#39;s"' in page
    assert "the owner&#39;s" not in own_page
    assert f"/mailings/preview?mailing_id={mailing_id}" in page
    assert 'audience-count">2<' in counted.text


def test_a_chosen_tag_that_nobody_bears_any_more_stays_on_offer(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    mailing_id = draft_of(app, owner, tags=("long gone",))

    assert 'value="long gone" checked' in browser.get(f"/mailings/{mailing_id}/edit").text


def test_a_form_that_is_sent_twice_makes_one_mailing(app: Flask, browser: FlaskClient) -> None:
    data = written(form_key="0123456789abcdef" * 2)

    first = browser.post("/mailings/new", data={**data, "action": "schedule"})
    second = browser.post("/mailings/new", data={**data, "action": "schedule"})

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(all_mailings(app)) == 1


def test_a_form_that_was_changed_and_sent_again_makes_another_only_when_pressed_again(
    app: Flask, browser: FlaskClient
) -> None:
    data = written(form_key="0123456789abcdef" * 2)
    first = browser.post("/mailings/new", data={**data, "action": "save"})

    refused = browser.post("/mailings/new", data={**data, "title": "Another", "action": "save"})
    fresh_key = re.search(r'name="form_key" type="hidden" value="([0-9a-f]{32})"', refused.text)
    assert fresh_key, refused.text
    again = browser.post(
        "/mailings/new", data={**data, "title": "Another", "form_key": fresh_key[1], "action": "save"}
    )

    assert refused.status_code == 409
    assert 'value="Another"' in refused.text
    assert again.status_code == 303
    assert again.location != first.location
    assert [mailing.title for mailing in all_mailings(app)] == ["Spring sale", "Another"]
