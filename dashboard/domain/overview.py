"""What runs, what comes next, what needs a person's decision, and what was today?"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import select

from .. import clock
from ..database import db, snapshot
from ..models import (
    UNDER_WAY,
    WAITING,
    Breaker,
    Client,
    Import,
    ImportState,
    Mailing,
    PauseReason,
    Service,
    State,
    StopReason,
)
from . import daily, pace, statistics, unknown_counts
from .permissions import Actor, visible
from .statistics import Counts
from .versions import version_of
from .watching import TokenExpiry, token_expiry

# Of each list; the page of mailings shows the rest.
MOST_SHOWN = 10
# A person has to say whether it goes on; one that somebody paused is no news to them.
ASKING = (PauseReason.CANARY, PauseReason.BUDGET, PauseReason.MISSED_START)
# A file that could not be read is told for so long.
FAILED_IMPORTS_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RunningMailing:
    """Also one that is paused: it has begun and has not ended. `ends_wall`: the end on each client's own clock,
    where it is read from that.
    """

    id: int
    title: str
    state: State
    counts: Counts
    total: int
    rate_per_minute: int | None
    estimated_end_at: datetime | None
    ends_at: datetime
    ends_wall: datetime | None


@dataclass(frozen=True, slots=True)
class NextMailing:
    """`starts_wall`: the start on each client's own clock, where it is read from that."""

    id: int
    title: str
    starts_at: datetime
    starts_wall: datetime | None
    awaits_approval: bool


@dataclass(frozen=True, slots=True)
class UnknownOutcomes:
    """`n` messages of a mailing may or may not have reached their clients."""

    id: int
    title: str
    n: int


@dataclass(frozen=True, slots=True)
class AskingMailing:
    """It waits for a second person's approval (`reason` is None), or for a "go on" for this reason."""

    id: int
    title: str
    reason: PauseReason | None
    # Until when somebody has to decide: its start, if that lies ahead, for approval; else its end. The second is
    # that on each client's own clock, where it is read from that.
    until: datetime
    until_wall: datetime | None


@dataclass(frozen=True, slots=True)
class FailedImport:
    id: int
    filename: str
    failure: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decisions:
    """`unknown` counts those of all mailings, of which the newest are listed. `stopped_at`: the global stop,
    `stop_reason` and `known_until` as in `brakes.Brakes`.
    """

    asking: list[AskingMailing]
    failed_imports: list[FailedImport]
    unknown: int
    unknown_mailings: list[UnknownOutcomes]
    breaker_open: bool
    breaker_reason: str | None
    breaker_opened_at: datetime | None
    stopped_at: datetime | None
    # The gateway's token has run out, or soon will.
    token: TokenExpiry | None
    stop_reason: StopReason | None
    known_until: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """`is_new`: there has been no mailing yet. `changes`: it may look different in a moment."""

    running: list[RunningMailing]
    next: list[NextMailing]
    decisions: Decisions
    today: Counts
    has_clients: bool
    is_new: bool
    changes: bool

    @property
    def version(self) -> str:
        return version_of(self)


def picture(actor: Actor, zone: tzinfo, token_expires_at: datetime | None = None) -> Overview:
    """As the actor may see it; today is the day of this zone. `token_expires_at`: the gateway's, if it says so."""
    with snapshot():
        now = clock.database_now(db.session())
        running, upcoming, decisions = _running(actor, now), _next(actor), _decisions(actor, now, token_expires_at)
        return Overview(
            running=running,
            next=upcoming,
            decisions=decisions,
            today=daily.today(actor, now, zone),
            has_clients=_has_clients(actor),
            is_new=not _has_mailings(actor),
            changes=bool(running or upcoming or decisions.breaker_open or decisions.stopped_at),
        )


def _running(actor: Actor, now: datetime) -> list[RunningMailing]:
    mailings = db.session.scalars(
        select(Mailing)
        .where(Mailing.state.in_(UNDER_WAY), visible(Mailing.owner_id, actor))
        .order_by(Mailing.state.desc(), Mailing.id.desc())
        .limit(MOST_SHOWN)
    ).all()
    ledgers = statistics.counts_of([mailing.id for mailing in mailings])
    rates = pace.rates([mailing for mailing in mailings if mailing.state is State.RUNNING], now)
    return [_running_mailing(mailing, ledgers[mailing.id], rates.get(mailing.id), now) for mailing in mailings]


