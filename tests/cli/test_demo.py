"""Does the demo show something everywhere, come only once, and send nothing to real people?"""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard import zones
from dashboard.database import db
from dashboard.domain import clients, demo
from dashboard.domain.demo import PLACES
from dashboard.domain.permissions import Actor
from dashboard.models import Client, Mailing, Role, State, client_tags
from tests.factories import make_user
from tests.support.apps import sqlite_app
from tests.support.engine import ScriptedGateway, deliver, ledger


def run(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["demo", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def make_administrator(app: Flask, name: str = "Anna") -> Actor:
    with app.app_context():
        user = make_user(Role.ADMINISTRATOR, name=name)
        return user.actor


def everything(app: Flask) -> tuple[set[str], set[str], int]:
    """Phones, titles, and how many times a client bears a tag."""
    with app.app_context():
        phones = set(db.session.scalars(select(Client.phone)))
        titles = db.session.scalars(select(Mailing.title)).all()
        links = db.session.scalar(select(func.count()).select_from(client_tags)) or 0
    assert len(titles) == len(set(titles))
    return phones, set(titles), links


def test_it_brings_clients_of_every_zone_and_three_mailings(app: Flask) -> None:
    make_administrator(app)

    output = run(app, "--clients", "300")

    phones, titles, _links = everything(app)
    with app.app_context():
        by_zone = dict(db.session.execute(select(Client.timezone, func.count()).group_by(Client.timezone)).all())
        codes = set(db.session.scalars(select(Client.operator_code)))
        states = db.session.scalars(select(Mailing.state)).all()
    assert (len(phones), len(titles), len(codes)) == (300, 3, 9)
    assert set(by_zone) == {zone for zone, _city in PLACES}
    assert min(by_zone.values()) >= 10
    assert sorted(states) == [State.DRAFT, State.SCHEDULED, State.SCHEDULED]
    assert "300 more clients and 3 more mailings" in output


def test_a_second_time_adds_nothing_and_a_larger_one_only_what_is_missing(app: Flask) -> None:
    make_administrator(app)
    run(app, "--clients", "100")
    once = everything(app)

    again = run(app, "--clients", "100")
    twice = everything(app)
    run(app, "--clients", "150")
    thrice = everything(app)

    assert once == twice
    assert "0 more clients and 0 more mailings" in again
    assert len(thrice[0]) == 150
    assert once[0] < thrice[0]


def test_on_postgresql_it_is_the_same(pg_app: Flask) -> None:
    make_administrator(pg_app)
    run(pg_app, "--clients", "1200")
    once = everything(pg_app)

    run(pg_app, "--clients", "1200")

    assert everything(pg_app) == once
    assert len(once[0]) == 1200


def test_the_mailing_that_is_due_goes_out_to_its_tag(app: Flask) -> None:
    make_administrator(app)
    run(app, "--clients", "300")

    with app.app_context():
        deliver(ScriptedGateway())
        mailing = db.session.scalars(select(Mailing).where(Mailing.state == State.FINISHED)).one()
        counts = ledger(mailing.id)

    # Every tenth is a vip; one of them has no name to be greeted by.
    assert counts == {"sent": 29, "skipped": 1}


def test_with_a_real_gateway_nothing_is_scheduled(sqlite_template: Path, tmp_path: Path) -> None:
    gateway = {"GATEWAY_URL": "https://gateway.example", "GATEWAY_TOKEN": "a-token"}
    with sqlite_app(sqlite_template, tmp_path, **gateway) as app:
        make_administrator(app)

        output = run(app, "--clients", "20")

        with app.app_context():
            states = set(db.session.scalars(select(Mailing.state)))
    assert states == {State.DRAFT}
    assert "A real gateway is set" in output


def test_they_are_the_first_administrators_or_whose_one_says(app: Flask) -> None:
    first = make_administrator(app, "Zoya")
    make_administrator(app, "Anna")
    with app.app_context():
        operator = make_user(Role.OPERATOR, name="Борис")

    run(app, "--clients", "5")
    run(app, "--clients", "6", "--owner", "борис")

    with app.app_context():
        owners = dict(db.session.execute(select(Client.owner_id, func.count()).group_by(Client.owner_id)).all())
    assert owners == {first.id: 5, operator.id: 6}


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "There is no administrator yet. Make one with `flask users create"),
        (["--owner", "nobody"], "There is no user 'nobody'"),
        (["--owner", "Vera"], "Vera is a viewer"),
        (["--clients", "0"], "0 is not in the range"),
    ],
)
def test_without_an_owner_it_says_what_to_do(app: Flask, arguments: list[str], words: str) -> None:
    with app.app_context():
        make_user(Role.VIEWER, name="Vera")

    result = app.test_cli_runner().invoke(args=["demo", *arguments])

    assert result.exit_code != 0
    assert words in result.output
    assert everything(app)[0] == set()


def test_a_client_that_was_deleted_stays_deleted(app: Flask) -> None:
    actor = make_administrator(app)
    run(app, "--clients", "5")
    with app.app_context():
        client_id = db.session.scalars(select(Client.id).limit(1)).one()
        clients.delete(actor, client_id)

    run(app, "--clients", "5")

    with app.app_context():
        kept = db.session.scalar(select(func.count()).where(Client.deleted_at.is_(None)))
    assert kept == 4


def test_every_place_has_its_zone_and_no_phone_comes_twice() -> None:
    phones = {demo.phone_of(number) for number in range(demo.MOST_CLIENTS)}

    assert len(phones) == demo.MOST_CLIENTS
    assert all(zones.normalise(zone) == zone for zone, _city in PLACES)
