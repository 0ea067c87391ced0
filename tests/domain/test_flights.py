"""Is each message in exactly one place on its way from a chunk through a flight to its outcome?"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, transaction
from dashboard.domain import fan_out, flights, outbox, stop_list
from dashboard.models import Chunk, Flight, Message, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    TOKEN,
    add_clients,
    arm,
    count_rows,
    fan_out_all,
    ledger,
    messages_of,
    settle,
)

ZONES = ("Asia/Omsk", "Europe/Moscow")


def running(count: int, zones: tuple[str, ...] = ZONES) -> int:
    owner = make_actor()
    add_clients(owner, count, zones)
    return fan_out_all(owner)


def rows_of(mailing_id: int) -> list[tuple[object, ...]]:
    """Every column of every message."""
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(*Message.__table__.c).order_by(Message.id))]


def test_a_message_is_written_once_between_its_fan_out_and_its_outcome(any_context: Flask) -> None:
    mailing_id = running(6)
    before = rows_of(mailing_id)

    armed = arm(mailing_id, 4)
    while_in_the_air = rows_of(mailing_id)
    stands = ledger(mailing_id)
    settle(armed)

    assert while_in_the_air == before
    assert stands == {Status.SENDING: 4, Status.QUEUED: 2}
    assert ledger(mailing_id) == {Status.SENT: 4, Status.QUEUED: 2}


def test_chunks_and_flights_go_with_their_last_message(any_context: Flask) -> None:
    mailing_id = running(6)
    places = [(count_rows(Chunk, mailing_id), count_rows(Flight, mailing_id))]

    first = arm(mailing_id, 4)
    places.append((count_rows(Chunk, mailing_id), count_rows(Flight, mailing_id)))
    second = arm(mailing_id, 4)
    places.append((count_rows(Chunk, mailing_id), count_rows(Flight, mailing_id)))
    settle(first[:1], landed=False)
    in_part = ledger(mailing_id)
    settle(first[1:] + second)
    places.append((count_rows(Chunk, mailing_id), count_rows(Flight, mailing_id)))

    # Each zone its chunk, and each chunk that is taken from its flight.
    assert places == [(2, 0), (1, 2), (0, 3), (0, 0)]
    assert in_part == {Status.SENT: 1, Status.SENDING: 5}
    assert ledger(mailing_id) == {Status.SENT: 6}


def test_one_arming_takes_from_as_many_chunks_as_it_needs(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 5)
    mailing_id = running(23, zones=("Europe/Moscow",))

    armed = arm(mailing_id, 12)

    assert [each.id for each in armed] == [message.id for message in messages_of(mailing_id)][:12]
    assert ledger(mailing_id) == {Status.SENDING: 12, Status.QUEUED: 11}


def test_places_whose_messages_never_waited_hold_nobody_up(any_context: Flask) -> None:
    """Many neighbours on the stop list at the start: what is armed next is all theirs."""
    owner = make_actor()
    add_clients(owner, 12)
    for number in range(1, 11):
        stop_list.add(owner, f"790{number % 5}{number:07}")
    mailing_id = fan_out_all(owner)

    sent = 0
    for _ in range(10):
        armed = arm(mailing_id, 3)
        settle(armed)
        sent += len(armed)

    assert sent == 2
    assert ledger(mailing_id) == {Status.SENT: 2, Status.SKIPPED: 10}
    assert count_rows(Chunk, mailing_id) == 0


def test_a_neighbour_skipped_at_the_last_instant_leaves_no_gap_in_the_ledger(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 7)
    mailing_id = fan_out_all(owner)
    for at in (0, 3, 6):
        stop_list.add(owner, messages_of(mailing_id)[at].phone)

    armed = arm(mailing_id)
    in_the_air = ledger(mailing_id)
    settle(armed)

    assert in_the_air == {Status.SENDING: 4, Status.SKIPPED: 3}
    assert ledger(mailing_id) == {Status.SENT: 4, Status.SKIPPED: 3}
    assert count_rows(Flight, mailing_id) == 0


def test_workers_that_arm_at_the_same_instant_share_all_and_nothing_twice(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 20)
    with any_app.app_context():
        mailing_id = running(200)
    together = Barrier(3, timeout=30)

    def work(token: str) -> list[int]:
        mine: list[int] = []
        with any_app.app_context():
            together.wait()
            for _ in range(40):
                armed = arm(mailing_id, 7, token)
                mine += [each.id for each in armed]
                settle(armed, token=token)
        return mine

    with ThreadPoolExecutor(3) as workers:
        taken = list(workers.map(work, ("a" * 32, "b" * 32, "c" * 32)))

    everything = [each for mine in taken for each in mine]
    with any_app.app_context():
        assert sorted(everything) == [message.id for message in messages_of(mailing_id)]
        assert ledger(mailing_id) == {Status.SENT: 200}


@pytest.mark.postgres
def test_a_worker_does_not_wait_for_a_chunk_that_another_is_taking_from(pg_app: Flask) -> None:
    """On SQLite everybody waits for everybody, for milliseconds."""
    with pg_app.app_context():
        mailing_id = running(6)
    is_held, may_go = Event(), Event()

    def hold_the_first_chunk() -> None:
        with pg_app.app_context(), transaction() as session:
            flights.lock(session, {(mailing_id, "Asia/Omsk"): 1})
            is_held.set()
            may_go.wait(30)

    with ThreadPoolExecutor(1) as other:
        holding = other.submit(hold_the_first_chunk)
        is_held.wait(30)
        with pg_app.app_context():
            meanwhile = outbox.arm([mailing_id], 100, TOKEN, HOLD)
        may_go.set()
        holding.result()

    with pg_app.app_context():
        afterwards = arm(mailing_id, 100, OTHER)
        assert {each.timezone for each in meanwhile.armed} == {"Europe/Moscow"}
        assert list(meanwhile.again) == [mailing_id]
        assert {each.timezone for each in afterwards} == {"Asia/Omsk"}
        assert ledger(mailing_id) == {Status.SENDING: 6}
