"""How did these calls end, and where do their messages stand now?"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, transaction
from ..gateway import Answer, Verdict
from ..models import Attempt, Message, Status
from . import breaker, retries, tallies
from .outbox import GATEWAY_PAUSE, OnUncertain, SendingPolicy
from .tallies import Move, Place

# Jitter only: which of the messages that failed together comes first.
_rng = random.Random()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer makes of a message; `send_after` only where it goes back to the queue."""

    status: Status
    reason: str | None
    tries: int
    send_after: datetime | None = None


def settle(answers: Sequence[Answer], token: str, policy: SendingPolicy) -> None:
    """Write how calls armed under `token` ended: one transaction, and one that may be repeated.

    "Sent" wins over everything, whoever reports it: also where the sweep has decided meanwhile, or a person has.
    Any other result counts only while the message is still this worker's. Rows are locked by ascending id, as
    every bulk statement does, so that two of them cannot wait for each other.
    """
    by_id = {answer.message_id: answer for answer in answers}
    with transaction() as session:
        now = clock.database_now(session)
        rows = _locked(session, by_id)
        settled = [
            (row, by_id[row.id], outcome(row.tries, by_id[row.id], now, policy))
            for row in rows
            if _counts(row, by_id[row.id], token)
        ]
        _write(session, settled, now)
        _write_attempts(session, [(row, by_id[row.id]) for row in rows if _leaves_a_trace(row, by_id[row.id])])


def _locked(session: Session, message_ids: Collection[int]) -> Sequence[AnyRow]:
    return session.execute(
        select(
            Message.id,
            Message.mailing_id,
            Message.operator_code,
            Message.timezone,
            Message.status,
            Message.reason,
            Message.tries,
            Message.settled_at,
            Message.send_after,
            Message.lease_token,
        )
        .where(Message.id.in_(message_ids))
        .order_by(Message.id)
        .with_for_update()
    ).all()


def _counts(row: AnyRow, answer: Answer, token: str) -> bool:
    if answer.verdict is Verdict.ACCEPTED:
        return bool(row.status != Status.SENT)
    return bool(row.status == Status.SENDING and row.lease_token == token)


def outcome(tries: int, answer: Answer, now: datetime, policy: SendingPolicy) -> Outcome:
    """The one table of what an answer means, after `tries` earlier tries. Pure but for the jitter."""
    if answer.verdict is Verdict.ACCEPTED:
        return Outcome(Status.SENT, None, tries + 1)
    if answer.verdict is Verdict.REFUSED:
        return Outcome(Status.FAILED, answer.reason, tries + 1)
    if breaker.is_gateways_fault(answer):
        return Outcome(Status.QUEUED, answer.reason, tries, now + GATEWAY_PAUSE)
    if answer.verdict is Verdict.UNCERTAIN and policy.on_uncertain is OnUncertain.HOLD:
        return Outcome(Status.UNKNOWN, answer.reason, tries + 1)
    if tries + 1 >= policy.most_tries:
        return Outcome(_last_word(answer), answer.reason, tries + 1)
    pause = retries.wait(tries + 1, answer.retry_after, _rng)
    return Outcome(Status.QUEUED, answer.reason, tries + 1, now + pause)


def _last_word(answer: Answer) -> Status:
    """The tries are used up: surely not accepted is a failure, anything else nobody knows."""
    return Status.FAILED if answer.verdict is Verdict.NOT_ACCEPTED else Status.UNKNOWN


def _write(session: Session, settled: Sequence[tuple[AnyRow, Answer, Outcome]], now: datetime) -> None:
    if not settled:
        return
    messages = cast("Table", Message.__table__)
    session.connection().execute(
        update(messages)
        .where(messages.c.id == bindparam("of_id"))
        .values(
            status=bindparam("status"),
            reason=bindparam("reason"),
            tries=bindparam("tries"),
            send_after=bindparam("send_after"),
            settled_at=bindparam("settled_at"),
            duration_ms=bindparam("duration_ms"),
            lease_token=None,
            lease_until=None,
        ),
        [_changes(row, answer, result, now) for row, answer, result in settled],
    )
    tallies.record(session, (_move(row, result, now) for row, _answer, result in settled))


def _changes(row: AnyRow, answer: Answer, result: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "of_id": row.id,
        "status": result.status,
        "reason": result.reason,
        "tries": result.tries,
        "send_after": result.send_after or row.send_after,
        "settled_at": None if result.status is Status.QUEUED else now,
        "duration_ms": answer.duration_ms,
    }


def _move(row: AnyRow, result: Outcome, now: datetime) -> Move:
    old, new = Place(row.status, row.reason, row.settled_at), Place(result.status, result.reason, now)
    return Move(row.mailing_id, row.operator_code, row.timezone, old, new)


def _leaves_a_trace(row: AnyRow, answer: Answer) -> bool:
    """A first try that was accepted lives on its message's row; every other call gets a row of its own."""
    return bool(answer.verdict is not Verdict.ACCEPTED or row.tries or row.status != Status.SENDING)


def _write_attempts(session: Session, traced: Sequence[tuple[AnyRow, Answer]]) -> None:
    if not traced:
        return
    session.execute(
        insert(Attempt),
        [
            {
                "message_id": row.id,
                "mailing_id": row.mailing_id,
                "at": answer.started_at,
                "duration_ms": answer.duration_ms,
                "verdict": answer.verdict.value,
                "reason": answer.reason,
                "http_status": answer.http_status,
                "code": answer.code,
                "excerpt": answer.excerpt,
            }
            for row, answer in traced
        ],
    )
