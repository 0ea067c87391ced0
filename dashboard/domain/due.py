"""What may leave now? Mailings and lanes with messages whose time has come."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, or_, select

from .. import clock
from ..database import AnyRow, AnySelect, db
from ..models import Breaker, Chunk, Lane, Mailing, Message, Service, State, Status
from . import bulk
from .policy import BEGIN_WITHIN, SendingPolicy


def mailings(policy: SendingPolicy) -> list[int]:
    """Running mailings that have a message which may leave now, by id; none while everything is stopped."""
    now = clock.database_now(db.session())
    return list(db.session.connection().scalars(_mailings(), _instants(now, policy)))


@bulk.prepared
def _mailings() -> AnySelect:
    is_due = select(Lane.mailing_id).where(Lane.mailing_id == Mailing.id, _is_open(), _has_due())
    is_stopped = select(Service.id).where(Service.stopped_at.is_not(None))
    query = select(Mailing.id).where(Mailing.state == State.RUNNING, is_due.exists(), ~is_stopped.exists())
    return query.order_by(Mailing.id)


def gateway_is_usable(service: AnyRow, *, probing: bool) -> bool:
    """Nobody has stopped everything, and the breaker is closed (or this is its probe)."""
    return service.stopped_at is None and (service.breaker is not Breaker.OPEN or probing)


def lanes(mailing_ids: Iterable[int], now: datetime, policy: SendingPolicy) -> Sequence[AnyRow]:
    """Open lanes with due messages; of each mailing, the lane that closes first comes first.

    `has_chunk` and `has_single` say what there is: messages in their place, or by themselves.
    """
    values = {"mailings": bulk.packed(mailing_ids), **_instants(now, policy)}
    return db.session.connection().execute(_lanes(), values).all()


@bulk.prepared
def _lanes() -> AnySelect:
    return (
        select(
            Lane.mailing_id,
            Lane.timezone,
            _chunk().exists().label("has_chunk"),
            _single().exists().label("has_single"),
        )
        .where(bulk.any_bound(Lane.mailing_id.expression, "mailings"), _is_open(), _has_due())
        .order_by(Lane.closes_at, Lane.mailing_id, Lane.timezone)
    )


def _instants(now: datetime, policy: SendingPolicy) -> dict[str, datetime]:
    return {"now": now, "call_ends": now + BEGIN_WITHIN + policy.call_deadline}


def _is_open() -> ColumnElement[bool]:
    """A call that is armed now would end before the lane closes."""
    return (Lane.opens_at <= _bound("now")) & (Lane.closes_at > _bound("call_ends"))


def _has_due() -> ColumnElement[bool]:
    return or_(_chunk().exists(), _single().exists())


def _chunk() -> AnySelect:
    return select(Chunk.last_id).where(Chunk.mailing_id == Lane.mailing_id, Chunk.timezone == Lane.timezone)


def _single() -> AnySelect:
    return (
        select(Message.id)
        .where(Message.mailing_id == Lane.mailing_id, Message.timezone == Lane.timezone)
        .where(Message.send_after <= _bound("now"), Message.status == Status.QUEUED)
    )


def _bound(name: str) -> ColumnElement[datetime]:
    return bindparam(name, type_=Lane.opens_at.type)
