"""Do the pages of the directory show what is there, and keep what was typed?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import clients, stop_list
from dashboard.domain.permissions import Actor
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import SignedIn, make_actor
from tests.factories_clients import make_client, numbered
from tests.support.engine import add_clients, arm, fan_out_all, settle

TYPED = {
    "phone": "8 999 123-45-67",
    "operator_code": "",
    "tags": "vip, Весна; vip",
    "timezone": "GMT+3",
    "attributes-0-name": "name",
    "attributes-0-value": "Anna",
    "attributes-7-name": "city",
    "attributes-7-value": "Omsk",
    "attributes-8-name": "",
    "attributes-8-value": "",
}


def add(app: Flask, actor: Actor, *args: str, **more: str) -> int:
    with app.app_context():
        return make_client(actor, *args, **more)


def version_in(form: str) -> dict[str, str]:
    """What the form says it has read."""
    found = re.search(r'name="version" value="([^"]+)"', form)
    assert found
    return {"version": found[1]}


def test_a_client_is_added_as_typed(app: Flask, browser: FlaskClient, owner: User) -> None:
    answer = browser.post("/clients/new", data=TYPED)

    page = browser.get(answer.location).text
    assert answer.status_code == 303
    assert "+7 999 123-45-67" in page
    assert "UTC+03:00" in page
    assert "Весна" in page
    assert "Anna" in page
    assert "Omsk" in page


def test_a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field(browser: FlaskClient) -> None:
    answer = browser.post("/clients/new", data=TYPED | {"phone": "12<3", "timezone": "Moon"})

    assert answer.status_code == 422
    for kept in ('value="12&lt;3"', 'value="Moon"', 'value="vip, Весна; vip"', 'value="Anna"', 'value="Omsk"'):
        assert kept in answer.text
    assert "This is no phone number" in answer.text
    assert "No such time zone" in answer.text
    assert 'aria-describedby="phone-errors' in answer.text


def test_a_phone_that_is_taken_is_told_beside_it(app: Flask, browser: FlaskClient, owner: User) -> None:
    add(app, owner.actor, "79991234567")

    answer = browser.post("/clients/new", data=TYPED)

    assert answer.status_code == 422
    assert "You already have a client with this phone" in answer.text


def test_an_attribute_named_twice_loses_no_value(browser: FlaskClient) -> None:
    answer = browser.post("/clients/new", data=TYPED | {"attributes-7-name": "name"})

    assert answer.status_code == 422
    assert "Two attributes have the same name" in answer.text
    assert 'value="Omsk"' in answer.text


def test_the_form_of_a_client_shows_all_of_it_and_saves_changes(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    client_id = add(app, owner.actor, "79991234567", "vip", "old", name="Anna")

    form = browser.get(f"/clients/{client_id}/edit").text
    answer = browser.post(
        f"/clients/{client_id}/edit",
        data=version_in(form)
        | {"phone": "79991234567", "operator_code": "916", "tags": "new", "timezone": "Asia/Omsk"},
    )

    for shown in ('value="79991234567"', 'value="old, vip"', 'value="Europe/Moscow"', 'value="Anna"'):
        assert shown in form
    assert answer.location == f"/clients/{client_id}"
    with app.app_context():
        client = clients.get(owner.actor, client_id)
    assert (client.operator_code, client.tags, client.attributes) == ("916", ("new",), {})


def test_deleting_leads_back_to_the_list(app: Flask, browser: FlaskClient, owner: User) -> None:
    client_id = add(app, owner.actor)

    answer = browser.post(f"/clients/{client_id}/delete")

    assert answer.location == "/clients"
    assert browser.get(f"/clients/{client_id}").status_code == 404


def test_the_stop_list_is_changed_from_the_clients_page(app: Flask, browser: FlaskClient, owner: User) -> None:
    client_id = add(app, owner.actor, "79991234567")

    browser.post(f"/clients/{client_id}/stop-list")
    listed_page = browser.get(f"/clients/{client_id}").text
    browser.post(f"/clients/{client_id}/unlist")

    assert "On the stop list since" in listed_page
    with app.app_context():
        assert not stop_list.is_listed("79991234567")


def test_filters_and_pages_can_be_linked_to(app: Flask, browser: FlaskClient, owner: User) -> None:
    for number in range(60):
        add(app, owner.actor, numbered(number), "vip")
    add(app, owner.actor, "79160000000", "other")

    first = browser.get("/clients?tag=vip&code=900&timezone=Europe/Moscow&q=7900")
    link = first.text.split('hx-get="/clients?')[1].split('"')[0].replace("&amp;", "&")
    second = browser.get(f"/clients?{link}").text

    assert "79160000000" not in first.text
    assert '<option value="vip" selected>' in first.text
    assert first.text.count('class="row-link') == 50
    assert second.count('class="row-link') == 10
    assert "tag=vip" in second
    assert "Found: 60" in second


def test_htmx_gets_only_the_list(app: Flask, browser: FlaskClient, owner: User) -> None:
    add(app, owner.actor, "79991234567")

    part = browser.get("/clients?q=999", headers={"HX-Request": "true"})
    restored = browser.get("/clients?q=999", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert part.text.lstrip().startswith("<div")
    assert "+7 999 123-45-67" in part.text
    assert "HX-Request" in part.headers["Vary"]
    assert "<!doctype html>" in restored.text.lower()


def test_the_list_shows_some_of_many_tags_and_how_many_more_there_are(
    app: Flask, owner: User, browser: FlaskClient
) -> None:
    tags = [f"tag{number:02}" for number in range(20)]
    with app.app_context():
        client_id = make_client(owner.actor, "79991234567", *tags)

    listed, whole = browser.get("/clients").text, browser.get(f"/clients/{client_id}").text

    assert '<span class="tag">tag07</span><span class="soft small">and 12 more</span>' in listed
    assert '<span class="tag">tag19</span>' in whole


@pytest.mark.parametrize(
    "query", ["before=0", "before=x", f"after={10**30}", "q=%00", "tag=%ff", "code=" + "9" * 999]
)
def test_a_strange_address_is_answered(browser: FlaskClient, query: str) -> None:
    assert browser.get(f"/clients?{query}").status_code == 200


def test_an_empty_list_says_what_to_do_next(browser: FlaskClient) -> None:
    assert "/imports/new" in browser.get("/clients").text
    assert "Nobody matches" in browser.get("/clients?q=12345").text


def test_others_clients_are_not_found(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        client_id = make_client(make_actor())

    assert browser.get(f"/clients/{client_id}").status_code == 404
    assert browser.get(f"/clients/{client_id}/edit").status_code == 404
    assert browser.post(f"/clients/{client_id}/delete").status_code == 404
    assert browser.post(f"/clients/{client_id}/stop-list").status_code == 404
    assert browser.get(f"/clients/{10**30}").status_code == 404


def test_a_viewer_sees_everybodys_clients_and_changes_none(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        client_id = make_client(make_actor(), "79991234567")
    viewer = signed_in(Role.VIEWER)

    shown = viewer.get(f"/clients/{client_id}")

    assert shown.status_code == 200
    assert f"/clients/{client_id}/edit" not in shown.text
    assert "/clients/new" not in viewer.get("/clients").text
    assert viewer.get("/clients/new").status_code == 403
    assert viewer.post("/clients/new", data=TYPED).status_code == 403
    for verb in ("delete", "stop-list", "unlist"):
        assert viewer.post(f"/clients/{client_id}/{verb}").status_code == 403


def test_stop_list_and_order_are_filters_in_the_address(app: Flask, browser: FlaskClient, owner: User) -> None:
    add(app, owner.actor, "79160000002")
    add(app, owner.actor, "79160000001")
    with app.app_context():
        stop_list.add(owner.actor, "79160000001")

    listed = browser.get("/clients?stop=yes").text
    by_phone = browser.get("/clients?sort=phone").text
    by_part = browser.get("/clients?q=916").text

    assert "000-00-01" in listed
    assert "000-00-02" not in listed
    assert '<option value="yes" selected>' in listed
    assert by_phone.index("000-00-01") < by_phone.index("000-00-02")
    assert "listed by phone" in by_part
    assert "listed by phone" not in by_phone


def test_a_list_by_phone_is_turned_page_by_page(app: Flask, browser: FlaskClient, owner: User) -> None:
    for number in range(60):
        add(app, owner.actor, numbered(59 - number))

    first = browser.get("/clients?sort=phone").text
    link = first.split('hx-get="/clients?')[1].split('"')[0].replace("&amp;", "&")
    second = browser.get(f"/clients?{link}").text

    assert second.count('class="row-link') == 10
    assert "000-00-59" in second


@pytest.mark.parametrize(
    "query",
    ["sort=nonsense", "stop=nonsense", "after=79160000000-1", "before=9999999999", "after=0", "after=é"],
)
def test_a_strange_order_or_place_is_answered(app: Flask, browser: FlaskClient, owner: User, query: str) -> None:
    add(app, owner.actor, "79160000001")

    answer = browser.get(f"/clients?{query}")

    assert answer.status_code == 200
    assert "000-00-01" in answer.text


def test_the_clients_leave_as_a_table_that_no_spreadsheet_runs(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    add(app, owner.actor, "79160000001", "vip", name="=1+1")
    add(app, owner.actor, "79160000002")

    answer = browser.get("/clients/export.csv?tag=vip")

    assert answer.headers["Content-Disposition"].startswith("attachment; filename=clients-")
    assert answer.text.lstrip("\ufeff").splitlines() == [
        "phone,operator_code,timezone,tags,name,consent_source,consent_at,stop_listed_at",
        "79160000001,916,Europe/Moscow,vip,'=1+1,,,",
    ]


def test_a_consent_is_typed_shown_and_left_as_it_is(app: Flask, browser: FlaskClient, owner: User) -> None:
    consent = {"consent_source": "Form on the site", "consent_at": "2026-03-01"}

    answer = browser.post("/clients/new", data=TYPED | consent)
    shown = browser.get(answer.location).text
    form = browser.get(f"{answer.location}/edit").text
    client_id = int(answer.location.rsplit("/", 1)[1])
    with app.app_context():
        before = clients.get(owner.actor, client_id).consent_at
    browser.post(f"{answer.location}/edit", data=TYPED | consent | version_in(form) | {"tags": "other"})

    assert "Form on the site, Mar 1, 2026" in shown
    assert 'value="2026-03-01"' in form
    with app.app_context():
        client = clients.get(owner.actor, client_id)
    assert (client.consent_at, client.tags) == (before, ("other",))


@pytest.mark.parametrize("typed", ["2026-02-30", "yesterday", "20260301"])
def test_a_date_that_is_none_is_told_beside_its_field_and_kept(browser: FlaskClient, typed: str) -> None:
    answer = browser.post("/clients/new", data=TYPED | {"consent_at": typed})

    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert 'aria-describedby="consent_at-errors' in answer.text


def test_a_change_that_came_too_late_keeps_what_was_typed_and_can_be_saved_again(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    client_id = add(app, owner.actor, "79991234567", "old")
    form = browser.get(f"/clients/{client_id}/edit").text
    theirs = {"phone": "79991234567", "timezone": "Asia/Omsk", "tags": "theirs"}
    browser.post(f"/clients/{client_id}/edit", data=theirs | version_in(form))

    refused = browser.post(f"/clients/{client_id}/edit", data=TYPED | version_in(form))
    saved = browser.post(f"/clients/{client_id}/edit", data=TYPED | version_in(refused.text))

    assert refused.status_code == 409
    assert "Somebody else has changed this client meanwhile" in refused.text
    assert "Asia/Omsk" in refused.text
    assert 'value="vip, Весна; vip"' in refused.text
    assert saved.location == f"/clients/{client_id}"
    with app.app_context():
        assert clients.get(owner.actor, client_id).timezone == "UTC+03:00"


def test_a_clients_page_tells_why_each_message_did_or_did_not_leave(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    with app.app_context():
        (client_id,) = add_clients(owner.actor, 1)
        settle(arm(fan_out_all(owner.actor, title="Sent one")))
        stop_list.add(owner.actor, clients.get(owner.actor, client_id).phone)
        fan_out_all(owner.actor, title="Skipped one")

    page = browser.get(f"/clients/{client_id}").text

    assert page.index("Skipped one") < page.index("Sent one")
    assert "The phone is on the stop list" in page
    assert "The gateway accepted the message." in page
    assert "Source: entered by hand." in page


def test_what_was_typed_of_a_client_who_was_deleted_meanwhile_brings_them_back(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    client_id = add(app, owner.actor, "79991234567", "old")
    read = version_in(browser.get(f"/clients/{client_id}/edit").text)
    browser.post(f"/clients/{client_id}/delete")

    refused = browser.post(f"/clients/{client_id}/edit", data=TYPED | read)
    saved = browser.post("/clients/new", data=TYPED)

    assert refused.status_code == 409
    assert "This client has been deleted meanwhile" in refused.text
    assert 'action="/clients/new"' in refused.text
    assert 'value="vip, Весна; vip"' in refused.text
    assert saved.location == f"/clients/{client_id}"


def test_others_deleted_clients_stay_unknown(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        other = make_actor()
        client_id = make_client(other)
        clients.delete(other, client_id)

    assert browser.post(f"/clients/{client_id}/edit", data=TYPED).status_code == 404
