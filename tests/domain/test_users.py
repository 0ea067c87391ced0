"""Are users made, recognised and kept apart as they should be, on both databases?"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import argon2
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from dashboard import clock, models
from dashboard.database import db, transaction
from dashboard.domain import passwords, setup_links, users
from dashboard.domain.errors import Conflict, DomainError, Invalid
from dashboard.domain.users import NewUser
from dashboard.models import Role
from tests.factories import PASSWORD, make_user

ANNA = NewUser(
    name="Анна",
    email="Anna@Example.com",
    password=PASSWORD,
    role=Role.OPERATOR,
    language="ru",
    timezone="gmt+3",
)


def codes_of(refusal: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refusal.value.problems]


def test_a_new_user_is_kept_tidily_and_the_password_only_as_a_hash(any_context: Flask) -> None:
    user_id = users.create(replace(ANNA, name="  Анна   Петрова "))

    row = db.session.get_one(models.User, user_id)
    assert (row.name, row.email, row.timezone) == ("Анна Петрова", "anna@example.com", "UTC+03:00")
    assert row.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": " "}, ("name", "name_missing")),
        ({"name": "x" * 65}, ("name", "name_too_long")),
        ({"name": "eve@example.com"}, ("name", "name_invalid")),
        ({"name": "bell\a"}, ("name", "name_invalid")),
        ({"email": ""}, ("email", "email_missing")),
        ({"email": "anna@localhost"}, ("email", "email_invalid")),
        ({"email": "anna@exa mple.com"}, ("email", "email_invalid")),
        ({"email": "a@b@example.com"}, ("email", "email_invalid")),
        ({"email": f"{'a' * 250}@example.com"}, ("email", "email_invalid")),
        ({"password": "eleven char"}, ("password", "password_too_short")),
        ({"password": "x" * 257}, ("password", "password_too_long")),
        ({"password": "ANNA@example.com"}, ("password", "password_is_name")),
        ({"password": "Password1234"}, ("password", "password_too_common")),
        ({"password": "NeedForSpeed"}, ("password", "password_too_common")),
        ({"password": "Йцукенгшщзхъ"}, ("password", "password_too_common")),
        ({"password": "zzzzzzzzzzzzzz"}, ("password", "password_too_common")),
        ({"language": "fr"}, ("language", "language_unknown")),
        ({"theme": "pink"}, ("theme", "theme_unknown")),
        ({"timezone": "Mars"}, ("timezone", "zone_unknown")),
    ],
)
def test_a_faulty_user_is_refused_beside_the_faulty_field(
    app_context: Flask, change: dict[str, str], problem: tuple[str, str]
) -> None:
    with pytest.raises(Invalid) as refusal:
        users.create(replace(ANNA, **change))

    assert codes_of(refusal) == [problem]
    assert not users.has_users()


def test_all_faults_are_told_at_once(app_context: Flask) -> None:
    with pytest.raises(Invalid) as refusal:
        users.create(replace(ANNA, name="", email="", password=""))

    assert [field for field, _ in codes_of(refusal)] == ["name", "email", "password"]


@pytest.mark.parametrize("name", ["анна", "АННА", " Анна "])
def test_names_that_look_alike_are_one(any_context: Flask, name: str) -> None:
    users.create(ANNA)

    with pytest.raises(Invalid) as refusal:
        users.create(replace(ANNA, name=name))

    assert codes_of(refusal) == [("name", "name_taken"), ("email", "email_taken")]


def test_of_two_with_one_name_at_once_one_is_made(any_app: Flask) -> None:
    """PostgreSQL lets both ask before either has answered: the unique key decides."""

    def make(number: int) -> int | DomainError:
        with any_app.app_context():
            try:
                return users.create(replace(ANNA, email=f"anna-{number}@example.com"))
            except Invalid as refusal:
                return refusal

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))

    assert len([user_id for user_id in made if isinstance(user_id, int)]) == 1


@pytest.mark.parametrize(
    ("login", "password", "opens"),
    [
        ("АННА", PASSWORD, True),
        ("anna@EXAMPLE.com ", PASSWORD, True),
        ("Анна", PASSWORD.upper(), False),
        ("Анна", "", False),
        ("Анна", "x" * 1_000_000, False),
        ("nobody", PASSWORD, False),
        ("Анна\0", PASSWORD, True),
        ("", "", False),
    ],
)
def test_a_login_opens_with_its_password_only(any_context: Flask, login: str, password: str, opens: bool) -> None:
    users.create(ANNA)

    found = users.authenticate(login, password)

    assert (found is not None) is opens


def test_a_password_is_the_same_however_a_keyboard_composes_it(app_context: Flask) -> None:
    users.create(replace(ANNA, password="длинный йогурт"))

    assert users.authenticate("Анна", "длинный и\u0306огурт") is not None


def test_an_unknown_name_costs_as_much_hashing_as_a_wrong_password(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.create(ANNA)
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, hashed: str, password: str) -> bool:
        checked.append(argon2.extract_parameters(hashed).memory_cost)
        return verify(self, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)

    users.authenticate("Анна", "wrong")
    users.authenticate("nobody", "wrong")

    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_guessing_is_dear_in_production() -> None:
    """OWASP's Password Storage Cheat Sheet asks for 19 MiB and two passes at least."""
    parameters = argon2.extract_parameters(passwords.hashed(PASSWORD))

    assert parameters.type is argon2.Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


