"""How does the whole installation stand at this moment, in numbers? For /metrics and `flask doctor`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import snapshot
from ..models import (
    UNDER_WAY,
    WAITING,
    Breaker,
    Chunk,
    DeliveryState,
    Dimension,
    Heartbeat,
    HourTally,
    Import,
    ImportState,
    Lane,
    Mailing,
    Message,
    Service,
    State,
    Status,
    StopReason,
    Tally,
    WebhookDelivery,
)

# So long before the gateway's token runs out people are told: to get a new one may take days.
WARN_AHEAD = timedelta(days=7)
BUSY_IMPORTS = (ImportState.CHECKING, ImportState.WAITING, ImportState.RUNNING)


@dataclass(frozen=True, slots=True)
class Standing:
    """`messages`: waiting ones of mailings that are not over, and outcomes of all times. `heartbeats`: by name.

    `due`: messages that may leave at this moment by the clients' windows; a rate may keep them.
    """

    at: datetime
    messages: dict[Status, int]
    due: int
    mailings: dict[State, int]
    is_breaker_open: bool
    is_stopped: bool
    # Of a stop by the service itself.
    stop_reason: StopReason | None
    heartbeats: dict[str, datetime]
    webhooks_waiting: int
    imports_waiting: int


@dataclass(frozen=True, slots=True)
class TokenExpiry:
    """A token that somebody has to replace. `is_over`: the gateway takes it no more."""

    at: datetime
    is_over: bool


def token_expiry(expires_at: datetime | None, now: datetime) -> TokenExpiry | None:
    """None while there is time, or nobody knows."""
    if expires_at is None or expires_at - now > WARN_AHEAD:
        return None
    return TokenExpiry(expires_at, expires_at <= now)


def standing() -> Standing:
    """Sums of the kept tallies, and short lists; one snapshot."""
    with snapshot() as session:
        now = clock.database_now(session)
        service = session.get_one(Service, 1, populate_existing=True)
        return Standing(
            at=now,
            messages=_messages(session),
            due=_due(session, now),
            mailings=_mailings(session),
            is_breaker_open=service.breaker is Breaker.OPEN,
            is_stopped=service.stopped_at is not None,
            stop_reason=service.stop_reason,
            heartbeats={row.name: row.at for row in session.execute(select(Heartbeat.name, Heartbeat.at))},
            webhooks_waiting=_count(session, WebhookDelivery.state == DeliveryState.WAITING),
            imports_waiting=_count(session, Import.state.in_(BUSY_IMPORTS)),
        )


def _messages(session: Session) -> dict[Status, int]:
    ended = select(HourTally.status, func.sum(HourTally.change)).group_by(HourTally.status)
    waiting = (
        select(Tally.status, func.sum(Tally.change))
        .join(Mailing, Mailing.id == Tally.mailing_id)
        .where(Mailing.state.in_(UNDER_WAY), Tally.dimension == Dimension.STATUS)
        .where(Tally.status.in_(WAITING))
        .group_by(Tally.status)
    )
    counts = dict.fromkeys(Status, 0)
    for query in (ended, waiting):
        counts |= {Status(status): int(n) for status, n in session.execute(query)}
    return counts


def _due(session: Session, now: datetime) -> int:
    lanes = (
        select(Lane.mailing_id, Lane.timezone)
        .join(Mailing, Mailing.id == Lane.mailing_id)
        .where(Mailing.state == State.RUNNING, Lane.opens_at <= now, Lane.closes_at > now)
        .subquery()
    )
    in_place = select(func.sum(Chunk.last_id - Chunk.first_id + 1)).join(
        lanes, (lanes.c.mailing_id == Chunk.mailing_id) & (lanes.c.timezone == Chunk.timezone)
    )
    single = (
        select(func.count())
        .select_from(Message)
        .join(lanes, (lanes.c.mailing_id == Message.mailing_id) & (lanes.c.timezone == Message.timezone))
        .where(Message.send_after <= now, Message.status == Status.QUEUED)
    )
    return int(session.scalar(in_place) or 0) + int(session.scalar(single) or 0)


def _mailings(session: Session) -> dict[State, int]:
    states = (State.SCHEDULED, *UNDER_WAY)
    query = select(Mailing.state, func.count().label("n")).where(Mailing.state.in_(states)).group_by(Mailing.state)
    return dict.fromkeys(states, 0) | {row.state: row.n for row in session.execute(query)}


def _count(session: Session, condition: object) -> int:
    return int(session.scalar(select(func.count()).where(condition)) or 0)  # type: ignore[arg-type]
