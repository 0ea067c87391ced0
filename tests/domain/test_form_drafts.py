"""Does what was typed outlive the browser, and only until it is saved?"""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import form_drafts, mailings
from dashboard.domain.errors import Forbidden
from dashboard.models import FormDraft, Role
from tests.factories import make_actor
from tests.support.engine import make_draft

KEY = "0123456789abcdef" * 2


def test_a_form_is_kept_as_it_stands_and_the_newest_counts(any_context: Flask) -> None:
    actor = make_actor()
    form_drafts.keep(actor, KEY, {"title": ["Sp"], "tags": ["vip"]})

    form_drafts.keep(actor, KEY, {"title": ["Spring"], "starts_at": ["garbage"]})

    found = form_drafts.find(actor, KEY)
    assert found is not None
    assert found.fields == {"title": ["Spring"], "starts_at": ["garbage"]}


def test_each_has_their_own(any_context: Flask) -> None:
    one, other = make_actor(), make_actor()
    form_drafts.keep(one, KEY, {"title": ["One's"]})

    assert form_drafts.find(other, KEY) is None
    assert form_drafts.of_new_mailings(other) == []


def test_forms_of_drafts_that_exist_are_not_offered_as_new_mailings(any_context: Flask) -> None:
    actor = make_actor()
    form_drafts.keep(actor, KEY, {})
    form_drafts.keep(actor, form_drafts.key_of(7), {})

    assert [each.form_key for each in form_drafts.of_new_mailings(actor)] == [KEY]


def test_a_last_keystroke_that_arrives_after_the_saving_is_not_kept(any_context: Flask) -> None:
    actor = make_actor()
    mailings.create(actor, make_draft(), KEY)

    assert form_drafts.keep(actor, KEY, {"title": ["Late"]}) is None
    assert form_drafts.find(actor, KEY) is None


def test_after_a_month_it_is_gone(any_context: Flask) -> None:
    actor = make_actor()
    form_drafts.keep(actor, KEY, {})
    long_ago = clock.now() - form_drafts.KEPT - timedelta(hours=1)
    with transaction() as session:
        session.execute(update(FormDraft).values(saved_at=long_ago))

    form_drafts.keep(actor, "f" * 32, {})

    assert db.session.scalar(select(func.count()).select_from(FormDraft)) == 1
    assert form_drafts.find(actor, KEY) is None


def test_what_is_dropped_is_gone_and_dropping_it_again_is_no_harm(any_context: Flask) -> None:
    actor = make_actor()
    form_drafts.keep(actor, KEY, {})

    form_drafts.drop(actor, KEY)
    form_drafts.drop(actor, KEY)

    assert form_drafts.find(actor, KEY) is None


def test_a_viewer_keeps_nothing(any_context: Flask) -> None:
    with pytest.raises(Forbidden):
        form_drafts.keep(make_actor(Role.VIEWER), KEY, {})
