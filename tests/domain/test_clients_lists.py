"""Does a list show what is there, in pages that neither skip nor repeat?"""

import pytest
from flask import Flask

from dashboard.domain import client_lists, client_walk, clients, stop_list, tags
from dashboard.domain.client_lists import ClientPage
from dashboard.domain.client_order import Ask, Place, Sort
from dashboard.domain.client_search import ClientFilter, Listed
from dashboard.domain.permissions import Actor
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import make_client, numbered

pytestmark = pytest.mark.usefixtures("any_context")


def phones(actor: Actor, wanted: ClientFilter = ClientFilter()) -> list[str]:  # noqa: B008
    return [row.phone for row in client_lists.page(actor, wanted).items]


# By phone, and in the order in which they are added.
ADDED = ("79160000003", "79160000001", "79170000001", "79160000002", "79001230001", "79160000005", "79160000004")


@pytest.mark.parametrize(
    "wanted, sort, expected",
    [
        (ClientFilter(), Sort.NEWEST, ADDED[::-1]),
        (ClientFilter(), Sort.OLDEST, ADDED),
        (ClientFilter(), Sort.PHONE, tuple(sorted(ADDED))),
        (ClientFilter(tag="vip"), Sort.NEWEST, ADDED[::-1]),
        (ClientFilter(tag="vip"), Sort.OLDEST, ADDED),
        (ClientFilter(tag="vip"), Sort.PHONE, tuple(sorted(ADDED))),
        (ClientFilter(code="916"), Sort.NEWEST, tuple(phone for phone in ADDED[::-1] if phone[1:4] == "916")),
        (ClientFilter(code="916"), Sort.PHONE, tuple(sorted(phone for phone in ADDED if phone[1:4] == "916"))),
        (ClientFilter(timezone="Europe/Moscow"), Sort.OLDEST, ADDED),
        (ClientFilter(timezone="Europe/Moscow", tag="vip"), Sort.NEWEST, ADDED[::-1]),
        (ClientFilter(timezone="Europe/Moscow", tag="vip"), Sort.OLDEST, ADDED),
        (ClientFilter(timezone="Europe/Moscow", tag="vip"), Sort.PHONE, tuple(sorted(ADDED))),
        (ClientFilter(timezone="Europe/Moscow", code="917"), Sort.NEWEST, ("79170000001",)),
        (ClientFilter(tag="vip", code="900", timezone="Europe/Moscow"), Sort.PHONE, ("79001230001",)),
        (
            ClientFilter(tag="vip", code="916", stop=Listed.NO),
            Sort.NEWEST,
            ("79160000004", "79160000005", *("79160000002", "79160000001", "79160000003")),
        ),
        (ClientFilter(q="0001"), Sort.PHONE, ("79001230001", "79160000001", "79170000001")),
        (ClientFilter(q="9", tag="vip"), Sort.PHONE, tuple(sorted(ADDED))),
    ],
)
def test_pages_go_forth_and_back_over_every_client_once(
    wanted: ClientFilter, sort: Sort, expected: tuple[str, ...]
) -> None:
    """An administrator's, over two owners: each has tags of their own."""
    owners = (make_actor(), make_actor())
    for number, phone in enumerate(ADDED):
        make_client(owners[number % 2], phone, "vip")
    administrator = make_actor(Role.ADMINISTRATOR)

    forth = [client_lists.page(administrator, wanted, sort=sort, limit=2)]
    while (after := forth[-1].next) is not None:
        forth.append(client_lists.page(administrator, wanted, Ask(after=after), sort, limit=2))
    back = [forth[-1]]
    while (before := back[-1].previous) is not None:
        back.append(client_lists.page(administrator, wanted, Ask(before=before), sort, limit=2))

    assert tuple(row.phone for page in forth for row in page.items) == expected
    assert [shown(page) for page in back] == [shown(page) for page in reversed(forth)]
    assert {(page.total, page.total_is_exact) for page in forth} == {(len(expected), True)}


def shown(page: ClientPage) -> list[str]:
    return [row.phone for row in page.items]


def test_of_several_conditions_not_more_than_a_few_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make_actor()
    for number in range(4):
        make_client(owner, numbered(number), "vip")
    wanted = ClientFilter(tag="vip", timezone="Europe/Moscow")

    totals = []
    for few in (3, 4):
        monkeypatch.setattr(client_walk, "FEW", few)
        pages = [client_lists.page(owner, wanted, sort=sort, limit=2) for sort in Sort]
        totals.append({(page.total, page.total_is_exact) for page in pages})

    assert totals == [{(3, False)}, {(4, True)}]
    assert client_lists.count(owner, wanted, through=2**62) == 4


def test_conditions_of_which_nobody_meets_all_find_nobody() -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    make_client(owner, "79160000001", "vip")
    client_id = make_client(owner, "79170000001", "gone", timezone="Asia/Omsk")
    clients.delete(owner, client_id)
    make_client(owner, "79170000002", timezone="Asia/Omsk")
    filters = (
        ClientFilter(tag="vip", timezone="Asia/Omsk"),
        ClientFilter(code="916", timezone="Asia/Omsk"),
        ClientFilter(tag="gone", timezone="Asia/Omsk"),
        ClientFilter(tag="nobody's", code="916"),
        ClientFilter(tag="vip", code="999", timezone="Asia/Omsk"),
    )

    pages = [
        client_lists.page(looker, wanted, sort=sort)
        for looker in (owner, administrator)
        for wanted in filters
        for sort in Sort
    ]

    assert {(len(page.items), page.total, page.total_is_exact) for page in pages} == {(0, 0, True)}


