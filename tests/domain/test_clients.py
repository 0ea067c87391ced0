"""Is a client kept as it was typed, and only by those who may?"""

from datetime import UTC, datetime

import pytest

from dashboard.domain import clients, tags
from dashboard.domain.client_rules import ClientDraft
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import draft, make_client

pytestmark = pytest.mark.usefixtures("any_context")


def codes_of(refusal: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refusal.value.problems]


def change(actor: Actor, client_id: int, draft: ClientDraft) -> None:
    """By somebody who has just read it."""
    clients.change(actor, client_id, draft, clients.get(actor, client_id).version)


def test_a_client_is_kept_normalised() -> None:
    actor = make_actor()

    client_id = clients.add(
        actor, ClientDraft("8 (999) 123-45-67", "gmt+3", None, (" vip ", "", "Весна", "vip"), {"Имя ": " Анна "})
    )

    client = clients.get(actor, client_id)
    assert (client.phone, client.operator_code, client.timezone) == ("79991234567", "999", "UTC+03:00")
    assert sorted(client.tags) == ["vip", "Весна"]
    assert client.attributes == {"Имя": "Анна"}
    assert (client.owner_id, client.is_stop_listed) == (actor.id, False)


def test_an_operator_code_may_differ_from_the_phone() -> None:
    actor = make_actor()

    client_id = clients.add(actor, draft(operator_code="916"))

    assert clients.get(actor, client_id).operator_code == "916"


def test_every_field_says_what_is_wrong_with_it() -> None:
    wrong = ClientDraft("123", "Moon/Base", "12", ("a;b",), {"first name": "x", "long": "x" * 201, "bell": "\a"})

    with pytest.raises(Invalid) as refusal:
        clients.add(make_actor(), wrong)

    assert codes_of(refusal) == [
        ("phone", "phone_invalid"),
        ("timezone", "zone_unknown"),
        ("operator_code", "operator_code_invalid"),
        ("tags", "tag_separator"),
        ("attributes", "attribute_name_invalid"),
        ("attributes", "attribute_too_long"),
        ("attributes", "control_characters"),
    ]


