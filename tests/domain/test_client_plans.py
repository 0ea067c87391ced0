"""Does a list of clients come out of an index, whoever looks at it?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from dashboard.database import db
from dashboard.domain import client_lists
from dashboard.domain.client_order import Sort
from dashboard.domain.client_search import ClientFilter
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import make_client, numbered


@contextmanager
def asked_of_clients() -> Iterator[list[tuple[str, Any]]]:
    """Statements and parameters; what is asked of clients that are known by their ids is left out."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "FROM clients" in statement and "clients.id IN" not in statement:
            asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def steps_of(asked: list[tuple[str, Any]]) -> list[str]:
    connection = db.session.connection()
    plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in asked]
    return [row.detail for plan in plans for row in plan]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR])
@pytest.mark.parametrize(
    "wanted, key",
    [
        (ClientFilter(code="900"), "(owner_id=? AND operator_code=?"),
        (ClientFilter(timezone="UTC"), "(owner_id=? AND timezone=?"),
        (ClientFilter(code="900", timezone="UTC"), "(owner_id=? AND operator_code=?"),
        (ClientFilter(q="4567"), "(<expr>=?)"),
    ],
    ids=["code", "zone", "both", "ending"],
)
def test_a_list_by_code_zone_or_ending_is_read_off_an_index(
    app_context: Flask, role: Role, wanted: ClientFilter, key: str
) -> None:
    looker = make_actor(role)
    for number in range(4):
        make_client(looker if number % 2 else make_actor(), numbered(number))

    with asked_of_clients() as asked:
        client_lists.page(looker, wanted, limit=2)

    steps = steps_of(asked)
    assert [step for step in steps if key in step]
    assert not [step for step in steps if step.startswith("SCAN clients")]


@pytest.mark.parametrize("tag", ["", "vip"])
def test_those_of_a_code_and_zone_are_put_in_the_order_of_phones_from_their_two_indexes(
    app_context: Flask, tag: str
) -> None:
    looker = make_actor()
    for number in range(4):
        make_client(looker, numbered(number), "vip")

    with asked_of_clients() as asked:
        client_lists.page(looker, ClientFilter(tag=tag, code="900", timezone="UTC"), sort=Sort.PHONE, limit=2)

    steps = steps_of([(statement, values) for statement, values in asked if "ORDER BY" in statement])
    read = [step for step in steps if step.startswith(("SEARCH clients", "SCAN clients"))]
    assert [step.partition(" (")[0] for step in read] == [
        "SEARCH clients USING INDEX ix_clients_owner_id_operator_code_id_phone",
        "SEARCH clients USING INDEX ix_clients_owner_id_timezone_id_phone",
    ]
