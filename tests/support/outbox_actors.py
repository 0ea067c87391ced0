"""Who and what is there around the outbox? Workers that may die, a gateway's answers, a clock that is turned."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy import delete, update

from dashboard.database import db, transaction
from dashboard.domain import audit
from dashboard.domain.armed import Armed
from dashboard.domain.settling import Result
from dashboard.gateway import Verdict
from dashboard.models import AuditPermit, Breaker, Heartbeat, IdBlock, Service

BEGINNING = datetime(2026, 5, 20, 9, tzinfo=UTC)


class Fate(Enum):
    """What the gateway makes of a call, and what of that the worker hears."""

    ACCEPTED = Verdict.ACCEPTED, "ok"
    ACCEPTED_UNHEARD = Verdict.UNCERTAIN, "timeout"
    LOST = Verdict.UNCERTAIN, "reset"
    REFUSED = Verdict.REFUSED, "http_400"
    BUSY = Verdict.NOT_ACCEPTED, "http_429"
    DENIED = Verdict.DENIED, "bad_token"

    @property
    def is_accepted(self) -> bool:
        return self in (Fate.ACCEPTED, Fate.ACCEPTED_UNHEARD)


class Brake(Enum):
    PAUSE, RESUME, CANCEL = "pause", "resume", "cancel"
    STOP, GO_ON = "stop_everything", "go_on"
    BREAKER_OPENS, BREAKER_CLOSES = "breaker_opens", "breaker_closes"


@dataclass
class Clock:
    """The database's, and the monotonic one of every worker."""

    at: datetime = BEGINNING

    def now(self, _session: object = None) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - BEGINNING).total_seconds()


@dataclass
class Worker:
    """As `delivery.Round` goes about it: what it holds, and of each flight how many are not written yet."""

    token: str
    armed: list[Armed] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    unwanted: list[Armed] = field(default_factory=list)
    aloft: Counter[int | None] = field(default_factory=Counter)
    # What it wrote last may have been done: it must write it again before it arms.
    is_in_doubt: bool = False

    def landed(self, written: list[Armed]) -> list[int]:
        counts = Counter(each.flight for each in written if each.flight is not None)
        return [flight for flight, number in counts.items() if self.aloft[flight] == number]


def wipe() -> None:
    """An empty installation, in no time."""
    with transaction() as session, audit.permitted(session):
        nothing = {"stopped_at": None, "stopped_by_id": None, "stop_reason": None, "known_until": None}
        session.execute(update(Service).values(breaker=Breaker.CLOSED, breaker_probe_at=None, **nothing))
        kept = {Service.__table__, Heartbeat.__table__, IdBlock.__table__, AuditPermit.__table__}
        for table in reversed(db.metadata.sorted_tables):
            if table not in kept:
                session.execute(delete(table))
