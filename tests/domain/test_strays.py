"""Is a message found that waits, and that nobody would ever look for?"""

import logging

import pytest
from flask import Flask
from sqlalchemy import delete

from dashboard.database import transaction
from dashboard.domain import strays, sweep
from dashboard.models import Chunk, Flight, State, Status
from tests.factories import make_actor
from tests.support.engine import add_clients, arm, fan_out_all, ledger, messages_of, misplaced, settle, state_of


def with_strays(caplog: pytest.LogCaptureFixture) -> int:
    """Five messages whose chunk is gone."""
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    forget(Chunk, mailing_id)
    caplog.clear()
    return mailing_id


def forget(kind: type[Chunk] | type[Flight], mailing_id: int) -> None:
    with transaction() as session:
        session.execute(delete(kind).where(kind.mailing_id == mailing_id))


def test_a_mailing_with_strays_is_not_finished_and_they_are_sent_after_all(
    any_context: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    mailing_id = with_strays(caplog)
    assert len(misplaced(mailing_id)) == 5

    finished = sweep.finish()

    assert finished == []
    assert state_of(mailing_id) is State.RUNNING
    assert ledger(mailing_id) == {Status.QUEUED: 5}
    said = [(record.levelno, record.message) for record in caplog.records]
    assert said == [(logging.ERROR, "stray messages reclaimed")]
    settle(arm(mailing_id))
    assert ledger(mailing_id) == {Status.SENT: 5}
    assert sweep.finish() == [mailing_id]


def test_what_lies_in_a_chunk_or_in_a_flight_is_no_stray(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    arm(mailing_id, 2)

    assert strays.reclaim(mailing_id) == 0
    assert ledger(mailing_id) == {Status.SENDING: 2, Status.QUEUED: 3}


def test_of_a_lost_flight_only_what_has_no_outcome_is_reclaimed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id, 3)
    settle(armed[:1], landed=False)
    forget(Flight, mailing_id)

    assert strays.reclaim(mailing_id) == 2
    waiting = [message.id for message in messages_of(mailing_id) if message.send_after is not None]
    assert waiting == [each.id for each in armed[1:]]


def test_strays_of_one_mailing_are_no_other_mailings(any_context: Flask, caplog: pytest.LogCaptureFixture) -> None:
    mailing_id = with_strays(caplog)
    other_id = fan_out_all(make_actor())

    assert strays.reclaim(other_id) == 0
    assert strays.reclaim(mailing_id) == 5
