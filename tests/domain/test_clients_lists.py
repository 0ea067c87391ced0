"""Does a list show what is there, in pages that neither skip nor repeat?"""

import pytest
from flask import Flask

from dashboard.domain import client_lists, clients, stop_list, tags
from dashboard.domain.client_lists import ClientFilter
from dashboard.domain.pages import Cursor
from dashboard.domain.permissions import Actor
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import make_client, numbered

pytestmark = pytest.mark.usefixtures("any_context")


def phones(actor: Actor, wanted: ClientFilter = ClientFilter()) -> list[str]:  # noqa: B008
    return [row.phone for row in client_lists.page(actor, wanted).items]


def test_pages_go_forth_and_back_over_every_client_once() -> None:
    actor = make_actor()
    ids = [make_client(actor, numbered(number)) for number in range(7)][::-1]

    first = client_lists.page(actor, ClientFilter(), limit=3)
    second = client_lists.page(actor, ClientFilter(), Cursor(before=first.next_before), limit=3)
    third = client_lists.page(actor, ClientFilter(), Cursor(before=second.next_before), limit=3)
    back = client_lists.page(actor, ClientFilter(), Cursor(after=third.previous_after), limit=3)

    assert [[row.id for row in page.items] for page in (first, second, third)] == [ids[:3], ids[3:6], ids[6:]]
    assert [row.id for row in back.items] == ids[3:6]
    assert (first.previous_after, third.next_before) == (None, None)
    assert (back.previous_after, back.next_before) == (ids[3], ids[5])
    assert (first.total, first.total_is_exact) == (7, True)


def test_a_page_beyond_the_last_one_is_the_first() -> None:
    actor = make_actor()
    client_id = make_client(actor)

    page = client_lists.page(actor, ClientFilter(), Cursor(before=client_id))

    assert [row.id for row in page.items] == [client_id]
    assert page.previous_after is None


def test_counting_stops_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.domain.pages.COUNTED_AT_MOST", 2)
    monkeypatch.setattr("dashboard.domain.client_lists.COUNTED_AT_MOST", 2)
    actor = make_actor()
    for number in range(4):
        make_client(actor, numbered(number), "vip")

    for wanted in (ClientFilter(), ClientFilter(tag="vip")):
        page = client_lists.page(actor, wanted)

        assert (page.total, page.total_is_exact) == (2, False)


@pytest.mark.parametrize(
    "q, found",
    [
        ("+7 (912) 345-67-89", True),
        ("89123456789", True),
        ("9123456789", True),
        ("8 912 34", True),
        ("+7912345", True),
        ("7912", True),
        ("345-67", True),
        ("6789", True),
        ("9", True),
        (" + ", True),
        ("79123456780", False),
        ("8913", False),
        ("7912346", False),
        ("1111", False),
        ("Anna", False),
        ("%", False),
        ("123456789012345", False),
    ],
)
def test_a_phone_is_found_by_any_part_of_it_in_any_notation(q: str, found: bool) -> None:
    actor = make_actor()
    make_client(actor, "79123456789", name="Anna")

    assert phones(actor, ClientFilter(q=q)) == (["79123456789"] if found else [])


def test_filters_narrow_together() -> None:
    actor = make_actor()
    make_client(actor, "79160000001", "vip", timezone="Asia/Omsk")
    make_client(actor, "79160000002", "vip")
    make_client(actor, "79170000003", "vip", timezone="Asia/Omsk")
    make_client(actor, "79160000004", timezone="Asia/Omsk")

    assert phones(actor, ClientFilter(tag="vip")) == ["79170000003", "79160000002", "79160000001"]
    assert phones(actor, ClientFilter(code="916", timezone="Asia/Omsk")) == ["79160000004", "79160000001"]
    assert phones(actor, ClientFilter("91", "vip", "916", "Asia/Omsk")) == ["79160000001"]
    assert phones(actor, ClientFilter(tag="VIP")) == []


def test_operators_see_their_own_and_administrators_everybodys() -> None:
    one, other, administrator = make_actor(), make_actor(), make_actor(Role.ADMINISTRATOR)
    make_client(one, "79160000001", "vip")
    make_client(other, "79170000002", "vip", "rare", timezone="Asia/Omsk")

    everything = client_lists.page(administrator, ClientFilter(tag="vip"))

    assert phones(one) == ["79160000001"]
    assert phones(one, ClientFilter(tag="rare")) == []
    assert [row.phone for row in everything.items] == ["79170000002", "79160000001"]
    assert all(row.owner_name for row in everything.items)
    assert client_lists.page(one, ClientFilter()).items[0].owner_name is None


def test_choices_are_what_the_actors_clients_have() -> None:
    one, other, administrator = make_actor(), make_actor(), make_actor(Role.ADMINISTRATOR)
    make_client(one, "79160000001", "b", "a")
    make_client(one, "79160000002", "a", timezone="Asia/Omsk")
    make_client(other, "79170000003", "c", timezone="UTC")
    clients.delete(one, make_client(one, "79180000004", "gone", timezone="Asia/Tomsk"))

    assert (tags.tags_of(one), client_lists.codes_of(one)) == (["a", "b"], ["916"])
    assert client_lists.zones_of(one) == ["Asia/Omsk", "Europe/Moscow"]
    assert client_lists.codes_of(administrator) == ["916", "917"]
    assert tags.tags_of(administrator) == ["a", "b", "c"]
    assert client_lists.zones_of(administrator) == ["Asia/Omsk", "Europe/Moscow", "UTC"]


def test_a_page_takes_the_same_number_of_statements_whatever_it_shows(any_app: Flask) -> None:
    from sqlalchemy import event

    from dashboard.database import db

    actor = make_actor()
    for number in range(5):
        make_client(actor, numbered(number), "vip", f"tag {number}")
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    shown = client_lists.page(actor, ClientFilter())

    assert all(row.tags for row in shown.items)
    assert len(statements) <= 5, statements


def test_a_stop_listed_client_is_marked() -> None:
    actor = make_actor()
    make_client(actor, "79160000001")
    make_client(actor, "79160000002")

    stop_list.add(actor, "79160000001")

    assert [row.is_stop_listed for row in client_lists.page(actor, ClientFilter()).items] == [False, True]