def _running_mailing(mailing: Mailing, counts: Counts, rate: int | None, now: datetime) -> RunningMailing:
    waiting = sum(counts[status] for status in WAITING)
    return RunningMailing(
        id=mailing.id,
        title=mailing.title,
        state=mailing.state,
        counts=counts,
        total=sum(counts.values()),
        rate_per_minute=rate,
        estimated_end_at=pace.estimated_end(mailing, waiting, rate, now),
        ends_at=mailing.ends_at,
        ends_wall=mailing.ends_wall,
    )


def _next(actor: Actor) -> list[NextMailing]:
    query = (
        select(Mailing.id, Mailing.title, Mailing.starts_at, Mailing.starts_wall, Mailing.awaits_approval)
        .where(Mailing.state == State.SCHEDULED, visible(Mailing.owner_id, actor))
        .order_by(Mailing.starts_at, Mailing.id)
        .limit(MOST_SHOWN)
    )
    return [NextMailing(*row) for row in db.session.execute(query)]


def _decisions(actor: Actor, now: datetime, token_expires_at: datetime | None) -> Decisions:
    service = db.session.get(Service, 1)
    is_open = service is not None and service.breaker is Breaker.OPEN
    unknown = _unknown(actor)
    return Decisions(
        asking=[*_awaiting_approval(actor, now), *_paused_with_a_question(actor)],
        failed_imports=_failed_imports(actor, now),
        unknown=sum(row.n for row in unknown),
        unknown_mailings=unknown[:MOST_SHOWN],
        breaker_open=is_open,
        breaker_reason=service.breaker_reason if service and is_open else None,
        breaker_opened_at=service.breaker_opened_at if service and is_open else None,
        stopped_at=service.stopped_at if service else None,
        token=token_expiry(token_expires_at, now),
        stop_reason=service.stop_reason if service else None,
        known_until=service.known_until if service else None,
    )


def _awaiting_approval(actor: Actor, now: datetime) -> list[AskingMailing]:
    """The most pressing first."""
    query = (
        select(Mailing)
        .where(Mailing.state == State.SCHEDULED, Mailing.awaits_approval, visible(Mailing.owner_id, actor))
        .order_by(Mailing.starts_at, Mailing.id)
        .limit(MOST_SHOWN)
    )
    return [
        AskingMailing(mailing.id, mailing.title, None, mailing.starts_at, mailing.starts_wall)
        if mailing.starts_at > now
        else AskingMailing(mailing.id, mailing.title, None, mailing.ends_at, mailing.ends_wall)
        for mailing in db.session.scalars(query)
    ]


def _paused_with_a_question(actor: Actor) -> list[AskingMailing]:
    query = (
        select(Mailing.id, Mailing.title, Mailing.pause_reason, Mailing.ends_at, Mailing.ends_wall)
        .where(Mailing.state == State.PAUSED, Mailing.pause_reason.in_(ASKING), visible(Mailing.owner_id, actor))
        .order_by(Mailing.ends_at, Mailing.id)
        .limit(MOST_SHOWN)
    )
    return [AskingMailing(*row) for row in db.session.execute(query)]


def _failed_imports(actor: Actor, now: datetime) -> list[FailedImport]:
    """The newest first."""
    query = (
        select(Import.id, Import.filename, Import.failure, Import.finished_at)
        .where(Import.state == ImportState.FAILED, Import.finished_at >= now - FAILED_IMPORTS_FOR)
        .where(visible(Import.owner_id, actor))
        .order_by(Import.id.desc())
        .limit(MOST_SHOWN)
    )
    return [FailedImport(*row) for row in db.session.execute(query)]


def _unknown(actor: Actor) -> list[UnknownOutcomes]:
    """Newest mailing first."""
    found = unknown_counts.by_mailing()
    query = (
        select(Mailing.id, Mailing.title, found.c.n)
        .join(found, found.c.mailing_id == Mailing.id)
        .where(visible(Mailing.owner_id, actor))
        .order_by(Mailing.id.desc())
    )
    return [UnknownOutcomes(id, title, int(n)) for id, title, n in db.session.execute(query)]


def _has_clients(actor: Actor) -> bool:
    query = select(Client.id).where(visible(Client.owner_id, actor), Client.deleted_at.is_(None)).limit(1)
    return db.session.scalar(query) is not None


def _has_mailings(actor: Actor) -> bool:
    query = select(Mailing.id).where(visible(Mailing.owner_id, actor)).limit(1)
    return db.session.scalar(query) is not None
