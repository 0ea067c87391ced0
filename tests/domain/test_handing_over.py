"""Is a user deleted without a client, a mailing or a message of theirs being lost or reaching the wrong people?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text, update

from dashboard import clock, models
from dashboard.database import db, transaction
from dashboard.domain import (
    api_tokens,
    clients,
    form_drafts,
    handing_over,
    mailings,
    password_changes,
    sessions,
    stop_list,
    tallies,
    token_families,
    user_administration,
    user_lists,
    users,
)
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.domain.user_lists import UserState
from dashboard.jobs import queues, tasks
from dashboard.models import Client, Identity, Mailing, Message, RecoveryCode, Role, SecondFactor, State
from tests.factories import PASSWORD, make_actor, make_user
from tests.factories_clients import make_client
from tests.support.engine import ScriptedGateway, accepted, add_clients, deliver, fan_out_all, make_draft
from tests.support.webhooks import add_endpoint


def phones_of(owner: Actor) -> dict[str, tuple[str, ...]]:
    """Living ones, with their tags."""
    rows = db.session.scalars(select(Client.id).where(Client.owner_id == owner.id, Client.deleted_at.is_(None)))
    found = [clients.get(owner, id_) for id_ in rows]
    return {each.phone: tuple(each.tags) for each in found}


def hand_over(chief: Actor, user_id: int, receiver: Actor) -> None:
    handing_over.begin(chief, user_id, receiver.id)
    assert handing_over.run(user_id, 30.0)


def test_everything_becomes_anothers_and_one_phone_stays_one_client(any_context: Flask) -> None:
    chief, receiver = make_actor(Role.ADMINISTRATOR), make_actor()
    leaving = make_user(name="Анна", email="anna@example.com")
    phones = ("79000000001", "79000000002", "79000000003")
    alone, both, brought_back = (make_client(leaving.actor, phone, "их", name="N") for phone in phones)
    gone = make_client(leaving.actor, "79000000004", name="N")
    kept = make_client(receiver, "79000000002", "мои")
    deleted = make_client(receiver, "79000000003", "старые")
    clients.delete(receiver, deleted)
    mailing_id = fan_out_all(leaving.actor, everybody=True)
    deliver(ScriptedGateway(accepted))
    clients.delete(leaving.actor, gone)
    draft_id = mailings.create(leaving.actor, make_draft(tags=("их",)))
    stop_list.add(leaving.actor, "79000000001")

    hand_over(chief, leaving.id, receiver)

    assert phones_of(receiver) == {"79000000001": ("их",), "79000000002": ("мои",), "79000000003": ("их",)}
    assert db.session.scalar(select(func.count()).where(Client.owner_id == leaving.id)) == 0
    assert mailings.get(receiver, draft_id).state is State.DRAFT
    assert mailings.get(receiver, mailing_id).launched_by_id == leaving.id
    for client_id in (alone, kept, deleted, gone):
        stories = db.session.scalars(select(Message.mailing_id).where(Message.client_id == client_id))
        assert stories.all() == [mailing_id]
    assert {both, brought_back}.isdisjoint(db.session.scalars(select(Client.id)).all())
    assert tallies.check(mailing_id) == []


def test_nothing_of_the_person_is_left_but_the_name_in_others_stories(any_context: Flask) -> None:
    chief, leaving = make_actor(Role.ADMINISTRATOR), make_user(name="Анна", email="anna@example.com")
    sessions.begin(leaving.id, remember=True)
    token_families.begin(leaving.id)
    api_tokens.make(leaving.actor, "CRM", ["read"])
    password_changes.issue(leaving.id, password_changes.HANDED)
    form_drafts.keep(leaving.actor, "0" * 32, {"title": ["x"]})
    add_endpoint(leaving.actor)
    user_administration.invite(chief, leaving.id)
    now = clock.now()
    with transaction() as session:
        session.add(Identity(user_id=leaving.id, issuer="https://login", subject="anna", linked_at=now))
        session.add(SecondFactor(user_id=leaving.id, sealed_secret="sealed", confirmed_at=now, last_step=0))
        session.add(RecoveryCode(user_id=leaving.id, code_hash="hash"))

    hand_over(chief, leaving.id, chief)

    row = db.session.get_one(models.User, leaving.id, populate_existing=True)
    assert (row.name, row.is_active, row.phone) == ("Анна", False, None)
    assert "anna" not in f"{row.name_key} {row.email}"
    assert rows_of(leaving.id) == {}
    assert leaving.id not in {user.id for user in users.listed()}
    with pytest.raises(NotFound):
        user_lists.get(chief, leaving.id)
    with pytest.raises(NotFound):
        user_administration.activate(chief, leaving.id)
    assert users.authenticate("@" + str(leaving.id), "") is None
    again = make_user(name="Анна", email="anna@example.com")
    assert again.id != leaving.id


def rows_of(user_id: int) -> dict[str, int]:
    """In every table, whatever is gone with its user."""
    found = {}
    for table in inspect(db.engine).get_table_names():
        for key in inspect(db.engine).get_foreign_keys(table):
            if key["referred_table"] == "users" and key["options"].get("ondelete") == "CASCADE":
                column = key["constrained_columns"][0]
                query = text(f"SELECT count(*) FROM {table} WHERE {column} = :id")
                found[table] = db.session.execute(query, {"id": user_id}).scalar_one()
    assert len(found) > 7
    return {table: count for table, count in found.items() if count}


def schedule(owner: Actor, **_: Any) -> None:
    add_clients(owner, 1)
    tomorrow = clock.now() + timedelta(days=1)
    draft = make_draft(everybody=True, starts_at=tomorrow, ends_at=tomorrow + timedelta(days=1))
    mailings.schedule(owner, mailings.create(owner, draft))


def run(owner: Actor) -> None:
    add_clients(owner, 1)
    fan_out_all(owner, everybody=True)


@pytest.mark.parametrize("begun", [schedule, run])
def test_who_has_something_launched_stays_until_it_is_over(
    any_context: Flask, begun: Callable[[Actor], None]
) -> None:
    chief, leaving = make_actor(Role.ADMINISTRATOR), make_user()
    cookie = sessions.begin(leaving.id, remember=False)
    begun(leaving.actor)

    with pytest.raises(Conflict, match="user_has_mailings"):
        handing_over.begin(chief, leaving.id, chief.id)

    assert sessions.resume(cookie, touch=False) == leaving
    mailings.cancel(chief, db.session.scalars(select(Mailing.id)).one())
    handing_over.begin(chief, leaving.id, chief.id)
    assert user_lists.get(chief, leaving.id).state is UserState.LEAVING


def test_who_cannot_be_deleted_or_be_given_anything(app_context: Flask) -> None:
    chief, leaving, operator = make_actor(Role.ADMINISTRATOR), make_user(), make_actor()
    viewer, off = make_actor(Role.VIEWER), make_user(is_active=False)

    for receiver_id in (viewer.id, off.id, leaving.id, 999):
        with pytest.raises(Invalid):
            handing_over.begin(chief, leaving.id, receiver_id)
    with pytest.raises(Conflict, match="user_is_self"):
        handing_over.begin(chief, chief.id, operator.id)
    with pytest.raises(Forbidden):
        handing_over.begin(operator, leaving.id, operator.id)
    handing_over.begin(chief, leaving.id, operator.id)
    with pytest.raises(Conflict, match="user_leaving"):
        handing_over.begin(chief, leaving.id, operator.id)
    with pytest.raises(Conflict, match="user_receiving"):
        handing_over.begin(chief, operator.id, chief.id)
    with pytest.raises(Conflict, match="user_leaving"):
        user_administration.activate(chief, leaving.id)


def test_what_was_broken_off_is_gone_on_with_by_whoever_comes(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "AT_ONCE", 7)
    with any_app.app_context():
        chief, leaving = make_actor(Role.ADMINISTRATOR), make_user()
        add_clients(leaving.actor, 50)
        handing_over.begin(chief, leaving.id, chief.id)
        assert not handing_over.run(leaving.id, 0.0)
        assert 0 < len(phones_of(chief)) < 50
        tasks.resume()
        assert [job.func_name.rpartition(".")[2] for job in queues.queue(queues.BACKGROUND).jobs] == ["hand_over"]

    def go_on(_number: int) -> bool:
        with any_app.app_context():
            return handing_over.run(leaving.id, 30.0)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(go_on, range(2))) == [True, True]

    with any_app.app_context():
        assert len(phones_of(chief)) == 50
        assert handing_over.unfinished() == []
        assert users.authenticate(leaving.name, PASSWORD) is None


def test_half_a_change_of_clients_is_not_done_to_the_receivers(app_context: Flask) -> None:
    from dashboard.domain import client_bulk, client_bulk_running
    from dashboard.domain.client_bulk import Selection
    from dashboard.models import ChangeState, ClientChange, ClientVerb

    chief, leaving = make_actor(Role.ADMINISTRATOR), make_user()
    ids = add_clients(leaving.actor, 2)
    everything = Selection(ids=tuple(ids))
    extent = client_bulk.extent(leaving.actor, everything)
    change_id = client_bulk.begin(leaving.actor, ClientVerb.DELETE, everything, extent, "")

    hand_over(chief, leaving.id, chief)
    client_bulk_running.run(change_id)

    assert db.session.get_one(ClientChange, change_id).state is ChangeState.CANCELLED
    assert len(phones_of(chief)) == 2


def test_a_mailing_that_slipped_in_keeps_its_owner_until_it_is_over(app_context: Flask) -> None:
    chief, leaving = make_actor(Role.ADMINISTRATOR), make_user()
    handing_over.begin(chief, leaving.id, chief.id)
    run(leaving.actor)

    handing_over.run(leaving.id, 5.0)
    assert handing_over.unfinished() == [leaving.id]
    with transaction() as session:
        session.execute(update(Mailing).values(state=State.CANCELLED))
    handing_over.run(leaving.id, 5.0)

    assert handing_over.unfinished() == []
    assert db.session.scalars(select(Mailing.owner_id)).all() == [chief.id]
