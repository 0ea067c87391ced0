"""Does the audit log say who has done what, and can nobody change what it says?"""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError

from dashboard.database import db, transaction
from dashboard.domain import (
    api_tokens,
    audit,
    audit_pages,
    brakes,
    clients,
    limits,
    mailings,
    sessions,
    single_messages,
    stop_list,
    users,
)
from dashboard.domain.audit import Thing
from dashboard.domain.audit_pages import Line, Wanted
from dashboard.domain.errors import Conflict, Forbidden
from dashboard.domain.limits import Limits
from dashboard.domain.pages import NEWEST, Cursor
from dashboard.domain.permissions import Actor
from dashboard.models import AuditLine, Role, Scope
from dashboard.origin import Origin, Via, coming_from
from tests.factories import PASSWORD, make_actor, make_user
from tests.factories_clients import draft, make_client
from tests.support.engine import add_clients, fan_out_all, make_draft, messages_of

SECRET = "a secret nobody may read"


def lines(actor: Actor, **wanted: object) -> list[Line]:
    """Oldest first."""
    return audit_pages.page(actor, Wanted(**wanted), NEWEST).items[::-1]  # type: ignore[arg-type]


def verbs(found: Sequence[Line]) -> list[str]:
    return [line.verb for line in found]


@pytest.mark.usefixtures("app_context")
def test_a_day_of_work_is_written_down_with_what_was_before() -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(boss, "79990000001", "vip", city="Omsk")
    view = clients.get(boss, client_id)
    clients.change(boss, client_id, draft("79990000001", city="Tomsk"), view.version)
    stop_list.add(boss, "79990000001")
    stop_list.add(boss, "79990000001")
    stop_list.remove(boss, "79990000001")
    mailing_id = mailings.create(boss, make_draft(title="Autumn", tags=("vip",)))
    mailings.change(boss, mailing_id, make_draft(title="Winter", tags=("vip",)), 1)
    limits.change(boss, Limits(rate_limit=5))
    brakes.stop_everything(boss)
    brakes.stop_everything(boss)
    brakes.go_on(boss)

    change = lines(boss, thing=Thing.CLIENT, object_id=client_id)[-1]
    edit = lines(boss, thing=Thing.MAILING, object_id=mailing_id)[-1]
    assert verbs(lines(boss, actor_id=boss.id)) == [
        *("client.add", "client.change", "phone.stop", "phone.unstop", "mailing.create", "mailing.change"),
        *("service.change_limits", "service.stop_everything", "service.go_on"),
    ]
    assert change.changes == [("attributes.city", "Omsk", "Tomsk"), ("tags", ["vip"], [])]
    assert ("title", "Autumn", "Winter") in edit.changes
    assert "text" not in (edit.after or {})
    assert lines(boss, verb="phone.stop")[0].object_id == 79990000001


@pytest.mark.usefixtures("app_context")
def test_the_text_of_a_single_message_is_kept_as_it_was_before() -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    add_clients(boss, 1, tag="vip")
    message_id = messages_of(fan_out_all(boss, tags=("vip",)))[0].id

    single_messages.change_text(boss, message_id, "First")
    single_messages.change_text(boss, message_id, "Second")

    told = [line.changes for line in lines(boss, thing=Thing.MESSAGE, object_id=message_id)]
    assert told == [[("text", None, "First")], [("text", "First", "Second")]]


@pytest.mark.usefixtures("app_context")
def test_who_comes_in_is_noted_and_what_they_typed_is_not() -> None:
    user = make_user(Role.ADMINISTRATOR)
    with coming_from(Origin(Via.PAGE, "192.0.2.7", "request-1")):
        assert users.authenticate(user.name, SECRET) is None
        assert users.authenticate(SECRET, PASSWORD) is None
        sessions.end(sessions.begin(user.id, remember=True))
    _token, text = api_tokens.make(user.actor, "robot", [Scope.READ])

    found = lines(user.actor)

    assert verbs(found) == [
        *("user.sign_in_refused", "user.sign_in_refused", "user.sign_in", "user.sign_out", "api_token.make"),
    ]
    assert [line.object_id for line in found[:2]] == [user.id, None]
    assert {(line.via, line.ip, line.request_id) for line in found[:4]} == {(Via.PAGE, "192.0.2.7", "request-1")}
    assert found[4].via is Via.SERVICE
    assert SECRET not in repr(found)
    assert PASSWORD not in repr(found)
    assert text not in repr(found)


@pytest.mark.usefixtures("app_context")
def test_what_is_refused_or_rolled_back_leaves_no_line() -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    mailing_id = mailings.create(boss, make_draft(everybody=True))
    before = len(lines(boss))

    with pytest.raises(Conflict):
        mailings.pause(boss, mailing_id)
    with pytest.raises(RuntimeError):
        _remove_and_fail(boss, mailing_id)

    assert len(lines(boss)) == before


def _remove_and_fail(actor: Actor, mailing_id: int) -> None:
    with transaction():
        mailings.remove(actor, mailing_id)
        raise RuntimeError


def test_the_database_refuses_to_change_or_remove_a_line_without_a_permit(any_context: Flask) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    brakes.stop_everything(boss)

    for statement in (update(AuditLine).values(verb="nothing"), delete(AuditLine)):
        with pytest.raises(DatabaseError, match="only added to"), transaction() as session:
            session.execute(statement)
    with transaction() as session, audit.permitted(session):
        session.execute(update(AuditLine).values(ip="192.0.2.1"))
    with pytest.raises(DatabaseError, match="only added to"), transaction() as session:
        session.execute(delete(AuditLine))

    assert [(line.verb, line.ip) for line in lines(boss)] == [("service.stop_everything", "192.0.2.1")]


def test_the_log_is_filtered_and_paged_by_administrators_alone(any_context: Flask) -> None:
    boss, other = make_actor(Role.ADMINISTRATOR), make_actor(Role.ADMINISTRATOR)
    for number in range(5):
        with transaction() as session:
            audit.note(session, boss, "create", Thing.MAILING, number)
            audit.note(session, other, "pause", Thing.MAILING, number)
    at = lines(boss)[0].at

    first = audit_pages.page(boss, Wanted(actor_id=boss.id), NEWEST, limit=3)
    rest = audit_pages.page(boss, Wanted(actor_id=boss.id), Cursor(before=first.next_before), limit=3)

    assert [line.object_id for line in [*first.items, *rest.items]] == [4, 3, 2, 1, 0]
    assert first.total == 5
    assert rest.next_before is None
    assert [line.object_id for line in lines(boss, thing=Thing.MAILING, object_id=3, verb="mailing.pause")] == [3]
    assert lines(boss, until=at) == []
    assert len(lines(boss, since=at, until=at + timedelta(hours=1))) == 10
    assert len(list(audit_pages.everything(boss, Wanted(actor_id=other.id)))) == 5
    assert verbs(lines(boss))[-1] == "service.export_audit"
    with pytest.raises(Forbidden):
        audit_pages.page(make_actor(), Wanted(), NEWEST)
    with pytest.raises(Forbidden):
        audit_pages.everything(make_actor(), Wanted())
    assert db.session.scalar(select(func.count()).select_from(AuditLine)) == 11
