"""Does the migration of the mailing form keep what is there, and hold back what it cannot keep?"""

from flask import Flask
from sqlalchemy import text

from dashboard.database import db, transaction
from dashboard.domain import mailings
from dashboard.domain.permissions import Actor
from dashboard.models import Role, State
from tests.factories import make_actor
from tests.house.test_migrations import present_shape
from tests.support.engine import add_clients, fan_out_all, make_draft, schedule
from tests.support.first_slice import downgrade_to, migrate_afresh_to, upgrade_to

BEFORE, AFTER = "0002", "0005"


def test_taking_it_back_brings_every_constraint_back(any_context: Flask) -> None:
    migrate_afresh_to(BEFORE)
    before = present_shape()
    upgrade_to(AFTER)

    downgrade_to(BEFORE)

    assert present_shape() == before


def test_a_mailing_that_leaves_clients_out_waits_for_a_person_when_that_cannot_be_kept(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    earlier = fan_out_all(owner)
    by_tag = schedule(owner, excluded_tags=("tired",))
    by_mailing = schedule(owner, excluded_mailing_id=earlier)
    plain = schedule(owner)
    draft = mailings.create(owner, make_draft())
    db.session.remove()

    downgrade_to(BEFORE)

    with transaction() as session:
        states = dict(session.execute(text("SELECT id, state FROM mailings")).all())
    assert {states[by_tag], states[by_mailing], states[draft]} == {State.DRAFT.value}
    assert states[plain] == State.SCHEDULED.value


def test_what_is_there_excludes_nobody_afterwards(any_context: Flask) -> None:
    migrate_afresh_to(AFTER)
    downgrade_to(BEFORE)
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO users (id, name, name_key, email, password_hash, role, is_active, language, theme,"
                " timezone, created_at) VALUES (1, 'a', 'a', 'a@x', '', 'operator', true, 'en', 'auto', 'UTC',"
                " '2026-01-01 00:00:00')"
            )
        )
        session.execute(
            text(
                "INSERT INTO mailings (id, owner_id, title, text, time_basis, starts_at, ends_at, tags,"
                " operator_codes, everybody, rate_unit, state, created_at, updated_at, version, awaits_approval)"
                " VALUES (1, 1, 'Old', 'x', 'instant', '2026-01-01 00:00:00', '2026-01-02 00:00:00', '[]', '[]',"
                " true, 'messages', 'draft', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1, false)"
            )
        )

    upgrade_to(AFTER)

    upgrade_to("head")
    kept = mailings.get(Actor(1, Role.OPERATOR), 1)
    assert (kept.excluded_tags, kept.excluded_mailing_id) == ([], None)