def test_a_hash_with_weaker_parameters_is_made_anew_at_sign_in(any_context: Flask) -> None:
    user = make_user()
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        session.execute(update(models.User).values(password_hash=weak))

    found = users.authenticate(user.name, PASSWORD)

    kept = db.session.scalar(select(models.User.password_hash))
    assert found == user
    assert kept is not None
    assert not passwords.is_outdated(kept)
    assert users.authenticate(user.name, PASSWORD) == user


def test_a_set_up_link_works_until_it_is_used(any_context: Flask) -> None:
    token = setup_links.issue()
    assert setup_links.is_valid(token)

    user_id = setup_links.use(token, ANNA)

    assert db.session.get_one(models.User, user_id).role is Role.ADMINISTRATOR
    assert not setup_links.is_valid(token)
    with pytest.raises(Conflict):
        setup_links.use(token, replace(ANNA, name="Eve", email="eve@example.com"))


def test_a_set_up_link_survives_a_faulty_form(any_context: Flask) -> None:
    token = setup_links.issue()

    with pytest.raises(Invalid):
        setup_links.use(token, replace(ANNA, password="short"))

    assert setup_links.is_valid(token)


def test_a_later_set_up_link_ends_the_earlier_one(app_context: Flask) -> None:
    earlier = setup_links.issue()

    later = setup_links.issue()

    assert not setup_links.is_valid(earlier)
    assert setup_links.is_valid(later)


def test_a_set_up_link_lasts_a_day(app_context: Flask) -> None:
    token = setup_links.issue()

    with time_machine.travel(clock.now() + setup_links.LIFETIME + timedelta(seconds=5)):
        assert not setup_links.is_valid(token)
        with pytest.raises(Conflict):
            setup_links.use(token, ANNA)


def test_where_there_is_a_user_there_is_no_set_up_link(app_context: Flask) -> None:
    token = setup_links.issue()
    make_user()

    assert not setup_links.is_valid(token)
    with pytest.raises(Conflict):
        setup_links.use(token, ANNA)
    with pytest.raises(Conflict):
        setup_links.issue()


def test_of_two_people_with_one_set_up_link_one_becomes_administrator(any_app: Flask) -> None:
    with any_app.app_context():
        token = setup_links.issue()

    def use(number: int) -> bool:
        someone = replace(ANNA, name=f"anna-{number}", email=f"anna-{number}@example.com")
        with any_app.app_context():
            try:
                setup_links.use(token, someone)
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(use, range(4)))

    assert sum(won) == 1
    with any_app.app_context():
        assert len(users.listed()) == 1


def test_preferences_are_changed_together_or_not_at_all(any_context: Flask) -> None:
    user = make_user(language="en")

    users.change_preferences(user.id, "ru", "dark", "asia/omsk")
    with pytest.raises(Invalid):
        users.change_preferences(user.id, "en", "light", "nowhere")

    assert users.listed() == [replace(user, language="ru", theme="dark", timezone="Asia/Omsk")]
