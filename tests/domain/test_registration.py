"""Who comes in by registering, and not before somebody has agreed?"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from dashboard.domain import api_tokens, registration, sessions, setup_links, token_families, users
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.registration import Policy, Registration
from dashboard.models import Role
from tests.factories import PASSWORD, make_actor, make_user

ANNA = Registration("Анна", "Anna@example.com", PASSWORD, "ru", "Europe/Moscow")
EVE = replace(ANNA, name="Eve", email="eve@example.com")


def test_who_registers_waits_and_works_as_an_operator_once_approved(any_context: Flask) -> None:
    chief = make_actor(Role.ADMINISTRATOR)
    anna = registration.register(ANNA, Policy.APPROVAL)

    with pytest.raises(Conflict, match="user_waiting"):
        users.authenticate("анна", PASSWORD)
    approved = registration.approve(chief, anna.id)

    assert (anna.is_active, anna.role) == (False, Role.OPERATOR)
    assert approved.is_active
    assert users.authenticate("анна", PASSWORD) == approved


def test_that_somebody_waits_is_told_only_to_who_knows_the_password(any_context: Flask) -> None:
    make_actor()
    registration.register(ANNA, Policy.APPROVAL)

    assert users.authenticate("анна", "a wrong password") is None


def test_nothing_that_was_made_for_who_waits_lets_in(any_context: Flask) -> None:
    make_actor()
    anna = registration.register(ANNA, Policy.APPROVAL)
    _token, text = api_tokens.make(anna.actor, "test", ("read",))
    family = token_families.begin(anna.id)
    cookie = sessions.begin(anna.id, remember=True)

    assert api_tokens.resume(text) is None
    assert token_families.member(family.family_id) is None
    assert token_families.rotate(family.family_id, family.serial) is None
    assert sessions.resume(cookie, touch=True) is None


def test_an_open_door_lets_in_at_once(any_context: Flask) -> None:
    make_actor()

    anna = registration.register(ANNA, Policy.OPEN)

    assert users.authenticate("Anna@example.com", PASSWORD) == anna


@pytest.mark.parametrize("policy", [Policy.CLOSED, Policy.APPROVAL, Policy.OPEN])
def test_nobody_registers_before_the_first_administrator_nor_at_a_closed_door(
    any_context: Flask, policy: Policy
) -> None:
    link = setup_links.issue()
    if policy is Policy.CLOSED:
        make_actor(Role.ADMINISTRATOR)

    with pytest.raises(Conflict, match="registration_closed"):
        registration.register(ANNA, policy)

    assert setup_links.is_valid(link) == (policy is not Policy.CLOSED)


@pytest.mark.parametrize(
    "change", [{"name": "АННА"}, {"email": "ANNA@example.com"}, {"name": "анна", "email": "anna@EXAMPLE.com"}]
)
def test_it_is_not_told_whether_the_name_or_the_address_is_in_use(
    any_context: Flask, change: dict[str, str]
) -> None:
    make_user(name="Анна", email="anna@example.com")

    with pytest.raises(Invalid) as refusal:
        registration.register(replace(EVE, **change), Policy.APPROVAL)

    assert [(each.field, each.code) for each in refusal.value.problems] == [("", "name_or_email_taken")]


def test_who_is_refused_is_gone_and_may_try_again(any_context: Flask) -> None:
    chief = make_actor(Role.ADMINISTRATOR)
    anna = registration.register(ANNA, Policy.APPROVAL)

    registration.refuse(chief, anna.id)

    assert users.authenticate("анна", PASSWORD) is None
    assert registration.register(ANNA, Policy.APPROVAL).id


@pytest.mark.parametrize("verb", [registration.approve, registration.refuse])
def test_only_administrators_decide_and_only_about_those_who_wait(
    any_context: Flask, verb: Callable[..., object]
) -> None:
    chief, operator = make_actor(Role.ADMINISTRATOR), make_actor()
    anna = registration.register(ANNA, Policy.APPROVAL)

    with pytest.raises(Forbidden):
        verb(operator, anna.id)
    with pytest.raises(NotFound):
        verb(chief, 999_999)
    with pytest.raises(Conflict, match="user_not_waiting"):
        verb(chief, operator.id)

    assert registration.waiting() == [anna]


def test_there_is_an_end_to_those_who_wait(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_actor()
    monkeypatch.setattr(registration, "MOST_WAITING", 1)
    registration.register(ANNA, Policy.APPROVAL)

    with pytest.raises(Conflict, match="too_many_waiting"):
        registration.register(EVE, Policy.APPROVAL)

    assert registration.register(EVE, Policy.OPEN).is_active


def test_users_are_listed_by_number_for_administrators(any_context: Flask) -> None:
    chief, operator = make_actor(Role.ADMINISTRATOR), make_actor()
    anna, eve = (registration.register(each, Policy.APPROVAL) for each in (ANNA, EVE))

    def ids(is_waiting: bool | None, after: int = 0, limit: int = 10) -> list[int]:
        return [each.id for each in registration.listed(chief, is_waiting, after, limit)]

    assert ids(None) == [chief.id, operator.id, anna.id, eve.id]
    assert ids(True) == [anna.id, eve.id]
    assert ids(True, after=anna.id) == [eve.id]
    assert ids(False, limit=1) == [chief.id]
    assert registration.counted(chief, True) == (2, True)
    for asked in (registration.listed, registration.counted):
        with pytest.raises(Forbidden):
            asked(operator, None, *([0, 10] if asked is registration.listed else []))
