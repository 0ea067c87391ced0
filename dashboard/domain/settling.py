"""How did these calls end, and where do their messages stand now?

Nearly all calls are accepted at the first try. These are written all alike, without being looked at first: one
guarded UPDATE, whose count proves that nobody has decided about them meanwhile. The rest is looked at first.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase

from .. import clock
from ..database import AnyRow, insert_or_ignore, transaction
from ..gateway import Answer, Verdict
from ..models import Attempt, Message, Status
from . import bulk, doubts, flights, moves, outcomes, tallies
from .armed import Armed
from .flights import in_place
from .outcomes import Outcome
from .policy import SendingPolicy
from .tallies import Move, Place
from .webhooks import settlements


class Result(NamedTuple):
    """A call that has ended."""

    armed: Armed
    answer: Answer


# The locked row of a message, what was answered, and what that makes of it.
Settled = tuple[AnyRow, Answer, Outcome]


class _Overtaken(Exception):
    """Somebody has decided about one of the messages meanwhile."""


def settle(results: Sequence[Result], landed: Collection[int], token: str, policy: SendingPolicy) -> None:
    """Write how calls armed under `token` ended: one transaction, and one that may be repeated.

    "Sent" wins over everything, whoever reports it: also where the sweep has decided meanwhile, or a person has.
    Any other result counts only while the message is still this worker's, and in the try that was called for: a
    worker that was suspended for long may have armed it a second time. `landed`: flights that end with these.
    """
    usual: list[Result] = []
    unusual: list[Result] = []
    for result in results:
        is_usual = result.answer.verdict is Verdict.ACCEPTED and result.armed.stretch is not None
        (usual if is_usual else unusual).append(result)
    try:
        _settle(usual, unusual, landed, token, policy)
    except _Overtaken:
        _settle([], results, landed, token, policy)


def _settle(
    usual: Sequence[Result],
    unusual: Sequence[Result],
    landed: Collection[int],
    token: str,
    policy: SendingPolicy,
) -> None:
    with transaction() as session:
        now = clock.database_now(session)
        # The flights before their messages, as the sweep does when it takes them for lost.
        flights.land(session, landed)
        changes = _mark_sent(session, usual, now)
        for some in _each_once(unusual):
            changes += _decide(session, some, token, policy, now)
        tallies.record(session, changes, tallies.slot_of(token))


def _each_once(results: Sequence[Result]) -> Iterator[list[Result]]:
    """In parts, in none of which a message comes twice; nearly always one."""
    rest = list(results)
    while rest:
        first = {each.armed.id: each for each in reversed(rest)}
        yield list(first.values())
        rest = [each for each in rest if first[each.armed.id] is not each]


def _mark_sent(session: Session, usual: Sequence[Result], now: datetime) -> list[Move]:
    """Raises _Overtaken if any of them is no longer where this worker has put it."""
    if not usual:
        return []
    durations = bulk.packed_map({each.answer.message_id: each.answer.duration_ms for each in usual})
    marked = session.connection().execute(_marking_sent(), {"durations": durations, "now": now}).rowcount
    if marked != len(usual):
        raise _Overtaken
    settlements.note(session, ((each.armed.mailing_id, each.armed.id) for each in usual))
    return moves.moves([each.armed for each in usual], Place(Status.SENDING), Place(Status.SENT, None, now))


@bulk.prepared
def _marking_sent() -> UpdateBase:
    now = bindparam("now", type_=Message.settled_at.type)
    each = bulk.updating_each(Message.id, Message.duration_ms, "durations")
    return each.where(in_place()).values(status=Status.SENT, tries=1, settled_at=now)


def _decide(
    session: Session, unusual: Sequence[Result], token: str, policy: SendingPolicy, now: datetime
) -> list[Move]:
    """Rows are locked by ascending id, so that two who do this cannot wait for each other."""
    results = {each.armed.id: each for each in unusual}
    rows = _locked(session, results)
    settled = [
        (row, answer, outcomes.after(row.tries, answer, now, policy, is_probe=armed.is_probe))
        for row, (armed, answer) in ((row, results[row.id]) for row in rows)
        if _counts(row, results[row.id], token)
    ]
    settled = _unless_in_doubt(session, settled)
    _write(session, settled, now)
    ended = ((row.mailing_id, row.id) for row, _, result in settled if result.status is not Status.QUEUED)
    settlements.note(session, ended)
    traced = [(row, results[row.id].answer) for row in rows]
    _write_attempts(session, [(row, answer) for row, answer in traced if _leaves_a_trace(row, answer)])
    return [_move(row, result, now) for row, _answer, result in settled]


def _locked(session: Session, message_ids: Iterable[int]) -> Sequence[AnyRow]:
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
            Message.duration_ms,
        )
        .where(bulk.any_of(Message.id.expression, list(message_ids)))
        .order_by(Message.id)
        .with_for_update()
    ).all()


def _is_in_place(row: AnyRow) -> bool:
    """As `in_place`, of a row that was read: what was armed there is in the air until it is written."""
    return bool(row.status == Status.QUEUED and row.send_after is None)


def _counts(row: AnyRow, result: Result, token: str) -> bool:
    if result.answer.verdict is Verdict.ACCEPTED:
        return bool(row.status != Status.SENT)
    is_leased = row.status == Status.SENDING and row.lease_token == token
    return row.tries == result.armed.tries and (_is_in_place(row) or bool(is_leased))


def _unless_in_doubt(session: Session, settled: Sequence[Settled]) -> list[Settled]:
    """What an earlier call may have brought to the gateway has not failed, whatever became of the last one."""
    failed = [row.id for row, _, result in settled if result.status is Status.FAILED and not _is_in_place(row)]
    why = doubts.reasons(session, failed)
    return [
        (row, answer, replace(result, status=Status.UNKNOWN, reason=why[row.id]) if row.id in why else result)
        for row, answer, result in settled
    ]


def _write(session: Session, settled: Sequence[Settled], now: datetime) -> None:
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
        [
            {
                "of_id": row.id,
                "status": result.status,
                "reason": result.reason,
                "tries": result.tries,
                "send_after": result.send_after,
                "settled_at": None if result.status is Status.QUEUED else now,
                "duration_ms": answer.duration_ms,
            }
            for row, answer, result in settled
        ],
    )


def _move(row: AnyRow, result: Outcome, now: datetime) -> Move:
    was = Status.SENDING if _is_in_place(row) else row.status
    old, new = Place(was, row.reason, row.settled_at), Place(result.status, result.reason, now)
    return Move(row.mailing_id, row.operator_code, row.timezone, old, new)


def _leaves_a_trace(row: AnyRow, answer: Answer) -> bool:
    """A first try that was accepted lives on its message's row; every other call gets a row of its own."""
    if answer.verdict is not Verdict.ACCEPTED:
        return True
    if row.status == Status.SENT:
        # After one try, the same duration: this is that try's result, written a second time.
        return bool(row.tries > 1 or row.duration_ms != answer.duration_ms)
    is_awaited = _is_in_place(row) or row.status == Status.SENDING
    return bool(row.tries or not is_awaited)


def _write_attempts(session: Session, traced: Sequence[tuple[AnyRow, Answer]]) -> None:
    if not traced:
        return
    session.execute(
        insert_or_ignore(Attempt),
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
