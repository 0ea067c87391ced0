"""Does the preview count exactly those who are then messaged?"""

import random
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import audience, fan_out, mailings, starting
from dashboard.domain.audience import Audience
from dashboard.domain.errors import Invalid
from dashboard.domain.permissions import Actor
from dashboard.models import Client, Message, Tag, client_tags
from tests.factories import make_actor
from tests.support.engine import add_clients, fan_out_all, make_draft, messages_of, schedule

TAGS = ("news", "vip", "день рождения", "o'clock", "a,b")
CODES = ("900", "901", "999")

chosen = st.builds(
    Audience,
    owner_id=st.just(0),
    tags=st.lists(st.sampled_from((*TAGS, "nobody's")), unique=True).map(tuple),
    operator_codes=st.lists(st.sampled_from((*CODES, "977")), unique=True).map(tuple),
    everybody=st.sampled_from((False, False, True)),
    excluded_tags=st.lists(st.sampled_from((*TAGS, "nobody's")), unique=True, max_size=2).map(tuple),
).filter(lambda each: each.everybody or each.tags or each.operator_codes)

Directory = dict[int, tuple[frozenset[str], str]]


def make_directory(owner: Actor, count: int, seed: int) -> Directory:
    """Clients with random tags and codes; some of them deleted, and so not in the answer."""
    rng = random.Random(seed)
    everybody: Directory = {
        number: (frozenset(tag for tag in TAGS if rng.random() < 0.3), rng.choice(CODES))
        for number in range(count)
    }
    deleted = {number for number in everybody if rng.random() < 0.1}
    now = clock.now()
    with transaction() as session:
        rows = [
            {
                "owner_id": owner.id,
                "phone": f"7{code}{number:07}",
                "operator_code": code,
                "timezone": "Europe/Moscow",
                "attributes": {},
                "created_at": now,
                "updated_at": now,
                "deleted_at": now if number in deleted else None,
            }
            for number, (_tags, code) in everybody.items()
        ]
        ids = session.scalars(insert(Client).returning(Client.id, sort_by_parameter_order=True), rows).all()
        names = session.execute(
            insert(Tag).returning(Tag.name, Tag.id), [{"owner_id": owner.id, "name": tag} for tag in TAGS]
        )
        tag_ids = dict(names.all())
        links = [
            {"client_id": client_id, "tag_id": tag_ids[tag]}
            for client_id, (tags, _code) in zip(ids, everybody.values(), strict=True)
            for tag in tags
        ]
        session.execute(insert(client_tags), links)
    return {ids[number]: values for number, values in everybody.items() if number not in deleted}


def matches(wanted: Audience, tags: frozenset[str], code: str) -> bool:
    """The rule in plain words: any of these tags, and any of these codes; what is absent is no condition.

    Who bears an excluded tag is left out in any case.
    """
    if tags & set(wanted.excluded_tags):
        return False
    if wanted.everybody:
        return True
    return (not wanted.tags or bool(tags & set(wanted.tags))) and (
        not wanted.operator_codes or code in wanted.operator_codes
    )


def count(wanted: Audience) -> int:
    return len(db.session.scalars(audience.client_ids(wanted, at_once=True)).all())


@pytest.fixture
def directory(any_context: Flask) -> tuple[Actor, Directory]:
    owner = make_actor()
    make_directory(make_actor(), 30, seed=1)  # a neighbour with the same tags and codes
    return owner, make_directory(owner, 60, seed=2)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=chosen)
def test_the_count_is_what_the_fan_out_makes(directory: tuple[Actor, Directory], wanted: Audience) -> None:
    owner, clients = directory
    wanted = replace(wanted, owner_id=owner.id)
    expected = {client_id for client_id, each in clients.items() if matches(wanted, *each)}
    counted = count(wanted)

    mailing_id = fan_out_all(
        owner,
        tags=wanted.tags,
        operator_codes=wanted.operator_codes,
        everybody=wanted.everybody,
        excluded_tags=wanted.excluded_tags,
    )

    messaged = set(db.session.scalars(select(Message.client_id).where(Message.mailing_id == mailing_id)))
    assert messaged == expected
    assert counted == len(expected)


def test_without_a_condition_it_is_nobody(any_context: Flask) -> None:
    owner = make_actor()
    make_directory(owner, 5, seed=3)

    assert count(Audience(owner.id, (), (), everybody=False)) == 0


def test_who_is_added_after_the_start_is_not_addressed(any_context: Flask) -> None:
    owner = make_actor()
    clients = make_directory(owner, 10, seed=5)
    mailing_id = schedule(owner, everybody=True)
    starting.start_due()
    add_clients(owner, 3)

    while fan_out.one_range():
        pass

    messaged = db.session.scalars(select(Message.client_id).where(Message.mailing_id == mailing_id))
    assert set(messaged) == set(clients)


def test_the_clients_of_another_mailing_are_left_out(any_context: Flask) -> None:
    owner = make_actor()
    first, second, third = (
        add_clients(owner, 2),
        add_clients(owner, 1, tag="news", first=2),
        add_clients(owner, 3, tag="both", first=3),
    )
    earlier = fan_out_all(owner, tags=("vip", "news"))

    later = fan_out_all(owner, everybody=True, tags=(), excluded_mailing_id=earlier)

    messaged = db.session.scalars(select(Message.client_id).where(Message.mailing_id == later))
    assert set(messaged) == set(third)
    assert {*first, *second} == {each.client_id for each in messages_of(earlier)}


def test_without_an_exclusion_nothing_more_is_asked_of_the_database(app_context: Flask) -> None:
    owner = make_actor()
    plain, leaving_out = (
        Audience(owner.id, (), ("900",), False),
        Audience(owner.id, (), ("900",), False, ("a",), 1),
    )

    assert "NOT (EXISTS" not in str(audience.client_ids(plain))
    assert str(audience.client_ids(leaving_out)).count("NOT (EXISTS") == 2


def test_only_a_mailing_of_ones_own_that_has_selected_its_clients_can_be_left_out(any_context: Flask) -> None:
    owner, stranger = make_actor(), make_actor()
    add_clients(stranger, 1)
    add_clients(owner, 1)
    strangers = fan_out_all(stranger)
    not_begun = mailings.create(owner, make_draft())

    for mailing_id in (strangers, not_begun, 0):
        with pytest.raises(Invalid) as refusal:
            mailings.create(owner, make_draft(excluded_mailing_id=mailing_id))
        with pytest.raises(Invalid):
            mailings.change(owner, not_begun, make_draft(excluded_mailing_id=mailing_id), version=1)

        assert [problem.code for problem in refusal.value.problems] == ["excluded_mailing_unknown"]
