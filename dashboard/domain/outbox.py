"""Who sends which message? Arming takes messages for a worker, settling writes how their calls ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, AnySelect, db, transaction
from ..gateway import Call
from ..models import Breaker, Lane, Mailing, Message, Service, State, Status, StopListEntry
from . import tallies
from .personalisation import render
from .tallies import Move, Place

# After a call's deadline, so long may its result take to be written before the sweep decides instead.
SETTLING_MARGIN = timedelta(seconds=10)
# A gateway in trouble gets its messages back to the queue; they wait this long, and for the breaker.
GATEWAY_PAUSE = timedelta(seconds=2)


class OnUncertain(StrEnum):
    """What becomes of a message that may have been accepted."""

    HOLD = "hold"  # unknown: a person decides
    RETRY = "retry"  # the same msgId once more, at the risk of a second delivery


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """How sending is set up: the call's deadline, the tries of a message, and what an uncertain outcome means."""

    call_seconds: float
    most_tries: int
    on_uncertain: OnUncertain

    @property
    def call_deadline(self) -> timedelta:
        return timedelta(seconds=self.call_seconds)


def due_mailings(policy: SendingPolicy) -> list[int]:
    """Running mailings that have a message which may leave now, by id."""
    now = clock.database_now(db.session())
    return list(
        db.session.scalars(
            select(Mailing.id)
            .where(Mailing.state == State.RUNNING)
            .where(_due_lanes(now, policy).where(Lane.mailing_id == Mailing.id).exists())
            .order_by(Mailing.id)
        )
    )


def arm(mailing_id: int, limit: int, token: str, policy: SendingPolicy, *, probing: bool = False) -> list[Call]:
    """Mark up to `limit` due messages of a mailing as being sent; only what is returned may be called for.

    One committed transaction. It holds the rows of the service and the mailing FOR SHARE, so that a brake (pause,
    cancel, the breaker) and an arming exclude each other: after a brake's commit nothing is armed. A crash
    before the commit leaves the messages queued; after it, the lease runs out and the sweep decides.
    `probing`: the caller holds the breaker's probe and may pass it.
    """
    with transaction() as session:
        service = session.get_one(Service, 1, with_for_update={"read": True})
        mailing = session.get_one(Mailing, mailing_id, with_for_update={"read": True})
        now = clock.database_now(session)  # not before the locks, which may have to be waited for
        if mailing.state is not State.RUNNING or (service.breaker is Breaker.OPEN and not probing):
            return []
        rows = _skip_stop_listed(session, _take(session, mailing_id, limit, now, policy), now)
        _lease(session, rows, token, now + policy.call_deadline + SETTLING_MARGIN)
        return [Call(row.id, row.phone, render(mailing.text, row.placeholder_values)) for row in rows]


def release(calls: Collection[Call], token: str) -> None:
    """Give back messages that were armed but never called for: their text has not left the house."""
    _release(Message.id.in_([call.message_id for call in calls]), token)


def release_all(token: str) -> None:
    """Give back everything still armed under a token whose calls are all settled."""
    _release(true(), token)


def _release(which: ColumnElement[bool], token: str) -> None:
    with transaction() as session:
        rows = session.execute(
            select(Message.id, Message.mailing_id, Message.operator_code, Message.timezone)
            .where(which, Message.status == Status.SENDING, Message.lease_token == token)
            .order_by(Message.id)
            .with_for_update()
        ).all()
        move(session, rows, Place(Status.SENDING), Place(Status.QUEUED))


def _due_lanes(now: datetime, policy: SendingPolicy) -> AnySelect:
    """Open lanes with a message whose time has come; a call that begins now would end before they close."""
    is_due = (
        select(Message.id)
        .where(Message.mailing_id == Lane.mailing_id, Message.timezone == Lane.timezone)
        .where(Message.status == Status.QUEUED, Message.send_after <= now)
    )
    is_open = (Lane.opens_at <= now) & (Lane.closes_at > now + policy.call_deadline)
    return select(Lane.timezone).where(is_open, is_due.exists())


def _take(session: Session, mailing_id: int, limit: int, now: datetime, policy: SendingPolicy) -> list[AnyRow]:
    """Lock due messages which no other worker is taking at this instant; the lane that closes first goes first."""
    lanes = _due_lanes(now, policy).where(Lane.mailing_id == mailing_id).order_by(Lane.closes_at, Lane.timezone)
    rows: list[AnyRow] = []
    for timezone in session.scalars(lanes).all():
        due = (
            select(
                Message.id,
                Message.mailing_id,
                Message.phone,
                Message.placeholder_values,
                Message.operator_code,
                Message.timezone,
            )
            .where(Message.mailing_id == mailing_id, Message.timezone == timezone)
            .where(Message.status == Status.QUEUED, Message.send_after <= now)
            .order_by(Message.send_after)
            .limit(limit - len(rows))
            .with_for_update(skip_locked=True)
        )
        rows += session.execute(due).all()
        if len(rows) >= limit:
            break
    return rows


def _skip_stop_listed(session: Session, rows: Sequence[AnyRow], now: datetime) -> list[AnyRow]:
    """The last look before the call: who asked meanwhile to be left alone is skipped."""
    phones = [row.phone for row in rows]
    listed = set(session.scalars(select(StopListEntry.phone).where(StopListEntry.phone.in_(phones))))
    if not listed:
        return list(rows)
    skipped = [row for row in rows if row.phone in listed]
    move(session, skipped, Place(Status.QUEUED), Place(Status.SKIPPED, "stop_list", now))
    return [row for row in rows if row.phone not in listed]


def move(session: Session, rows: Collection[AnyRow], old: Place, new: Place, *, is_a_try: bool = False) -> None:
    """Move locked messages to a place to which no call's answer brought them.

    The rows need id, mailing_id, operator_code and timezone. `is_a_try`: a call may have been made.
    """
    if not rows:
        return
    session.execute(
        update(Message)
        .where(Message.id.in_([row.id for row in rows]))
        .values(
            status=new.status,
            reason=new.reason,
            settled_at=None if new.status is Status.QUEUED else new.at,
            tries=Message.tries + int(is_a_try),
            lease_token=None,
            lease_until=None,
        )
    )
    tallies.record(session, (Move(row.mailing_id, row.operator_code, row.timezone, old, new) for row in rows))


def _lease(session: Session, rows: Sequence[AnyRow], token: str, until: datetime) -> None:
    if not rows:
        return
    session.execute(
        update(Message)
        .where(Message.id.in_([row.id for row in rows]))
        .values(status=Status.SENDING, lease_token=token, lease_until=until)
    )
    tallies.record(
        session,
        (
            Move(row.mailing_id, row.operator_code, row.timezone, Place(Status.QUEUED), Place(Status.SENDING))
            for row in rows
        ),
    )
