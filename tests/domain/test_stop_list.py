"""Does the stop list outlive everything, and who may change it?"""

import pytest

from dashboard.domain import clients, stop_list, stop_list_pages
from dashboard.domain.errors import Forbidden, Invalid, NotFound
from dashboard.domain.stop_list import Source
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import make_client, numbered

pytestmark = pytest.mark.usefixtures("any_context")
PHONE = "79991234567"


def test_an_entry_outlives_deletion_and_return_and_holds_for_every_owner() -> None:
    actor, other = make_actor(), make_actor()
    client_id = make_client(actor, PHONE)

    stop_list.add(actor, "8 999 123-45-67")
    clients.delete(actor, client_id)
    make_client(actor, PHONE)

    assert stop_list.is_listed(PHONE)
    assert clients.get(actor, client_id).stop_list_source == Source.OPERATOR
    assert clients.get(other, make_client(other, PHONE)).is_stop_listed


def test_a_listed_phone_keeps_its_first_date_and_source() -> None:
    actor = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(actor, PHONE)
    stop_list.add(actor, PHONE, Source.CLIENT)
    before = clients.get(actor, client_id)

    stop_list.add(actor, PHONE)

    assert clients.get(actor, client_id) == before


def test_a_phone_is_taken_off_once_and_for_all() -> None:
    actor = make_actor()
    make_client(actor, PHONE)
    stop_list.add(actor, PHONE)

    stop_list.remove(actor, PHONE)
    stop_list.remove(actor, PHONE)

    assert not stop_list.is_listed(PHONE)


def test_operators_decide_about_their_clients_phones_only() -> None:
    operator, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    make_client(administrator, PHONE)

    stop_list.add(administrator, PHONE)

    with pytest.raises(NotFound):
        stop_list.remove(operator, PHONE)
    with pytest.raises(NotFound):
        stop_list.add(operator, "79990000000")
    with pytest.raises(Forbidden):
        stop_list.remove(make_actor(Role.VIEWER), PHONE)
    with pytest.raises(Invalid):
        stop_list.add(administrator, "123")
    assert stop_list.is_listed(PHONE)


def test_many_phones_are_listed_at_once_and_every_bad_line_has_its_number() -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    stop_list.add(administrator, PHONE)

    outcome = stop_list.add_many(
        administrator, ["8 916 000 00 01", "", " 8-999-123-45-67 ", "12", "+79160000001", "+1 212 555 01 00"]
    )

    assert (outcome.added, outcome.known) == (1, 1)
    assert [(bad.line, bad.value, bad.code) for bad in outcome.bad] == [
        (4, "12", "phone_invalid"),
        (6, "+1 212 555 01 00", "phone_not_russian"),
    ]
    assert stop_list.is_listed("79160000001")


def test_more_than_a_batch_of_lines_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_list, "_LINES_AT_ONCE", 3)
    operator = make_actor()
    for number in range(7):
        make_client(operator, numbered(number))

    outcome = stop_list.add_many(operator, [numbered(number) for number in range(8)])

    assert (outcome.added, outcome.known) == (7, 0)
    assert [(line.line, line.code) for line in outcome.bad] == [(8, "phone_not_yours")]


def test_too_many_lines_or_none_are_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_list, "MOST_LINES", 2)
    administrator = make_actor(Role.ADMINISTRATOR)

    with pytest.raises(Invalid) as many:
        stop_list.add_many(administrator, [PHONE] * 3)
    with pytest.raises(Invalid) as none:
        stop_list.add_many(administrator, ["", " "])
    with pytest.raises(Forbidden):
        stop_list.add_many(make_actor(Role.VIEWER), [PHONE])

    assert [each.value.problems[0].code for each in (many, none)] == ["too_many_lines", "phone_empty"]
    assert not stop_list.is_listed(PHONE)


def test_the_list_goes_from_the_newest_forth_and_back_over_every_entry_once() -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    stop_list.add_many(administrator, [numbered(number) for number in range(3)])
    stop_list.add_many(administrator, [numbered(number) for number in range(5, 8)])
    expected = [numbered(number) for number in (7, 6, 5, 2, 1, 0)]

    first = stop_list_pages.page(administrator, limit=4)
    second = stop_list_pages.page(administrator, after=first.next, limit=4)
    back = stop_list_pages.page(administrator, before=second.previous, limit=4)

    assert [entry.phone for entry in (*first.items, *second.items)] == expected
    assert back.items == first.items
    assert (first.previous, second.next, back.previous) == (None, None, None)
    assert (first.total, first.total_is_exact) == (6, True)
    assert [entry.phone for entry in stop_list_pages.everything(administrator)] == expected


@pytest.mark.parametrize("q", ["8 (999) 123-45-67", "999 12", "+7999", "45-67", "4567", ""])
def test_an_entry_is_found_by_its_phone_or_a_part_of_it(q: str) -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    stop_list.add(administrator, PHONE)
    stop_list.add(administrator, "79160000001")

    found = [entry.phone for entry in stop_list_pages.page(administrator, q).items]

    assert PHONE in found
    assert ("79160000001" in found) == (q == "")


def test_an_entry_says_who_has_put_it_there_and_from_where() -> None:
    administrator = make_actor(Role.ADMINISTRATOR)
    stop_list.add(administrator, PHONE, Source.CLIENT)

    (entry,) = stop_list_pages.page(administrator).items

    assert (entry.phone, entry.source) == (PHONE, Source.CLIENT)
    assert entry.added_by


def test_operators_see_what_concerns_them_and_may_undo_what_they_did() -> None:
    operator, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    client_id = make_client(operator, numbered(1))
    stop_list.add(operator, numbered(1))
    clients.delete(operator, client_id)
    make_client(operator, numbered(2))
    for number in (2, 3):
        stop_list.add(administrator, numbered(number))

    seen = {entry.phone for entry in stop_list_pages.page(operator).items}
    stop_list.remove(operator, numbered(1))

    assert seen == {numbered(1), numbered(2)}
    assert not stop_list.is_listed(numbered(1))
    with pytest.raises(NotFound):
        stop_list.remove(operator, numbered(3))
    assert {entry.phone for entry in stop_list_pages.page(make_actor(Role.VIEWER)).items} == {
        numbered(2),
        numbered(3),
    }
