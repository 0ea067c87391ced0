"""Do the kept counts equal a count, whoever writes them and in which order?"""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.database import db, transaction
from dashboard.domain import closing, statistics, tallies
from dashboard.models import Dimension, Mailing, State, Status, Tally
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    OTHER,
    RETRY,
    TOKEN,
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    set_messages,
    settle,
)

ZONES = ("Asia/Omsk", "Europe/Moscow")


def running(count: int) -> int:
    owner = make_actor()
    add_clients(owner, count, ZONES)
    return fan_out_all(owner)


def slots_of(mailing_id: int) -> set[int]:
    return set(db.session.scalars(select(Tally.slot).where(Tally.mailing_id == mailing_id)))


def test_workers_write_into_slots_of_their_own_and_the_sum_is_right(any_context: Flask) -> None:
    mailing_id = running(20)
    tokens = [f"{number:08x}" + "0" * 24 for number in range(4)]

    for token in tokens:
        settle(arm(mailing_id, 4, token), token=token)

    assert slots_of(mailing_id) == {0} | {tallies.slot_of(token) for token in tokens}
    assert len(slots_of(mailing_id)) == 5
    assert ledger(mailing_id) == {Status.SENT: 16, Status.QUEUED: 4}


def test_what_one_worker_armed_and_another_settles_is_counted_once(any_context: Flask) -> None:
    mailing_id = running(6)
    assert tallies.slot_of(TOKEN) != tallies.slot_of(OTHER)

    settle(arm(mailing_id, 6, TOKEN), token=OTHER)

    assert ledger(mailing_id) == {Status.SENT: 6}
    by_zone = statistics.breakdown(mailing_id, Dimension.ZONE)
    assert [(row.sent, row.waiting) for row in by_zone] == [(3, 0), (3, 0)]


@pytest.mark.parametrize("token", [TOKEN, OTHER, "00000000" * 4, "ffffffff" * 4])
def test_no_worker_writes_into_the_slot_of_people_and_the_sweep(token: str) -> None:
    assert 0 < tallies.slot_of(token) < tallies.SLOTS


def test_many_batches_leave_no_more_rows_than_a_few(any_context: Flask) -> None:
    """A poll's sum is over as many rows for ten messages as for a million."""
    mailing_id = running(40)
    rows = select(func.count()).select_from(Tally).where(Tally.mailing_id == mailing_id)
    settle(arm(mailing_id, 30))  # of both zones
    after_one = db.session.scalar(rows.where(Tally.dimension != Dimension.MINUTE))

    for _ in range(5):
        settle(arm(mailing_id, 2))

    assert ledger(mailing_id) == {Status.SENT: 40}
    assert db.session.scalar(rows.where(Tally.dimension != Dimension.MINUTE)) == after_one


def test_workers_that_share_a_slot_count_right_and_never_lock_each_other_out(any_app: Flask) -> None:
    with any_app.app_context():
        mailing_id = running(120)
    together = Barrier(3, timeout=30)

    def work(number: int) -> None:
        token = "a" * 8 + f"{number:024}"
        with any_app.app_context():
            together.wait()
            for _ in range(20):
                settle(arm(mailing_id, 5, token), token=token)

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, range(3)))

    with any_app.app_context():
        assert ledger(mailing_id) == {Status.SENT: 120}
        assert len(slots_of(mailing_id)) == 2


@pytest.mark.parametrize("policy", [HOLD, RETRY])
def test_after_a_round_every_side_adds_up(any_context: Flask, policy: object) -> None:
    mailing_id = running(30)

    deliver(ScriptedGateway(), policy)  # type: ignore[arg-type]

    for dimension in (Dimension.CODE, Dimension.ZONE):
        assert sum(row.total for row in statistics.breakdown(mailing_id, dimension)) == 30
    over_time = statistics.over_time(mailing_id)
    assert sum(over_time.series[Status.SENT]) == len(messages_of(mailing_id)) == 30


def test_the_check_says_where_books_and_count_differ(any_context: Flask) -> None:
    mailing_id = running(2)
    set_messages(mailing_id, status=Status.SENT, reason="taken_as_sent")

    found = {(row.dimension, row.status, row.kept, row.counted) for row in tallies.check(mailing_id)}

    both = set(product((Dimension.STATUS, Dimension.CODE, Dimension.ZONE), (Status.QUEUED, Status.SENT)))
    assert {(by, status) for by, status, _kept, _counted in found} == both | {(Dimension.REASON, Status.SENT)}
    assert {row for row in found if row[0] is Dimension.STATUS} == {
        (Dimension.STATUS, Status.QUEUED, 2, 0),
        (Dimension.STATUS, Status.SENT, 0, 2),
    }


def test_a_wrong_zone_alone_is_found_when_its_cancelled_mailing_is_closed(
    app_context: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    mailing_id = running(3)
    with transaction() as session:
        session.execute(update(Tally).where(Tally.dimension == Dimension.ZONE).values(change=Tally.change + 1))
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(state=State.CANCELLED))

    sum(closing.cancel_waiting())

    said = [record for record in caplog.records if record.message == "books and messages differ"]
    assert {record.difference.dimension for record in said} == {Dimension.ZONE}  # type: ignore[attr-defined]
