"""Do messages begin to leave only where somebody wished it who may launch?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from dashboard import clock, models
from dashboard.database import transaction
from dashboard.domain import limits, live, mailings, resending, single_messages, trials, unknown_outcomes
from dashboard.domain.errors import Forbidden
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_outcomes import Decision
from dashboard.domain.users import User
from dashboard.models import Role, State
from tests.factories import make_user, sign_in
from tests.support.engine import add_clients, fan_out_all, make_draft, messages_of

VERBS: dict[str, Callable[[Actor, int], Any]] = {
    "launch": mailings.schedule,
    "launch from the form": lambda actor, _id: mailings.launch(actor, make_draft(everybody=True)),
    "resume": mailings.resume,
    "resend": resending.resend,
    "resend some": lambda actor, id_: resending.resend_some(actor, id_, None, None),
    "resend unknown": lambda actor, id_: unknown_outcomes.decide(actor, id_, Decision.RESEND, None, None),
    "one message more": lambda actor, id_: single_messages.create(actor, id_, 1),
    "trial": lambda actor, _id: trials.begin(actor, make_draft(everybody=True), actor.id, "79001234567"),
}


def make_writer(role: Role = Role.OPERATOR) -> User:
    """Who writes and does not launch."""
    user = make_user(role)
    with transaction() as session:
        session.execute(update(models.User).where(models.User.id == user.id).values(may_launch=False))
        return User.of(session.get_one(models.User, user.id))


def test_an_operator_without_the_right_lets_nothing_leave_and_stops_everything(app_context: Flask) -> None:
    writer, chief = make_writer().actor, make_user(Role.ADMINISTRATOR).actor
    add_clients(writer, 3)
    tomorrow = clock.now() + timedelta(days=1)
    draft = make_draft(everybody=True, starts_at=tomorrow, ends_at=tomorrow + timedelta(days=1))

    written = mailings.create(writer, draft)
    for name, verb in VERBS.items():
        with pytest.raises(Forbidden, match="launch_not_allowed"):
            verb(writer, written)
        assert mailings.get(chief, written).state is State.DRAFT, name
    mailings.schedule(chief, written)
    mailings.unschedule(writer, written)
    mailings.schedule(chief, written)
    mailings.cancel(writer, written)

    running = fan_out_all(Actor(writer.id, Role.OPERATOR, may_launch=True), everybody=True)
    mailings.pause(writer, running)
    with pytest.raises(Forbidden, match="launch_not_allowed"):
        mailings.resume(writer, running)
    with pytest.raises(Forbidden, match="launch_not_allowed"):
        single_messages.change_text(writer, messages_of(running)[0].id, "Other words")
    limits.change_rate(writer, running, 1, models.RateUnit.MESSAGES)
    assert live.picture(writer, running).verbs == (mailings.Verb.CANCEL,)
    mailings.resume(chief, running)
    assert set(live.picture(writer, running).verbs) == {mailings.Verb.CANCEL, mailings.Verb.PAUSE}


def test_the_right_is_nothing_to_a_viewer_and_an_administrator_needs_none(app_context: Flask) -> None:
    viewer, chief = make_user(Role.VIEWER).actor, make_writer(Role.ADMINISTRATOR).actor
    add_clients(chief, 1)
    mailing_id = mailings.create(chief, make_draft(everybody=True))

    with pytest.raises(Forbidden) as refusal:
        mailings.schedule(viewer, mailing_id)
    mailings.schedule(chief, mailing_id)

    assert refusal.value.code is None
    assert mailings.get(chief, mailing_id).state is State.SCHEDULED


def test_pages_and_programs_are_told_why(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        writer = make_writer()
        add_clients(writer.actor, 1)
        mailing_id = mailings.create(writer.actor, make_draft(everybody=True))
    sign_in(client, writer)
    page = client.get(f"/mailings/{mailing_id}").text
    form = client.get("/mailings/new").text
    pressed = client.post(
        f"/mailings/{mailing_id}/schedule", headers={"Referer": f"http://localhost/mailings/{mailing_id}"}
    )
    credentials = {"username": writer.name, "password": "correct horse battery staple"}
    access = client.post("/api/v1/token", json=credentials).json["access"]  # type: ignore[index]
    program = {"Authorization": f"Bearer {access}"}

    asked = client.post(f"/api/v1/mailings/{mailing_id}/launch", headers=program)

    assert "an administrator launches" in page
    assert 'data-opens="schedule"' not in page
    assert 'value="schedule"' not in form
    assert "trial_phone" not in form
    assert pressed.status_code == 303
    assert "You may not let messages leave" in client.get(pressed.location).text
    assert client.get("/messages/new").status_code == 403
    assert (asked.status_code, asked.json["code"]) == (403, "launch_not_allowed")  # type: ignore[index]
    assert client.get("/api/v1/users/me", headers=program).json["may_launch"] is False  # type: ignore[index]
