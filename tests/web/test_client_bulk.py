"""Is a person asked before many clients are changed, told exactly how many it is, and what came of it?"""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue

from dashboard.domain import client_bulk, client_lists
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.users import User
from dashboard.jobs import queues, tasks
from dashboard.models import Role
from tests.factories import SignedIn, make_actor
from tests.factories_clients import make_client, numbered


def form_of(page: str) -> dict[str, list[str]]:
    """What the page's form would send."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page):
        fields.setdefault(name, []).append(value)
    return fields


def add_some(app: Flask, owner: User, count: int = 3, tag: str = "vip") -> list[int]:
    with app.app_context():
        return [make_client(owner.actor, numbered(number), tag) for number in range(count)]


def phones_of(app: Flask, owner: User, **wanted: str) -> list[str]:
    with app.app_context():
        return [row.phone for row in client_lists.page(owner.actor, ClientFilter(**wanted)).items]  # type: ignore[arg-type]


def test_the_list_offers_to_tick_clients_and_keeps_its_filters(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    ids = add_some(app, owner)

    page = browser.get("/clients?tag=vip&sort=oldest").text

    assert all(f'name="id" value="{client_id}"' in page for client_id in ids)
    assert '<input type="hidden" name="tag" value="vip">' in page
    assert '<input type="hidden" name="sort" value="oldest">' in page
    assert "/clients/export.csv?tag=vip&amp;sort=oldest" in page


def test_ticked_clients_are_counted_asked_about_and_changed(app: Flask, browser: FlaskClient, owner: User) -> None:
    ids = add_some(app, owner)

    question = browser.get(f"/clients/bulk?verb=add_tag&scope=ticked&id={ids[0]}&id={ids[2]}&tag=vip").text
    answer = browser.post("/clients/bulk", data=form_of(question) | {"tag_name": "chosen"})

    assert "Add a tag to 2 clients?" in question
    assert answer.location == "/clients?tag=vip"
    assert "2 clients have got the tag “chosen”." in browser.get(answer.location).text
    assert phones_of(app, owner, tag="chosen") == [numbered(2), numbered(0)]


def test_all_that_match_are_meant_whatever_page_is_shown(app: Flask, browser: FlaskClient, owner: User) -> None:
    add_some(app, owner, 60)
    with app.app_context():
        make_client(owner.actor, "79160000000", "other")

    question = browser.get("/clients/bulk?verb=delete&scope=all&tag=vip").text
    answer = browser.post("/clients/bulk", data=form_of(question))

    assert "Delete 60 clients?" in question
    assert answer.status_code == 303
    assert phones_of(app, owner) == ["79160000000"]


def test_nobody_ticked_leads_back_with_a_word(app: Flask, browser: FlaskClient, owner: User) -> None:
    add_some(app, owner)

    answer = browser.get("/clients/bulk?verb=delete&scope=ticked&tag=vip")

    assert answer.location == "/clients?tag=vip"
    assert "Tick at least one client first" in browser.get(answer.location).text


def test_a_tag_that_cannot_be_is_told_beside_its_field_and_kept(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    add_some(app, owner)
    question = browser.get("/clients/bulk?verb=add_tag&scope=all").text

    answer = browser.post("/clients/bulk", data=form_of(question) | {"tag_name": "a;b"})
    again = browser.post("/clients/bulk", data=form_of(answer.text) | {"tag_name": "fine"})

    assert answer.status_code == 422
    assert "A tag cannot contain" in answer.text
    assert 'value="a;b"' in answer.text
    assert again.status_code == 303
    assert len(phones_of(app, owner, tag="fine")) == 3


def test_what_has_become_more_is_asked_about_again(app: Flask, browser: FlaskClient, owner: User) -> None:
    add_some(app, owner)
    question = form_of(browser.get("/clients/bulk?verb=delete&scope=all").text)

    answer = browser.post("/clients/bulk", data=question | {"count": ["2"]})
    confirmed = browser.post("/clients/bulk", data=form_of(answer.text))

    assert answer.status_code == 409
    assert "it has become more clients" in answer.text
    assert "Delete 3 clients?" in answer.text
    assert confirmed.status_code == 303
    assert phones_of(app, owner) == []


def test_many_are_changed_in_the_background_on_a_page_that_shows_how_far_it_is(
    app: Flask, browser: FlaskClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_bulk, "AT_ONCE", 2)
    add_some(app, owner)
    question = form_of(browser.get("/clients/bulk?verb=stop_list&scope=all").text)

    answer = browser.post("/clients/bulk", data=question)
    waiting = browser.get(answer.location).text
    twice = browser.post("/clients/bulk", data=question)
    change_id = int(answer.location.rsplit("/", 1)[1])
    with app.app_context():
        queue: Queue = queues.queue(queues.BACKGROUND)
        knocked = [(job.func_name, job.args) for job in queue.jobs]
        tasks.change_clients(change_id)
    finished = browser.get(f"{answer.location}/progress").text

    assert "0 of 3" in waiting
    assert f'hx-get="{answer.location}/progress' in waiting
    assert twice.location == answer.location
    assert set(map(str, knocked)) == {str(("dashboard.jobs.tasks.change_clients", [change_id]))}
    assert "3 phones were put on the stop list." in finished
    assert "hx-get" not in finished


def test_a_poll_that_finds_nothing_new_says_so(
    app: Flask, browser: FlaskClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_bulk, "AT_ONCE", 2)
    add_some(app, owner)
    question = form_of(browser.get("/clients/bulk?verb=delete&scope=all").text)
    address = browser.post("/clients/bulk", data=question).location
    poll = re.search(r'hx-get="([^"]+progress[^"]*)"', browser.get(address).text)
    assert poll

    unchanged = browser.get(poll[1])
    browser.post(f"{address}/cancel")
    changed = browser.get(poll[1])

    assert unchanged.status_code == 204
    assert "Stopped" in changed.text
    assert len(phones_of(app, owner)) == 3


def test_others_clients_and_requests_stay_theirs(app: Flask, browser: FlaskClient, signed_in: SignedIn) -> None:
    with app.app_context():
        other = make_actor()
        client_id = make_client(other)
        everybody = client_bulk.Selection(ids=(client_id,))
        change_id = client_bulk.begin(
            other, client_bulk.ClientVerb.DELETE, everybody, client_bulk.extent(other, everybody)
        )

    ticked = browser.get(f"/clients/bulk?verb=delete&id={client_id}")

    assert ticked.location == "/clients"
    assert browser.get(f"/clients/bulk/{change_id}").status_code == 404
    assert browser.get(f"/clients/bulk/{change_id}/progress").status_code == 404
    assert browser.post(f"/clients/bulk/{change_id}/cancel").status_code == 404
    viewer = signed_in(Role.VIEWER)
    assert viewer.get("/clients/bulk?verb=delete&scope=all").status_code == 403
    assert viewer.post("/clients/bulk", data={"verb": "delete", "scope": "all"}).status_code == 403
    assert 'name="verb"' not in viewer.get("/clients").text
    assert "/clients/export.csv" in viewer.get("/clients").text


@pytest.mark.parametrize("query", ["", "verb=nonsense&scope=all"])
def test_a_verb_that_nobody_knows_is_not_found(browser: FlaskClient, query: str) -> None:
    assert browser.get(f"/clients/bulk?{query}").status_code == 404
