"""Does an account at a provider lead to its own user and to nobody else's, on both databases?"""

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard import models
from dashboard.database import db
from dashboard.domain import identities, registration, sessions, users
from dashboard.domain.errors import Conflict
from dashboard.domain.identities import Arrival, Policy
from dashboard.domain.registration import Registration
from dashboard.models import AuditLine, Identity, Role
from tests.factories import PASSWORD, make_user

ISSUER = "https://login.example.com"
ANN = Arrival(ISSUER, "ann-1", "Ann@Example.com", True, "Ann")
LINKS = Policy(creates_users=False, takes_roles=False, language="en", timezone="UTC")
MAKES = replace(LINKS, creates_users=True)
TELLS_ROLES = replace(MAKES, takes_roles=True)


def refused(who: Arrival, policy: Policy) -> str:
    with pytest.raises(Conflict) as refusal:
        identities.arrive(who, policy)
    return refusal.value.code


def written(user_id: int | None) -> list[tuple[str, Any]]:
    """What the audit log says was done to this user, and how it is since."""
    lines = select(AuditLine.verb, AuditLine.after).where(AuditLine.object_id == user_id).order_by(AuditLine.id)
    return [(verb.removeprefix("user."), after) for verb, after in db.session.execute(lines)]


def test_a_verified_address_links_once_and_then_only_the_subject_counts(any_context: Flask) -> None:
    ann, bob = make_user(email="ann@example.com"), make_user(email="bob@example.com")

    first = identities.arrive(ANN, LINKS)
    moved = identities.arrive(replace(ANN, email="bob@example.com", is_email_verified=False), LINKS)
    second_account = refused(replace(ANN, subject="ann-2"), LINKS)
    elsewhere = identities.arrive(replace(ANN, issuer="https://other.example.com"), LINKS)

    assert [first.id, moved.id, elsewhere.id] == [ann.id] * 3
    assert second_account == "provider_email_taken"
    assert users.authenticate(bob.name, PASSWORD) == bob


def test_an_address_that_nobody_verified_neither_links_nor_makes_anybody(app_context: Flask) -> None:
    make_user(email="ann@example.com")
    unverified = replace(ANN, is_email_verified=False)

    codes = [
        refused(unverified, LINKS),
        refused(unverified, TELLS_ROLES),
        refused(replace(unverified, role=Role.ADMINISTRATOR), TELLS_ROLES),
        refused(replace(unverified, email="eve@example.com", role=Role.ADMINISTRATOR), TELLS_ROLES),
        refused(replace(ANN, email="eve@example.com"), LINKS),
        refused(replace(ANN, email="no address"), MAKES),
    ]

    assert codes == [
        "provider_email_unverified",
        "provider_gives_no_role",
        "provider_email_unverified",
        "provider_email_unverified",
        "provider_user_unknown",
        "provider_user_unknown",
    ]
    assert db.session.scalar(select(func.count()).select_from(Identity)) == 0
    assert len(users.listed()) == 1
    assert [after and after["reason"] for _verb, after in written(None)] == codes


def test_a_new_user_waits_unless_the_provider_gives_a_role_and_has_no_password(any_context: Flask) -> None:
    chief = make_user(Role.ADMINISTRATOR, name="Ann")

    waits = refused(ANN, MAKES)
    row = db.session.scalar(select(models.User).where(models.User.email == "ann@example.com"))
    assert row is not None
    registration.approve(chief.actor, row.id)
    approved = identities.arrive(ANN, MAKES)
    made = identities.arrive(Arrival(ISSUER, "eve-1", "eve@example.com", True, "", Role.VIEWER), TELLS_ROLES)

    assert waits == "user_waiting"
    assert (approved.id, approved.name, approved.role) == (row.id, "Ann 2", Role.OPERATOR)
    assert (made.name, made.role, made.is_active) == ("eve", Role.VIEWER, True)
    assert [users.has_password(user.id) for user in (chief, approved, made)] == [True, False, False]
    (registered, said), *then = written(row.id)
    assert (registered, said["email"], bool(said["waiting_since"])) == ("register", "ann@example.com", True)
    assert then == [
        *(("link", {"issuer": ISSUER}), ("sign_in_refused", {"reason": "user_waiting"}), ("approve", None)),
    ]
    (created, said), *then = written(made.id)
    assert (created, said["name"], said["email"], said["is_active"]) == ("create", "eve", "eve@example.com", True)
    assert then == [("link", {"issuer": ISSUER}), ("take_role", {"role": "viewer"})]


