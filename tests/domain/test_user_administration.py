"""Do administrators make, change and switch off users, and is there always one of them left?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db
from dashboard.domain import (
    api_tokens,
    password_changes,
    registration,
    sessions,
    token_families,
    user_administration,
    user_lists,
    users,
)
from dashboard.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.domain.registration import Policy, Registration
from dashboard.domain.user_administration import UserDraft
from dashboard.domain.user_lists import UserFilter, UserState
from dashboard.models import Mail, Role
from tests.factories import PASSWORD, make_actor, make_user

BEN = UserDraft("Бен", "ben@example.com", "operator", may_launch=False, language="en", timezone="UTC")


def problems_of(refusal: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refusal.value.problems]


def test_who_is_made_sets_the_password_by_a_link_that_works_once(app_context: Flask) -> None:
    chief = make_actor(Role.ADMINISTRATOR)

    user_id, token = user_administration.make(chief, BEN, by_mail=False)

    assert token is not None
    user = password_changes.use(token, PASSWORD, tells=False)
    assert (user.id, user.role, user.may_launch, user.language) == (user_id, Role.OPERATOR, False, "en")
    assert users.authenticate("бен", PASSWORD) == user
    with pytest.raises(Conflict, match="password_link_invalid"):
        password_changes.use(token, PASSWORD, tells=False)


def test_or_gets_it_by_mail_and_nobody_else_sees_it(app_context: Flask) -> None:
    chief = make_actor(Role.ADMINISTRATOR)

    user_id, token = user_administration.make(chief, BEN, by_mail=True)

    mail = db.session.scalars(select(Mail)).one()
    assert token is None
    assert (mail.kind, mail.address, mail.user_id, mail.params) == ("invitation", BEN.email, user_id, {})


def test_whoever_reads_an_address_that_was_wrong_sets_no_password(any_context: Flask) -> None:
    chief = make_actor(Role.ADMINISTRATOR)
    user_id, _none = user_administration.make(chief, BEN, by_mail=True)
    mailed = password_changes.issue(user_id, password_changes.HANDED)
    user_administration.change(chief, user_id, replace(BEN, name="Benjamin"))
    assert password_changes.owner_of(mailed) is not None

    user_administration.change(chief, user_id, replace(BEN, email="right@example.com"))

    assert password_changes.owner_of(mailed) is None
    assert [mail.address for mail in db.session.scalars(select(Mail))] == ["right@example.com"]


def test_a_right_holds_from_the_next_request_on_and_a_role_is_signed_in_for(any_context: Flask) -> None:
    chief, user = make_actor(Role.ADMINISTRATOR), make_user()
    cookie = sessions.begin(user.id, remember=True)
    family = token_families.begin(user.id)

    changed = user_administration.change(chief, user.id, replace(BEN, timezone="asia/omsk"))
    link = password_changes.issue_for(chief, user.id)
    resumed = sessions.resume(cookie, touch=False)
    raised = user_administration.change(chief, user.id, replace(BEN, role="administrator"))

    assert resumed == changed
    assert (changed.name, changed.may_launch, changed.timezone) == ("Бен", False, "Asia/Omsk")
    # Whoever is an administrator now may have to have a second factor, and is asked for it at the sign-in.
    assert raised.role is Role.ADMINISTRATOR
    assert sessions.resume(cookie, touch=False) is None
    assert token_families.member(family.family_id) is None
    assert password_changes.owner_of(link) == raised


def test_where_passwords_open_nothing_no_link_to_set_one_is_given(app_context: Flask) -> None:
    chief, user = make_actor(Role.ADMINISTRATOR), make_user()

    for verb in (password_changes.issue_for, user_administration.invite):
        with pytest.raises(Conflict, match="password_opens_nothing"):
            verb(chief, user.id, opens=False)

    assert db.session.scalars(select(Mail)).all() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "АННА"}, ("name", "name_taken")),
        ({"email": "ANNA@example.com"}, ("email", "email_taken")),
        ({"name": ""}, ("name", "name_missing")),
        ({"role": "king"}, ("role", "role_unknown")),
        ({"language": "fr"}, ("language", "language_unknown")),
    ],
)
def test_a_faulty_change_is_refused_beside_its_field(
    app_context: Flask, change: dict[str, str], problem: tuple[str, str]
) -> None:
    chief, user = make_actor(Role.ADMINISTRATOR), make_user()
    make_user(name="Анна", email="anna@example.com")

    for verb in (
        lambda: user_administration.change(chief, user.id, replace(BEN, **change)),
        lambda: user_administration.make(chief, replace(BEN, **change), by_mail=False),
    ):
        with pytest.raises(Invalid) as refusal:
            verb()
        assert problems_of(refusal) == [problem]


def test_who_is_switched_off_has_nothing_left_that_lets_in(app_context: Flask) -> None:
    chief, user = make_actor(Role.ADMINISTRATOR), make_user()
    cookie = sessions.begin(user.id, remember=True)
    family = token_families.begin(user.id)
    _token, text = api_tokens.make(user.actor, "CRM", ["read"])
    link = password_changes.issue_for(chief, user.id)

    user_administration.deactivate(chief, user.id)
    assert users.authenticate(user.name, PASSWORD) is None
    assert api_tokens.resume(text) is None
    user_administration.activate(chief, user.id)

    # Not even once switched on again; tokens for programs work again, and can be revoked.
    assert sessions.resume(cookie, touch=False) is None
    assert token_families.member(family.family_id) is None
    assert password_changes.owner_of(link) is None
    assert api_tokens.resume(text) is not None
    assert users.authenticate(user.name, PASSWORD) is not None


VERBS: dict[str, Callable[[Actor, int], object]] = {
    "deactivate": user_administration.deactivate,
    "demote": lambda actor, id_: user_administration.change(
        actor, id_, replace(BEN, name=f"ben-{id_}", email=f"{id_}@example.com")
    ),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_the_last_administrator_stays_one(app_context: Flask, verb: Callable[[Actor, int], object]) -> None:
    chief = make_actor(Role.ADMINISTRATOR)
    make_user(Role.ADMINISTRATOR, is_active=False)

    with pytest.raises(Conflict, match="last_administrator"):
        verb(chief, chief.id)
    other = make_actor(Role.ADMINISTRATOR)
    verb(other, chief.id)

    with pytest.raises(Forbidden):
        verb(chief, other.id)


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_of_administrators_who_take_each_others_place_away_one_is_left(
    any_app: Flask, verb: Callable[[Actor, int], object]
) -> None:
    with any_app.app_context():
        chiefs = [make_actor(Role.ADMINISTRATOR) for _ in range(4)]

    def take_away(number: int) -> bool:
        with any_app.app_context():
            try:
                verb(chiefs[number], chiefs[(number + 1) % 4].id)
            except DomainError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take_away, range(4)))

    with any_app.app_context():
        left = [user for user in users.listed() if user.is_active and user.role is Role.ADMINISTRATOR]
        assert len(left) >= 1


def test_only_administrators_do_any_of_it(app_context: Flask) -> None:
    operator, other = make_actor(), make_user()
    for verb in (
        *VERBS.values(),
        user_administration.activate,
        user_administration.end_sign_ins,
        user_administration.invite,
        password_changes.issue_for,
        user_lists.get,
        user_lists.receivers,
    ):
        with pytest.raises(Forbidden):
            verb(operator, other.id)
    with pytest.raises(Forbidden):
        user_administration.make(operator, BEN, by_mail=False)
    with pytest.raises(Forbidden):
        user_lists.page(operator, UserFilter())
    with pytest.raises(NotFound):
        user_administration.deactivate(make_actor(Role.ADMINISTRATOR), 999)


def test_users_are_found_by_name_address_role_and_state(any_context: Flask) -> None:
    chief = make_user(Role.ADMINISTRATOR, name="Chief")
    anna = make_user(name="Анна_1", email="first@example.com")
    off = make_user(Role.VIEWER, name="Вера", is_active=False)
    waiting = registration.register(Registration("Eve", "eve@example.com", PASSWORD, "en", "UTC"), Policy.APPROVAL)

    def names(**wanted: object) -> list[str]:
        found = user_lists.page(chief.actor, UserFilter(**wanted))  # type: ignore[arg-type]
        return [each.user.name for each in found.items]

    assert names() == ["Eve", "Вера", "Анна_1", "Chief"]
    assert names(q="АННА_") == ["Анна_1"]
    assert names(q="FIRST@") == ["Анна_1"]
    assert names(q="%") == []
    assert names(role=Role.VIEWER) == ["Вера"]
    assert [names(state=state) for state in UserState] == [["Анна_1", "Chief"], ["Eve"], ["Вера"], []]
    assert user_lists.get(chief.actor, off.id).state is UserState.INACTIVE
    assert user_lists.receivers(chief.actor, waiting.id) == [(chief.id, "Chief"), (anna.id, "Анна_1")]
