"""Do clients to try things out with come and go without touching anybody else's?"""

import pytest
from flask import Flask

from dashboard.domain import client_lists, clients, sample_clients
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.clients import ClientView
from dashboard.domain.errors import Forbidden
from dashboard.domain.permissions import Actor
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import draft, make_client


def found(actor: Actor) -> list[ClientView]:
    return list(client_lists.page(actor, ClientFilter(), limit=100).items)


def kinds(actor: Actor) -> set[tuple[object, ...]]:
    return {(each.phone, each.timezone, frozenset(each.tags), each.attributes["city"]) for each in found(actor)}


@pytest.fixture
def chief(any_context: Flask) -> Actor:
    return make_actor(Role.ADMINISTRATOR)


def test_they_come_once_go_and_come_back_as_they_were(chief: Actor) -> None:
    added = [sample_clients.add(chief, 30), sample_clients.add(chief, 40)]
    first = kinds(chief)
    removed = [sample_clients.remove(chief), sample_clients.remove(chief)]
    left = found(chief)
    again = sample_clients.add(chief, 40)

    assert (added, removed, again) == ([30, 10], [40, 0], 40)
    assert left == []
    assert kinds(chief) == first
    assert len({timezone for _phone, timezone, _tags, _city in first}) > 20


def test_who_was_somebodys_before_or_has_been_changed_stays(chief: Actor) -> None:
    before = make_client(chief, "79000000000", "own", city="Рязань")
    sample_clients.add(chief, 3)
    changed = next(each for each in found(chief) if each.id != before)
    clients.change(chief, changed.id, draft(changed.phone, name="Зоя"), changed.version)
    others = make_actor()
    make_client(others, "79010000000")

    removed = sample_clients.remove(chief)

    assert removed == 1
    assert {each.id for each in found(chief) if each.owner_id == chief.id} == {before, changed.id}
    assert clients.get(chief, before).tags == ("own",)
    assert len(found(others)) == 1


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_only_administrators_have_them(app_context: Flask, role: Role) -> None:
    for verb in (sample_clients.add, sample_clients.remove):
        with pytest.raises(Forbidden):
            verb(make_actor(role))
