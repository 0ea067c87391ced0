"""Is a new password set only by who may, and does nothing that let in before let in afterwards?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import api_tokens, password_changes, profile, sessions, token_families, users
from dashboard.domain.errors import Conflict, Invalid
from dashboard.domain.users import User
from dashboard.models import Mail, PasswordLink
from tests.factories import PASSWORD, make_user

NEW = "another horse altogether"


def by_link(user: User, _cookie: str) -> None:
    password_changes.use(password_changes.issue(user.id, password_changes.MAILED), NEW, tells=True)


def by_oneself(user: User, cookie: str) -> None:
    password_changes.change(user, PASSWORD, NEW, cookie, tells=True)


@pytest.mark.parametrize(("change", "stays"), [(by_link, False), (by_oneself, True)])
def test_whatever_let_in_before_lets_in_no_more(
    any_context: Flask, change: Callable[[User, str], None], stays: bool
) -> None:
    user, other = make_user(), make_user()
    here, there, others = (sessions.begin(each.id, remember=True) for each in (user, user, other))
    family = token_families.begin(user.id)
    old_link = password_changes.issue(user.id, password_changes.HANDED)
    _token, text = api_tokens.make(user.actor, "CRM", ["read"])

    change(user, here)

    assert users.authenticate(user.name, PASSWORD) is None
    assert users.authenticate(user.name, NEW) == user
    assert (sessions.resume(here, touch=False) is not None) is stays
    assert sessions.resume(there, touch=False) is None
    assert sessions.resume(others, touch=False) == other
    assert token_families.member(family.family_id) is None
    assert password_changes.owner_of(old_link) is None
    assert api_tokens.resume(text) is not None
    assert [(mail.kind, mail.address) for mail in db.session.scalars(select(Mail))] == [
        ("password_changed", user.email)
    ]


def test_a_link_works_once_for_its_time_and_for_who_is_active(any_context: Flask) -> None:
    user, off = make_user(), make_user(is_active=False)
    token = password_changes.issue(user.id, password_changes.MAILED)

    with pytest.raises(Invalid):
        password_changes.use(token, "short", tells=False)
    assert password_changes.owner_of(token) == user
    with transaction() as session:
        session.execute(update(PasswordLink).values(expires_at=clock.now() - timedelta(seconds=1)))

    for dead in (token, "", "invented", password_changes.issue(off.id, password_changes.MAILED)):
        with pytest.raises(Conflict, match="password_link_invalid"):
            password_changes.use(dead, NEW, tells=False)
    assert users.authenticate(user.name, PASSWORD) == user


def test_of_two_with_one_link_one_sets_the_password(any_app: Flask) -> None:
    with any_app.app_context():
        user = make_user()
        token = password_changes.issue(user.id, password_changes.MAILED)

    def use(number: int) -> bool:
        with any_app.app_context():
            try:
                password_changes.use(token, f"{NEW} {number}", tells=False)
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


def test_links_do_not_pile_up(app_context: Flask) -> None:
    user = make_user()

    tokens = [password_changes.issue(user.id, password_changes.MAILED) for _ in range(8)]

    alive = [password_changes.owner_of(token) is not None for token in tokens]
    assert alive == [False] * (8 - password_changes.MOST_LINKS) + [True] * password_changes.MOST_LINKS


def test_asking_does_the_same_whether_anybody_has_the_address(app_context: Flask) -> None:
    make_user(email="anna@example.com")

    password_changes.ask("anna@example.com")
    password_changes.ask("nobody@example.com")

    rows = db.session.scalars(select(Mail)).all()
    assert [(row.kind, row.user_id, row.params) for row in rows] == [("password_forgotten", None, {})] * 2
    assert db.session.scalar(select(func.count()).select_from(PasswordLink)) == 0


def test_one_changes_password_name_and_address_only_by_the_present_password(app_context: Flask) -> None:
    user, _other = make_user(), make_user(name="Анна", email="anna@example.com")
    cookie = sessions.begin(user.id, remember=False)

    for verb in (
        lambda: password_changes.change(user, "wrong", NEW, cookie, tells=True),
        lambda: profile.change(user, "Ben", "ben@example.com", "wrong", tells=True),
    ):
        with pytest.raises(Invalid) as refusal:
            verb()
        assert [(each.field, each.code) for each in refusal.value.problems] == [("current", "password_wrong")]
    with pytest.raises(Invalid) as taken:
        profile.change(user, "анна", "ANNA@example.com", PASSWORD, tells=True)
    link = password_changes.issue(user.id, password_changes.MAILED)
    changed = profile.change(user, " Ben ", "Ben@Example.com", PASSWORD, tells=True)

    assert [each.code for each in taken.value.problems] == ["name_taken", "email_taken"]
    assert (changed.name, changed.email) == ("Ben", "ben@example.com")
    assert users.authenticate("ben", PASSWORD) == changed
    assert password_changes.owner_of(link) is None
    mail = db.session.scalars(select(Mail)).one()
    assert (mail.kind, mail.address, mail.params) == ("email_changed", user.email, {"email": "ben@example.com"})