@pytest.mark.parametrize(
    "more, code",
    [
        ({"tags": ("x" * 65,)}, "tag_too_long"),
        ({"tags": tuple(map(str, range(21)))}, "too_many_tags"),
        ({"tags": ("a\tb",)}, "control_characters"),
        ({"attributes": {f"a{number}": "x" for number in range(21)}}, "too_many_attributes"),
        ({"attributes": {"a" * 33: "x"}}, "attribute_name_invalid"),
        ({"attributes": {"1a": "x"}}, "attribute_name_invalid"),
        ({"consent_source": "x" * 201}, "consent_source_too_long"),
        ({"consent_source": "a\tb"}, "control_characters"),
    ],
)
def test_limits_hold(more: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clients.add(make_actor(), ClientDraft("79991234567", "UTC", **more))  # type: ignore[arg-type]

    assert [problem.code for problem in refusal.value.problems] == [code]


def test_a_phone_is_an_owners_client_once() -> None:
    actor, other = make_actor(), make_actor()
    make_client(actor)

    with pytest.raises(Invalid) as refusal:
        make_client(actor, "8 999 123 45 67")

    assert codes_of(refusal) == [("phone", "phone_taken")]
    assert clients.get(other, make_client(other)).phone == "79991234567"


def test_adding_a_deleted_phone_brings_its_row_back_with_what_is_new() -> None:
    actor = make_actor()
    client_id = make_client(actor, "79991234567", "old", name="Anna")
    clients.delete(actor, client_id)

    again = make_client(actor, "79991234567", "new", city="Omsk")

    client = clients.get(actor, again)
    assert again == client_id
    assert (client.tags, client.attributes) == (("new",), {"city": "Omsk"})


def test_a_deleted_client_is_gone_and_its_tags_are_no_choice_any_more() -> None:
    actor = make_actor()
    client_id = make_client(actor, "79991234567", "vip")

    clients.delete(actor, client_id)

    assert tags.tags_of(actor) == []
    with pytest.raises(NotFound):
        clients.get(actor, client_id)
    with pytest.raises(NotFound):
        clients.delete(actor, client_id)


def test_a_change_replaces_every_field() -> None:
    actor = make_actor()
    client_id = make_client(actor, "79991234567", "a", "b", name="Anna")

    change(actor, client_id, draft("79991234568", "b", "c", timezone="Asia/Omsk", city="Omsk"))

    client = clients.get(actor, client_id)
    assert (client.phone, client.timezone, client.tags) == ("79991234568", "Asia/Omsk", ("b", "c"))
    assert client.attributes == {"city": "Omsk"}


def test_a_change_cannot_take_another_clients_phone() -> None:
    actor = make_actor()
    make_client(actor, "79991234567")
    clients.delete(actor, make_client(actor, "79991234568"))
    client_id = make_client(actor, "79991234569", "kept")

    with pytest.raises(Invalid) as taken:
        change(actor, client_id, draft("79991234567"))
    with pytest.raises(Invalid) as deleted:
        change(actor, client_id, draft("79991234568"))

    assert codes_of(taken) == [("phone", "phone_taken")]
    assert codes_of(deleted) == [("phone", "phone_deleted")]
    assert clients.get(actor, client_id).tags == ("kept",)


def test_others_clients_do_not_exist_for_an_operator() -> None:
    client_id = make_client(make_actor())
    stranger = make_actor()

    for verb in (
        lambda: clients.get(stranger, client_id),
        lambda: clients.change(stranger, client_id, draft(), ""),
        lambda: clients.delete(stranger, client_id),
    ):
        with pytest.raises(NotFound):
            verb()


def test_an_administrator_changes_everybodys_clients_and_the_owner_stays() -> None:
    owner = make_actor()
    client_id = make_client(owner)

    change(make_actor(Role.ADMINISTRATOR), client_id, draft("79991234567", "vip"))

    assert clients.get(owner, client_id).tags == ("vip",)
    assert clients.get(make_actor(Role.VIEWER), client_id).owner_id == owner.id
    assert tags.tags_of(owner) == ["vip"]


def test_a_viewer_changes_nothing() -> None:
    viewer = make_actor(Role.VIEWER)
    client_id = make_client(make_actor())

    for verb in (
        lambda: clients.add(viewer, draft()),
        lambda: clients.change(viewer, client_id, draft(), ""),
        lambda: clients.delete(viewer, client_id),
    ):
        with pytest.raises(Forbidden):
            verb()


def test_a_consent_is_kept_with_its_source_and_date_and_can_be_taken_back() -> None:
    actor = make_actor()
    given_at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    given = ClientDraft("79991234567", "UTC", consent_source=" Form on the site ", consent_at=given_at)

    client_id = clients.add(actor, given)
    kept = clients.get(actor, client_id)
    change(actor, client_id, draft())

    assert (kept.consent_source, kept.consent_at) == ("Form on the site", given_at)
    client = clients.get(actor, client_id)
    assert (client.consent_source, client.consent_at) == (None, None)


def test_a_change_of_what_somebody_else_has_changed_meanwhile_is_refused() -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    client_id = make_client(owner)
    read = clients.get(owner, client_id).version
    clients.change(administrator, client_id, draft(timezone="Asia/Omsk"), read)

    with pytest.raises(Conflict) as refusal:
        clients.change(owner, client_id, draft(timezone="Asia/Tomsk"), read)

    assert refusal.value.code == "client_edited"
    assert clients.get(owner, client_id).timezone == "Asia/Omsk"


def test_the_same_change_sent_twice_is_no_conflict_with_itself() -> None:
    actor = make_actor()
    client_id = make_client(actor)
    read = clients.get(actor, client_id).version
    new = draft("79991234567", "b", "a", timezone="Asia/Omsk", city="Omsk")

    clients.change(actor, client_id, new, read)
    after = clients.get(actor, client_id)
    clients.change(actor, client_id, new, read)

    assert clients.get(actor, client_id) == after