def test_the_same_phone_of_two_owners_is_listed_twice_also_across_a_page() -> None:
    ids = [make_client(make_actor(), "79160000001") for _ in range(3)]
    administrator = make_actor(Role.ADMINISTRATOR)

    first = client_lists.page(administrator, ClientFilter(), sort=Sort.PHONE, limit=2)
    assert first.next
    second = client_lists.page(administrator, ClientFilter(), Ask(after=first.next), Sort.PHONE, limit=2)

    assert [row.id for row in (*first.items, *second.items)] == ids


def test_a_page_beyond_the_last_one_is_the_first() -> None:
    actor = make_actor()
    client_id = make_client(actor)

    page = client_lists.page(actor, ClientFilter(), Ask(after=Place(client_id)))

    assert [row.id for row in page.items] == [client_id]
    assert page.previous is None


def test_counting_stops_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.domain.pages.COUNTED_AT_MOST", 2)
    monkeypatch.setattr("dashboard.domain.client_walk.COUNTED_AT_MOST", 2)
    actor = make_actor()
    for number in range(4):
        make_client(actor, numbered(number), "vip")

    for wanted in (ClientFilter(), ClientFilter(tag="vip"), ClientFilter(q="90")):
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
        ("345-67-89", True),
        ("6789", True),
        ("789", False),
        ("345-67", False),
        ("912 34", True),
        ("9", True),
        (" + ", True),
        ("+9", False),
        ("79123456780", False),
        ("8913", False),
        ("7912346", False),
        ("1111", False),
        ("Anna", False),
        ("%", False),
        ("123456789012345", False),
    ],
)
def test_a_phone_is_found_by_its_beginning_or_its_end_in_any_notation(q: str, found: bool) -> None:
    actor = make_actor()
    make_client(actor, "79123456789", name="Anna")

    assert phones(actor, ClientFilter(q=q)) == (["79123456789"] if found else [])


def test_eight_is_the_countrys_code_or_the_first_digit_after_it() -> None:
    actor = make_actor()
    for phone in ("79120000000", "78912000000", "79170000000"):
        make_client(actor, phone)

    assert phones(actor, ClientFilter(q="8912")) == ["78912000000", "79120000000"]
    assert phones(actor, ClientFilter(q="+7912")) == ["79120000000"]


def test_who_matches_in_two_ways_is_found_and_counted_once() -> None:
    actor = make_actor()
    make_client(actor, "79129129129", "vip")

    page = client_lists.page(actor, ClientFilter(q="9129", tag="vip"))

    assert (shown(page), page.total) == (["79129129129"], 1)


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


@pytest.mark.parametrize("sort", list(Sort))
def test_the_stop_list_is_a_filter_like_the_others(sort: Sort) -> None:
    actor = make_actor()
    make_client(actor, "79160000001", "vip")
    make_client(actor, "79160000002", "vip")
    make_client(actor, "79160000003")
    for phone in ("79160000001", "79160000003"):
        stop_list.add(actor, phone)

    def found(**wanted: str) -> set[str]:
        return set(shown(client_lists.page(actor, ClientFilter(**wanted), sort=sort)))  # type: ignore[arg-type]

    assert found(stop=Listed.YES) == {"79160000001", "79160000003"}
    assert found(stop=Listed.NO) == {"79160000002"}
    assert found(stop=Listed.YES, tag="vip") == {"79160000001"}
    assert found(stop=Listed.YES, q="0003") == {"79160000003"}
    assert found(stop=Listed.NO, q="0003") == set()


def test_a_search_by_a_part_lists_by_phone_whatever_was_asked() -> None:
    actor = make_actor()
    for phone in ("79160000002", "79160000001"):
        make_client(actor, phone)

    page = client_lists.page(actor, ClientFilter(q="916"), sort=Sort.OLDEST)
    whole = client_lists.page(actor, ClientFilter(q="79160000001"), sort=Sort.OLDEST)

    assert (shown(page), page.sort) == (["79160000001", "79160000002"], Sort.PHONE)
    assert whole.sort is Sort.OLDEST


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


@pytest.mark.parametrize("few", [0, 100])
@pytest.mark.parametrize("sort", list(Sort))
def test_those_on_the_stop_list_are_turned_over_alike_whether_few_or_many(
    sort: Sort, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.domain.client_walk.FEW", few)
    actor = make_actor()
    for phone in ADDED:
        make_client(actor, phone)
        stop_list.add(actor, phone)
    make_client(actor, "79180000000")
    expected = {Sort.NEWEST: ADDED[::-1], Sort.OLDEST: ADDED, Sort.PHONE: tuple(sorted(ADDED))}[sort]
    wanted = ClientFilter(stop=Listed.YES)

    first = client_lists.page(actor, wanted, sort=sort, limit=4)
    second = client_lists.page(actor, wanted, Ask(after=first.next), sort, limit=4)
    back = client_lists.page(actor, wanted, Ask(before=second.previous), sort, limit=4)

    assert (*shown(first), *shown(second)) == expected
    assert shown(back) == shown(first)
    assert (first.previous, second.next, back.previous) == (None, None, None)
    assert (first.total, first.total_is_exact) == ((7, True) if few else (0, False))
