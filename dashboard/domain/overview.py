"""What runs, what comes next, what needs a person's decision, and what was today?"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo

from sqlalchemy import func, select

from .. import clock
from ..database import db, snapshot
from ..models import UNDER_WAY, WAITING, Breaker, Client, Dimension, Mailing, Service, State, Status, Tally
from . import pace, statistics
from .permissions import Actor, visible
from .statistics import Counts
from .versions import version_of

# Of each list; the page of mailings shows the rest.
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RunningMailing:
    """Also one that is paused: it has begun and has not ended."""

    id: int
    title: str
    state: State
    counts: Counts
    total: int
    rate_per_minute: int | None
    estimated_end_at: datetime | None
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class NextMailing:
    id: int
    title: str
    starts_at: datetime
    awaits_approval: bool


@dataclass(frozen=True, slots=True)
class UnknownOutcomes:
    """`n` messages of a mailing may or may not have reached their clients."""

    id: int
    title: str
    n: int


@dataclass(frozen=True, slots=True)
class Decisions:
    """`unknown` counts those of all mailings, of which the newest are listed. `stopped_at`: the global stop."""

    unknown: int
    unknown_mailings: list[UnknownOutcomes]
    breaker_open: bool
    breaker_reason: str | None
    breaker_opened_at: datetime | None
    stopped_at: datetime | None


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


def picture(actor: Actor, zone: tzinfo) -> Overview:
    """As the actor may see it; today is the day of this zone."""
    with snapshot():
        now = clock.database_now(db.session())
        running, upcoming, decisions = _running(actor, now), _next(actor), _decisions(actor)
        return Overview(
            running=running,
            next=upcoming,
            decisions=decisions,
            today=statistics.today(actor, start_of_day(now, zone)),
            has_clients=_has_clients(actor),
            is_new=not _has_mailings(actor),
            changes=bool(running or upcoming or decisions.breaker_open or decisions.stopped_at),
        )


def start_of_day(now: datetime, zone: tzinfo) -> datetime:
    """When the present day began in this zone; where the clock jumps over midnight, after the jump."""
    return datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone).astimezone(UTC)


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
    )


def _next(actor: Actor) -> list[NextMailing]:
    query = (
        select(Mailing.id, Mailing.title, Mailing.starts_at, Mailing.awaits_approval)
        .where(Mailing.state == State.SCHEDULED, visible(Mailing.owner_id, actor))
        .order_by(Mailing.starts_at, Mailing.id)
        .limit(MOST_SHOWN)
    )
    return [NextMailing(*row) for row in db.session.execute(query)]


def _decisions(actor: Actor) -> Decisions:
    service = db.session.get(Service, 1)
    is_open = service is not None and service.breaker is Breaker.OPEN
    unknown = _unknown(actor)
    return Decisions(
        unknown=sum(row.n for row in unknown),
        unknown_mailings=unknown[:MOST_SHOWN],
        breaker_open=is_open,
        breaker_reason=service.breaker_reason if service and is_open else None,
        breaker_opened_at=service.breaker_opened_at if service and is_open else None,
        stopped_at=service.stopped_at if service else None,
    )


def _unknown(actor: Actor) -> list[UnknownOutcomes]:
    """Newest mailing first. One look into the tallies' index for each started mailing, instead of all tallies."""
    n = (
        select(func.coalesce(func.sum(Tally.change), 0))
        .where(Tally.mailing_id == Mailing.id, Tally.dimension == Dimension.STATUS)
        .where(Tally.key == "", Tally.status == Status.UNKNOWN)
        .scalar_subquery()
    )
    found = (
        select(Mailing.id, Mailing.title, n.label("n"))
        .where(Mailing.started_at.is_not(None), visible(Mailing.owner_id, actor))
        .subquery()
    )
    query = select(found.c.id, found.c.title, found.c.n).where(found.c.n > 0).order_by(found.c.id.desc())
    return [UnknownOutcomes(id, title, int(n)) for id, title, n in db.session.execute(query)]


def _has_clients(actor: Actor) -> bool:
    query = select(Client.id).where(visible(Client.owner_id, actor), Client.deleted_at.is_(None)).limit(1)
    return db.session.scalar(query) is not None


def _has_mailings(actor: Actor) -> bool:
    query = select(Mailing.id).where(visible(Mailing.owner_id, actor)).limit(1)
    return db.session.scalar(query) is not None
