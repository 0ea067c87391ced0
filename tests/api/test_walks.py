"""Does a program that walks along a list meet everything exactly once, whoever comes and goes meanwhile?

The small walks turn a page of seven each time somebody comes and somebody goes; the long ones (marked slow) go
through a million, and show that a page deep in a list takes no longer than the first.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from bench.population import NUMBERS, STEP
from bench.population import add_clients as populate
from dashboard.database import db, transaction
from dashboard.domain import clients, mailings
from dashboard.domain.pages import COUNTED_AT_MOST
from dashboard.models import Client
from tests.api.conftest import Program, program_in
from tests.factories_clients import make_client, numbered
from tests.support.engine import fan_out_all, make_draft

ORDERS = ("oldest", "newest", "phone")
# Those of the bench's clients that bear this code; a tenth.
CODE = "903"
ROWS, MILLION = 400, 1_000_000
PAGE = 7


def pages(program: Program, path: str) -> Iterator[dict[str, Any]]:
    """Along `next`, to the end."""
    following: str | None = path
    while following:
        answer = program.get(following)
        assert answer.status_code == 200, answer.text
        yield answer.json
        following = answer.json["next"] and answer.json["next"].removeprefix("/api/v1")


def ids_of(page: dict[str, Any]) -> list[int]:
    return [item["id"] for item in page["items"]]


def met(program: Program, path: str, meanwhile: Callable[[list[int]], None] = lambda _ids: None) -> list[int]:
    """All ids, in the order in which they were met; after each page something happens."""
    found: list[int] = []
    for page in pages(program, path):
        found += ids_of(page)
        meanwhile(ids_of(page))
    return found


def population(app: Flask, program: Program, count: int) -> None:
    with app.app_context():
        populate(program.user.actor, count, is_shuffled=True)
        if db.engine.dialect.name == "postgresql":
            # As autovacuum would, which tests switch off: without it PostgreSQL takes a million rows for a few.
            with transaction() as session:
                session.execute(text("ANALYZE"))


def clients_like(app: Flask, **columns: Any) -> set[int]:
    conditions = [getattr(Client, name) == value for name, value in columns.items()]
    with app.app_context():
        return set(db.session.scalars(select(Client.id).where(*conditions)))


class Bustle:
    """After a page, one comes at either end of the list and one in its midst, and one that was met goes.

    So does one that has not been met yet: nobody who is there throughout.
    """

    def __init__(self, app: Flask, program: Program, every: int) -> None:
        self._app, self._actor = app, program.user.actor
        self._every = every
        self._turns = 0
        self.gone: set[int] = set()

    def __call__(self, just_met: list[int]) -> None:
        self._turns += 1
        if self._turns % self._every or not just_met:
            return
        with self._app.app_context():
            # Numbers of the population's codes that the population does not reach.
            unused = (MILLION + self._turns) * STEP % NUMBERS
            for phone in (f"7899{self._turns:07}", f"7905{unused:07}", f"7999{self._turns:07}"):
                make_client(self._actor, phone, "news", timezone="Asia/Omsk", operator_code=CODE)
            self._leave(just_met[0])
            ahead = select(Client.id).where(Client.deleted_at.is_(None), Client.id > just_met[-1] + 50)
            if (unmet := db.session.scalar(ahead.limit(1))) is not None:
                self._leave(unmet)

    def _leave(self, client_id: int) -> None:
        clients.delete(self._actor, client_id)
        self.gone.add(client_id)


def assert_complete(found: list[int], there: set[int], gone: set[int]) -> None:
    assert len(found) == len(set(found))
    assert there - gone <= set(found)


@pytest.mark.parametrize(
    ("order", "query"),
    [
        *((order, "") for order in ORDERS),
        ("phone", "&tag=news&timezone=Asia/Omsk"),
        *(
            pytest.param(order, query, marks=pytest.mark.slow)
            for order, query in [
                *((order, f"&operator_code={CODE}") for order in ORDERS),
                ("oldest", "&tag=news&timezone=Asia/Omsk"),
                ("newest", "&stop_listed=false&tag=news"),
            ]
        ),
    ],
)
def test_each_client_that_stays_is_met_once(any_app: Flask, order: str, query: str) -> None:
    program = program_in(any_app)
    population(any_app, program, ROWS // 4 if query else ROWS)
    there = set(met(program, f"/clients?limit=500{query}"))
    bustle = Bustle(any_app, program, every=2 if query else 10)

    found = met(program, f"/clients?limit={PAGE}&order={order}{query}", bustle)

    assert len(there) > PAGE
    assert bustle.gone
    assert_complete(found, there, bustle.gone)


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_is_kept_from_page_to_page(app: Flask, program: Program, order: str) -> None:
    population(app, program, 100)
    key = {"oldest": "id", "newest": "id", "phone": "phone_number"}[order]

    found = [
        item[key] for page in pages(program, f"/clients?limit={PAGE}&order={order}") for item in page["items"]
    ]

    assert found == sorted(found, reverse=order == "newest")
    assert len(found) == 100


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_each_mailing_is_met_once_in_the_order_asked_for(app: Flask, program: Program, order: str) -> None:
    actor = program.user.actor
    with app.app_context():
        there = [mailings.create(actor, make_draft(title=f"Sale {number}")) for number in range(5)]

    def write_and_delete(just_met: list[int]) -> None:
        with app.app_context():
            mailings.create(actor, make_draft(title="Sale"))
            mailings.remove(actor, just_met[0])

    pages_of_two = f"/mailings?limit=2&order={order}&state=draft&search=Sale"
    found = met(program, pages_of_two, lambda just_met: write_and_delete(just_met) if len(just_met) == 2 else None)

    assert found == sorted(set(found), reverse=order == "newest")
    assert set(there) <= set(found)


def test_each_message_is_met_once_while_others_come(app: Flask, program: Program) -> None:
    population(app, program, 200)
    with app.app_context():
        mailing_ids = [fan_out_all(program.user.actor, everybody=True, tags=()) for _ in range(2)]
    there = {
        id_ for mailing_id in mailing_ids for id_ in met(program, f"/mailings/{mailing_id}/messages?limit=500")
    }
    turns = iter(range(1_000_000))

    def one_more(_ids: list[int]) -> None:
        if (turn := next(turns)) % 10 == 0:
            with app.app_context():
                new = make_client(program.user.actor, numbered(900_000_000 + turn))
            for mailing_id in mailing_ids:
                added = program.post("/messages", {"mailing_id": mailing_id, "client_id": new})
                assert added.status_code == 201, added.text

    of_one = met(program, f"/mailings/{mailing_ids[0]}/messages?limit={PAGE}", one_more)
    of_all = met(program, f"/messages?limit={PAGE}", one_more)

    assert len(there) == 400
    assert len(of_one) == len(set(of_one)) >= 200
    assert_complete(of_all, there, set())


def test_each_mailing_is_met_once_while_others_come_and_go(app: Flask, program: Program) -> None:
    there = set(_mailings(app, program, 100))
    gone: set[int] = set()

    def come_and_go(ids: list[int]) -> None:
        _mailings(app, program, 1)
        with app.app_context():
            mailings.remove(program.user.actor, ids[0])
        gone.add(ids[0])

    found = met(program, f"/mailings?limit={PAGE}", come_and_go)

    assert gone
    assert_complete(found, there, gone)


def _mailings(app: Flask, program: Program, count: int) -> list[int]:
    body = {
        "title": "Sale",
        "text": "Everything is cheaper.",
        "start_at": "2030-03-01T10:00:00+03:00",
        "end_at": "2030-03-02T20:00:00+03:00",
        "everybody": True,
    }
    return [program.post("/mailings", body).json["id"] for _ in range(count)]


@pytest.mark.parametrize("query", ["", "?stop_listed=false"])
def test_a_total_is_counted_up_to_a_bound(app: Flask, program: Program, query: str) -> None:
    population(app, program, COUNTED_AT_MOST + 10)
    exact = program.get("/clients?operator_code=903").json
    bounded = program.get(f"/clients{query}").json

    assert (exact["total"], exact["total_is_exact"]) == (COUNTED_AT_MOST // 10 + 1, True)
    assert (bounded["total"], bounded["total_is_exact"]) == (COUNTED_AT_MOST, False)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("order", ORDERS)
def test_a_million_are_met_once_each_and_a_deep_page_is_as_quick_as_the_first(any_app: Flask, order: str) -> None:
    program = program_in(any_app)
    population(any_app, program, MILLION)
    there = clients_like(any_app)
    bustle = Bustle(any_app, program, every=100)
    found, seconds = [], []

    following = pages(program, f"/clients?limit=500&order={order}")
    while True:
        started = time.perf_counter()
        page = next(following, None)
        if page is None:
            break
        seconds.append(time.perf_counter() - started)
        found += ids_of(page)
        bustle(ids_of(page))

    assert len(there) == MILLION
    assert_complete(found, there, bustle.gone)
    # Medians of two hundred each: what the machine does besides evens out.
    assert statistics.median(seconds[-200:]) < 2 * statistics.median(seconds[:200])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("query", [f"operator_code={CODE}", f"tag=news&operator_code={CODE}&timezone=Asia/Omsk"])
def test_those_of_a_filter_are_met_once_each_among_a_million(any_app: Flask, order: str, query: str) -> None:
    program = program_in(any_app)
    population(any_app, program, MILLION)
    zone = {"timezone": "Asia/Omsk"} if "timezone" in query else {}
    there = clients_like(any_app, operator_code=CODE, **zone)

    found = met(program, f"/clients?limit=500&order={order}&{query}", Bustle(any_app, program, every=50))

    assert len(found) == len(set(found))
    assert len(there) > 9_000
    assert len(there - set(found)) < 100  # those who have gone before their turn