def test_a_role_of_the_providers_lets_in_who_waits_and_is_written_down(any_context: Flask) -> None:
    refused(ANN, MAKES)

    ann = identities.arrive(replace(ANN, role=Role.OPERATOR), TELLS_ROLES)

    assert (ann.is_active, ann.role) == (True, Role.OPERATOR)
    assert written(ann.id)[-1] == ("approve", {"role": "operator"})


def test_who_registered_with_anothers_address_keeps_no_way_in(app_context: Flask) -> None:
    make_user(Role.ADMINISTRATOR)
    thief = Registration("Ann", "ann@example.com", PASSWORD, "en", "UTC")
    registration.register(thief, registration.Policy.APPROVAL)

    waits = refused(ANN, LINKS)
    registration.approve_by_name("Ann")
    owner = identities.arrive(ANN, LINKS)

    assert waits == "user_waiting"
    assert owner.email == "ann@example.com"
    assert users.authenticate("Ann", PASSWORD) is None


def test_the_role_is_the_providers_at_each_sign_in_but_the_last_administrator_stays(any_context: Flask) -> None:
    ann = make_user(Role.VIEWER, email="ann@example.com")
    as_chief, as_viewer = (replace(ANN, role=role) for role in (Role.ADMINISTRATOR, Role.VIEWER))

    begun_before = sessions.begin(ann.id, remember=True)
    roles = [identities.arrive(who, TELLS_ROLES).role for who in (as_chief, as_viewer)]
    begun_as_chief = sessions.begin(ann.id, remember=True)
    make_user(Role.ADMINISTRATOR, is_active=False)
    still = identities.arrive(as_viewer, TELLS_ROLES).role
    stays_in = sessions.resume(begun_as_chief, touch=False)
    other = make_user(Role.ADMINISTRATOR)
    with_another = identities.arrive(as_viewer, TELLS_ROLES)
    not_asked = identities.arrive(as_chief, LINKS).role

    assert roles == [Role.ADMINISTRATOR, Role.ADMINISTRATOR]
    assert still is Role.ADMINISTRATOR
    assert (with_another.id, with_another.role) == (ann.id, Role.VIEWER)
    assert not_asked is Role.VIEWER
    assert stays_in is not None
    assert [sessions.resume(each, touch=False) for each in (begun_before, begun_as_chief)] == [None, None]
    assert refused(ANN, TELLS_ROLES) == "provider_gives_no_role"
    assert other.role is Role.ADMINISTRATOR


def test_who_is_switched_off_stays_outside(app_context: Flask) -> None:
    user = make_user(email="ann@example.com", is_active=False)

    codes = [refused(ANN, LINKS), refused(replace(ANN, role=Role.ADMINISTRATOR), TELLS_ROLES)]

    assert codes == ["user_inactive", "user_inactive"]
    assert [each for each in written(user.id) if each[0] == "sign_in_refused"] == [
        ("sign_in_refused", {"reason": "user_inactive"})
    ] * 2
    assert not [each for each in users.listed() if each.id == user.id and each.is_active]


def test_two_first_sign_ins_at_once_make_one_user(any_context: Flask) -> None:
    ready, found = Barrier(2), []

    def arrive() -> None:
        with any_context.app_context():
            ready.wait()
            found.append(identities.arrive(replace(ANN, role=Role.OPERATOR), TELLS_ROLES).id)

    threads = [Thread(target=arrive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len({*found}) == 1
    assert len(users.listed()) == 1


def test_a_first_sign_in_between_the_two_looks_of_another_is_the_same_account(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = replace(ANN, role=Role.OPERATOR)
    first = identities.arrive(operator, TELLS_ROLES)
    # The look for the account came before that was written, the look for the address comes after it.
    monkeypatch.setattr(identities, "_known", lambda session, who: None)

    second = identities.arrive(operator, TELLS_ROLES)
    other = refused(replace(operator, subject="ann-2"), TELLS_ROLES)

    assert second == first
    assert other == "provider_email_taken"
    assert db.session.scalar(select(func.count()).select_from(Identity)) == 1
