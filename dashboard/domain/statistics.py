"""How many messages stand where? Every answer comes from the kept tallies, never from a count."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from ..database import db
from ..gateway import Verdict
from ..models import WAITING, Attempt, Dimension, Mailing, Message, Status, Tally
from . import tallies
from .permissions import Actor, visible

# Shown on a mailing's page.
NEWEST_ERRORS = 5
# The present rate is taken over so many whole minutes.
RATE_MINUTES = 2

Counts = dict[Status, int]
# A key of some dimension, a status, and how many messages stand there.
Sum = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One operator code or zone: what waits, and how the rest ended. `key` is '' for `keys` others together."""

    key: str
    waiting: int
    sent: int
    failed: int
    other: int
    keys: int = 1

    @property
    def total(self) -> int:
        return self.waiting + self.sent + self.failed + self.other


@dataclass(frozen=True, slots=True)
class ReasonCount:
    reason: str
    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class NewestError:
    """A call that did not end well; `excerpt` is what the gateway said."""

    at: datetime
    message_id: int
    phone: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Series:
    """Messages by minute and status, for a chart: `minutes[i]` (aware UTC) belongs to `series[status][i]`."""

    minutes: list[datetime]
    series: dict[Status, list[int]] = field(default_factory=dict)


def counts(mailing_id: int) -> Counts:
    """The ledger of one mailing: every status, zeros included; the sum is the selection."""
    return counts_of([mailing_id])[mailing_id]


def counts_of(mailing_ids: Sequence[int]) -> dict[int, Counts]:
    """The ledgers of several mailings in one query."""
    found: dict[int, Counts] = {mailing_id: dict.fromkeys(Status, 0) for mailing_id in mailing_ids}
    sums = (
        select(Tally.mailing_id, Tally.status, func.sum(Tally.change))
        .where(Tally.mailing_id.in_(mailing_ids), Tally.dimension == Dimension.STATUS)
        .group_by(Tally.mailing_id, Tally.status)
    )
    for mailing_id, status, count in db.session.execute(sums):
        found[mailing_id][Status(status)] = int(count)
    return found


def overall(actor: Actor) -> Counts:
    """The ledger of all mailings that one may see."""
    sums = (
        select(Tally.status, func.sum(Tally.change))
        .join(Mailing, Mailing.id == Tally.mailing_id)
        .where(Tally.dimension == Dimension.STATUS, visible(Mailing.owner_id, actor))
        .group_by(Tally.status)
    )
    return dict.fromkeys(Status, 0) | {Status(status): int(count) for status, count in db.session.execute(sums)}


def breakdown(mailing_id: int, dimension: Dimension, most: int | None = None) -> list[Breakdown]:
    """By operator code or by zone, the largest first; beyond `most` rows the rest is one, the last."""
    return breakdown_in(by_status(mailing_id, dimension), most)


def breakdown_in(kept: Mapping[str, Mapping[str, int]], most: int | None = None) -> list[Breakdown]:
    found = [_breakdown(key, of_key) for key, of_key in kept.items()]
    rows = sorted(found, key=lambda row: (-row.total, row.key))
    if most is None or len(rows) <= most:
        return rows
    shown, rest = rows[: most - 1], rows[most - 1 :]
    return [*shown, _together(rest)]


def _together(rows: Sequence[Breakdown]) -> Breakdown:
    return Breakdown(
        key="",
        waiting=sum(row.waiting for row in rows),
        sent=sum(row.sent for row in rows),
        failed=sum(row.failed for row in rows),
        other=sum(row.other for row in rows),
        keys=len(rows),
    )


def by_status(mailing_id: int, dimension: Dimension) -> dict[str, dict[str, int]]:
    """For each operator code or zone how many stand where; what waits and what is being sent is one, as queued."""
    return by_key(_sums(mailing_id, dimension))


def by_key(sums: Iterable[Sum]) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for key, status, count in sums:
        found[key][status] = count
    return dict(found)


def _sums(mailing_id: int, dimension: Dimension) -> list[Sum]:
    sums = (
        select(Tally.key, Tally.status, func.sum(Tally.change))
        .where(Tally.mailing_id == mailing_id, Tally.dimension == dimension)
        .group_by(Tally.key, Tally.status)
        .order_by(Tally.key)
    )
    return [(key, status, int(count)) for key, status, count in db.session.execute(sums) if count]


def _breakdown(key: str, kept: Mapping[str, int]) -> Breakdown:
    waiting, sent, failed = (kept.get(status, 0) for status in (Status.QUEUED, Status.SENT, Status.FAILED))
    return Breakdown(key, waiting, sent, failed, sum(kept.values()) - waiting - sent - failed)


def reasons(mailing_id: int) -> list[ReasonCount]:
    """Why messages did not leave, the commonest first."""
    return reasons_in(_sums(mailing_id, Dimension.REASON))


def reasons_in(sums: Iterable[Sum]) -> list[ReasonCount]:
    rows = [ReasonCount(reason, Status(status), count) for reason, status, count in sums]
    return sorted(rows, key=lambda row: (-row.count, row.reason))


def newest_errors(mailing_id: int) -> list[NewestError]:
    """The last calls that the gateway did not accept."""
    query = (
        select(Attempt.at, Attempt.message_id, Message.phone, Attempt.reason, Attempt.excerpt)
        .join(Message, Message.id == Attempt.message_id)
        .where(Attempt.mailing_id == mailing_id, Attempt.verdict != Verdict.ACCEPTED)
        .order_by(Attempt.id.desc())
        .limit(NEWEST_ERRORS)
    )
    return [NewestError(*row) for row in db.session.execute(query)]


def over_time(mailing_id: int) -> Series:
    """Outcomes by minute, from the first to the last that has any."""
    return series_of(_sums(mailing_id, Dimension.MINUTE))


def series_of(sums: Iterable[Sum]) -> Series:
    """Of sums in the order of their minutes."""
    by_minute: defaultdict[str, dict[Status, int]] = defaultdict(dict)
    for minute, status, count in sums:
        by_minute[minute][Status(status)] = count
    statuses = [status for status in Status if status not in WAITING]
    return Series(
        [tallies.minute_of(key) for key in by_minute],
        {
            status: [by_status.get(status, 0) for by_status in by_minute.values()]
            for status in statuses
            if any(status in by_status for by_status in by_minute.values())
        },
    )
