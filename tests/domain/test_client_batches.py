"""Do many new clients come in at once, each with a verdict of its own, and without keeping others waiting?"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import event

from dashboard.database import db
from dashboard.domain import client_batches, clients
from dashboard.domain.errors import Forbidden, Invalid
from dashboard.models import Role
from tests.factories import make_actor
from tests.factories_clients import client_of, count_clients, draft, make_client, numbered


def codes(verdicts: list[client_batches.Verdict]) -> list[str]:
    """Why some were refused; of the others, that they were not."""
    return [each.problems[0].code if isinstance(each, Invalid) else "added" for each in verdicts]


def test_each_gets_its_verdict_in_order(any_context: Flask) -> None:
    actor = make_actor()
    make_client(actor, numbered(2))
    drafts = [
        draft(numbered(1), "a"),
        draft("12"),
        draft(numbered(2)),
        draft(numbered(3)),
        draft(numbered(1), "b"),
    ]

    verdicts = client_batches.add(actor, drafts)

    assert codes(verdicts) == ["added", "phone_invalid", "phone_taken", "added", "phone_taken"]
    assert clients.get(actor, verdicts[0]).tags == ("a",)
    assert clients.get(actor, verdicts[3]).phone == numbered(3)


def test_everything_that_was_typed_is_kept(any_context: Flask) -> None:
    actor = make_actor()

    client_batches.add(actor, [draft(numbered(1), "a", "b", timezone="GMT+3", operator_code="999", name="Anna")])
    added = client_of(actor, numbered(1))

    assert (added.tags, added.timezone, added.operator_code) == (("a", "b"), "UTC+03:00", "999")
    assert added.attributes == {"name": "Anna"}


def test_a_deleted_client_comes_back_as_it_is_typed_now(any_context: Flask) -> None:
    actor = make_actor()
    client_id = make_client(actor, numbered(1), "old")
    clients.delete(actor, client_id)

    verdicts = client_batches.add(actor, [draft(numbered(1), "new"), draft(numbered(1), "newer")])

    assert verdicts[0] == client_id
    assert codes(verdicts) == ["added", "phone_taken"]
    assert clients.get(actor, client_id).tags == ("new",)


def test_the_same_phone_may_be_somebody_elses(any_context: Flask) -> None:
    make_client(make_actor(), numbered(1))

    assert codes(client_batches.add(make_actor(), [draft(numbered(1))])) == ["added"]


def test_a_viewer_adds_nobody(any_context: Flask) -> None:
    with pytest.raises(Forbidden):
        client_batches.add(make_actor(Role.VIEWER), [draft(numbered(1))])


def test_a_thousand_take_a_few_statements_and_several_transactions(any_context: Flask) -> None:
    """One by one they took five statements each, and two seconds."""
    actor = make_actor()
    drafts = [draft(numbered(number), "vip", name="Anna") for number in range(1_000)]
    statements, begun = [], []
    event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    event.listen(db.engine, "commit", lambda _connection: begun.append(time.monotonic()))

    client_batches.add(actor, drafts)

    assert count_clients() == 1_000
    assert len(statements) < 60
    assert len(begun) >= 4


def test_two_who_add_the_same_at_once_get_one_each(any_app: Flask) -> None:
    with any_app.app_context():
        actor = make_actor()
    numbers = range(300)

    def add(order: int) -> list[str]:
        with any_app.app_context():
            return codes(client_batches.add(actor, [draft(numbered(number)) for number in numbers[::order]]))

    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(add, (1, -1)))

    with any_app.app_context():
        assert count_clients() == 300
    assert sorted(both[0] + both[1]) == ["added"] * 300 + ["phone_taken"] * 300
