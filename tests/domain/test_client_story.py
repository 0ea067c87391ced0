"""Does a client's page tell of every message they were to get?"""

import pytest

from dashboard.database import db
from dashboard.domain import client_story, stop_list
from dashboard.domain.errors import NotFound
from dashboard.domain.pages import Cursor
from dashboard.models import Client, Status
from tests.factories import make_actor
from tests.support.engine import add_clients, arm, fan_out_all, settle

pytestmark = pytest.mark.usefixtures("any_context")


def test_every_mailings_message_is_there_newest_first_page_by_page() -> None:
    owner = make_actor()
    client_id, other_id = add_clients(owner, 2)
    mailings = [fan_out_all(owner, title=f"Mailing {number}") for number in range(5)][::-1]

    first = client_story.page(owner, client_id, limit=2)
    second = client_story.page(owner, client_id, Cursor(before=first.next_before), limit=2)
    third = client_story.page(owner, client_id, Cursor(before=second.next_before), limit=2)
    back = client_story.page(owner, client_id, Cursor(after=third.previous_after), limit=2)

    pages = (first, second, third)
    assert [each.mailing_id for page in pages for each in page.items] == mailings
    assert [each.mailing_title for each in first.items] == ["Mailing 4", "Mailing 3"]
    assert back.items == second.items
    assert (first.total, third.next_before) == (5, None)
    theirs = client_story.page(owner, other_id).items
    assert not {each.id for each in theirs} & {each.id for page in pages for each in page.items}


def test_a_message_stands_where_the_ledger_says_with_the_reason_why() -> None:
    owner = make_actor()
    client_id, listed_id = add_clients(owner, 2)
    stop_list.add(owner, db.session.get_one(Client, listed_id).phone)
    mailing_id = fan_out_all(owner)

    armed = arm(mailing_id)
    (flying,) = client_story.page(owner, client_id).items
    settle(armed)
    (sent,) = client_story.page(owner, client_id).items
    (skipped,) = client_story.page(owner, listed_id).items

    assert (flying.status, flying.settled_at) == (Status.SENDING, None)
    assert (sent.status, sent.reason) == (Status.SENT, None)
    assert sent.settled_at
    assert (skipped.status, skipped.reason) == (Status.SKIPPED, "stop_list")


def test_others_clients_stories_are_not_found() -> None:
    (client_id,) = add_clients(make_actor(), 1)

    with pytest.raises(NotFound):
        client_story.page(make_actor(), client_id)
