"""Is each answer of the gateway written, whatever else fails, and nobody called for again who has answered?"""

import sqlite3
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from dashboard import connections, meanwhile
from dashboard.domain import delivery, recovery
from dashboard.gateway import Answer
from dashboard.models import Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    RETRY,
    ScriptedGateway,
    accepted,
    add_clients,
    deliver,
    fan_out_all,
    leases_run_out,
    ledger,
)


def running(count: int) -> int:
    owner = make_actor()
    add_clients(owner, count)
    return fan_out_all(owner)


class BreakingGateway(ScriptedGateway):
    """Answers ten of twenty, and then cannot be asked any more."""

    def poll(self, timeout_seconds: float) -> list[Answer]:
        if len(self._waiting) == 20:
            ended, self._waiting = self._waiting[:10], self._waiting[10:]
            return [accepted(call) for call in ended]
        if self._waiting:
            raise OSError("too many open files")
        return []


def test_what_was_heard_before_the_gateway_broke_is_written(any_context: Flask) -> None:
    mailing_id = running(20)
    sending = delivery.Round(BreakingGateway(connections=20), HOLD)

    with pytest.raises(OSError, match="too many"), meanwhile.attended_by(sending.attend):
        sending.run(5)

    assert ledger(mailing_id) == {Status.SENT: 10, Status.SENDING: 10}


def test_a_transaction_that_cannot_begin_loses_no_result(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not because of a lock, for which is waited, but of the disk."""
    mailing_id = running(20)
    gateway = ScriptedGateway()
    has_begun, refused = connections._has_begun, list[None]()

    def sometimes(connection: sqlite3.Connection) -> bool:
        if gateway.calls and len(refused) < 4:
            refused.append(None)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return has_begun(connection)

    monkeypatch.setattr(connections, "_has_begun", sometimes)

    with suppress(DBAPIError):  # the round may end with it
        deliver(gateway)

    assert ledger(mailing_id) == {Status.SENT: 20}
    assert refused


class HalfAnsweringGateway(ScriptedGateway):
    """The first call has no answer for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._polls = 0

    def poll(self, timeout_seconds: float) -> list[Answer]:
        self._polls += 1
        if self._polls > 30 or not self._waiting:
            return super().poll(timeout_seconds)
        first = self.calls[0]
        ended = [each for each in self._waiting if each is not first]
        self._waiting = [each for each in self._waiting if each is first]
        return [accepted(each) for each in ended]


def test_who_has_answered_is_not_called_for_again_after_a_suspension(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was stopped between hearing an answer and writing it, and the sweep takes both for lost."""
    mailing_id = running(2)
    monkeypatch.setattr(delivery, "LOOK_SECONDS", 0.0)
    suspensions: list[int] = []
    look = delivery.Round._look

    def suspended(self: delivery.Round) -> None:
        if self._writing.results and not suspensions:
            suspensions.append(len(self._writing.results))
            leases_run_out(mailing_id)
            recovery.recover(RETRY)
        look(self)

    monkeypatch.setattr(delivery.Round, "_look", suspended)
    gateway = HalfAnsweringGateway()

    deliver(gateway, RETRY, seconds=5)

    assert suspensions == [1]
    assert len({call.message_id for call in gateway.calls}) == len(gateway.calls) == 2
    assert ledger(mailing_id) == {Status.SENT: 2}
