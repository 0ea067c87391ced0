"""Does every row come through the change that brought consent and changes in bulk, up and down?"""

from flask import Flask

from dashboard.database import db
from tests.support.first_slice import (
    NOW,
    add,
    downgrade_to,
    fill_the_first_slice,
    migrate_afresh_to,
    read,
    upgrade_to,
)
from tests.support.schema import postgres_shape, sqlite_shape


def shape() -> object:
    with db.engine.connect() as connection:
        is_sqlite = db.engine.dialect.name == "sqlite"
        return sqlite_shape(connection) if is_sqlite else postgres_shape(connection, "public")


def test_clients_and_stop_list_come_through_up_and_down(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    upgrade_to("0002")
    before, shape_before = (read("clients"), read("stop_list")), shape()

    upgrade_to("0003")
    (client,) = read("clients")
    downgrade_to("0002")

    assert client == before[0][0] | {"consent_source": None, "consent_at": None}
    assert (read("clients"), read("stop_list")) == before
    assert shape() == shape_before


def test_a_database_with_a_change_under_way_can_be_taken_back(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    upgrade_to("0003")
    counts = dict.fromkeys(("total", "through", "last_id", "seen", "changed", "refused"), 1)
    what = {"verb": "delete", "selection": {"ids": [1]}, "state": "running"}
    add("client_changes", {"id": 1, "actor_id": 1, "created_at": NOW} | what | counts)

    downgrade_to("0002")

    assert len(read("clients")) == 1
