"""How does a mailing stand at this moment? One picture for its page and for the poll that replaces a part."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy import func, select

from ..database import db, snapshot
from ..models import UNDER_WAY, WAITING, Mailing, PauseReason, RateUnit, State, Status, TimeBasis
from . import audience, books, decisions, estimates, mailings, pace, statistics
from .books import Books
from .decisions import Approval, Budget, Canary
from .estimates import Estimate
from .mailings import Verb
from .permissions import Actor, may_change, may_launch, may_see_all
from .statistics import Breakdown, Counts, NewestError, Series
from .versions import version_of

NOT_OVER = (State.SCHEDULED, *UNDER_WAY)
# Asked for again and again, so counting whom a mailing would address stops here: "more than".
COUNTED_AT_MOST = 100_000
# Seconds between two polls while messages may move, and while only a person or a distant start can change a thing.
POLL_SECONDS, PATIENT_POLL_SECONDS = 2, 10
START_IS_NEAR = timedelta(minutes=1)
# Of each breakdown; the rest is one row.
ROWS_SHOWN = 12
# What a poll tells the chart; the page has been told the whole before.
RECENT = timedelta(minutes=10)
# By these messages begin to leave.
LAUNCHES = {Verb.RESUME, Verb.SCHEDULE}


@dataclass(frozen=True, slots=True)
class MailingFacts:
    """What was written; `owner_name` where the actor sees others' mailings, too."""

    id: int
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime
    time_basis: TimeBasis
    starts_wall: datetime | None
    ends_wall: datetime | None
    window_from: time | None
    window_to: time | None
    tags: tuple[str, ...]
    operator_codes: tuple[str, ...]
    everybody: bool
    rate_limit: int | None
    rate_unit: RateUnit
    canary_size: int | None
    created_at: datetime
    owner_name: str | None
    version: int
    excluded_tags: tuple[str, ...]
    excluded_mailing_id: int | None


@dataclass(frozen=True, slots=True)
class LivePicture:
    """All numbers belong to the same instant, and `total` is the sum of `counts`.

    `total` is None before the start; then `addressed` says how many it would select now. `left` can no longer
    be called back: sent, being sent, unknown. `pause_reason`: of a paused one. `awaits_approval`: a second person
    has to agree before it starts; of a cancelled one: nobody had by its end. `is_over`: its end has passed.

    What this actor may do now: `verbs`, `may_edit` (or delete), `may_limit` (change the rate, raise the budget),
    and `resendable` failed messages that may be let wait anew. `changes`: it may look different at the next poll.
    """

    mailing: MailingFacts
    state: State
    pause_reason: PauseReason | None
    awaits_approval: bool
    is_over: bool
    approval: Approval | None
    canary: Canary | None
    budget: Budget | None
    verbs: tuple[Verb, ...]
    may_edit: bool
    may_limit: bool
    resendable: int
    workers_gone_since: datetime | None
    counts: Counts
    total: int | None
    addressed: int | None
    addressed_is_exact: bool
    done_share: float
    in_flight: int
    left: int
    waiting: int
    is_selecting: bool
    rate_per_minute: int | None
    estimate: Estimate
    by_code: list[Breakdown]
    by_zone: list[Breakdown]
    reasons: list[tuple[Status, str, int]]
    errors: list[NewestError]
    # No part of the version: what they tell goes with the counts, and time alone is no news.
    recent: Series = field(repr=False)
    recent_since: datetime = field(repr=False)
    changes: bool
    poll_seconds: int

    @property
    def version(self) -> str:
        return version_of(self)


def picture(actor: Actor, mailing_id: int) -> LivePicture:
    """Raises NotFound. Read in one snapshot: between two reads a worker may move a thousand messages."""
    with snapshot():
        mailing, owner_name, now = mailings.seen(actor, mailing_id)
        since = now.replace(second=0, microsecond=0) - RECENT
        facts = _facts(mailing, owner_name if may_see_all(actor) else None)
        return _picture(actor, mailing, facts, books.of(mailing_id, since), since, now)


def _picture(
    actor: Actor, mailing: Mailing, facts: MailingFacts, kept: Books, since: datetime, now: datetime
) -> LivePicture:
    session, counts = db.session(), kept.counts
    has_started = mailing.started_at is not None
    total = sum(counts.values())
    waiting = sum(counts[status] for status in WAITING)
    is_selecting = has_started and mailing.fanned_out_at is None
    is_running = mailing.state is State.RUNNING
    rate = pace.rate_in(kept.recent, mailing, now) if is_running else None
    addressed = None if has_started or mailing.state is State.CANCELLED else _addressed(mailing)
    return LivePicture(
        mailing=facts,
        state=mailing.state,
        pause_reason=mailing.pause_reason,
        awaits_approval=mailing.awaits_approval,
        is_over=mailing.ends_at <= now,
        approval=decisions.approval(session, actor, mailing),
        canary=decisions.canary(mailing, counts),
        budget=decisions.budget(session, mailing),
        verbs=_verbs(actor, mailing, now),
        may_edit=mailing.state is State.DRAFT and may_change(actor),
        may_limit=decisions.may_limit(actor, mailing),
        resendable=decisions.resendable(actor, mailing, counts),
        workers_gone_since=decisions.workers_gone_since(session, mailing, waiting, now),
        counts=counts,
        total=total if has_started else None,
        addressed=None if addressed is None else min(addressed, COUNTED_AT_MOST),
        addressed_is_exact=addressed is None or addressed <= COUNTED_AT_MOST,
        done_share=(total - waiting) / total if total else 0.0,
        in_flight=counts[Status.SENDING],
        left=counts[Status.SENT] + counts[Status.SENDING] + counts[Status.UNKNOWN],
        waiting=counts[Status.QUEUED],
        is_selecting=is_selecting,
        rate_per_minute=rate,
        estimate=estimates.of(mailing, kept.by_zone, rate, now) if is_running else estimates.NOTHING,
        by_code=statistics.breakdown_in(kept.by_code, ROWS_SHOWN),
        by_zone=statistics.breakdown_in(kept.by_zone, ROWS_SHOWN),
        reasons=[(row.status, row.reason, row.count) for row in kept.reasons],
        errors=statistics.newest_errors(mailing.id),
        recent=kept.recent,
        recent_since=since,
        changes=mailing.state in NOT_OVER or waiting > 0 or is_selecting,
        poll_seconds=PATIENT_POLL_SECONDS if _rests(mailing, counts, now) else POLL_SECONDS,
    )


def _verbs(actor: Actor, mailing: Mailing, now: datetime) -> tuple[Verb, ...]:
    """What the verbs themselves would refuse is not offered."""
    if not may_change(actor):
        return ()
    verbs = set(mailings.allowed_verbs(mailing.state))
    if mailing.pause_reason is PauseReason.BUDGET or mailing.ends_at <= now:
        verbs -= LAUNCHES
    if not may_launch(actor):
        verbs -= LAUNCHES
    return tuple(sorted(verbs))


def _rests(mailing: Mailing, counts: Counts, now: datetime) -> bool:
    """Nothing moves by itself within the next minute."""
    if mailing.state is State.SCHEDULED:
        return mailing.awaits_approval or mailing.starts_at > now + START_IS_NEAR
    return mailing.state is State.PAUSED and not counts[Status.SENDING]


def _addressed(mailing: Mailing) -> int:
    """Stops one beyond the bound."""
    some = audience.client_ids(audience.of(mailing), at_once=True).limit(COUNTED_AT_MOST + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _facts(mailing: Mailing, owner_name: str | None) -> MailingFacts:
    return MailingFacts(
        id=mailing.id,
        title=mailing.title,
        text=mailing.text,
        starts_at=mailing.starts_at,
        ends_at=mailing.ends_at,
        time_basis=mailing.time_basis,
        starts_wall=mailing.starts_wall,
        ends_wall=mailing.ends_wall,
        window_from=mailing.window_from,
        window_to=mailing.window_to,
        tags=tuple(mailing.tags),
        operator_codes=tuple(mailing.operator_codes),
        everybody=mailing.everybody,
        rate_limit=mailing.rate_limit,
        rate_unit=mailing.rate_unit,
        canary_size=mailing.canary_size,
        created_at=mailing.created_at,
        owner_name=owner_name,
        version=mailing.version,
        excluded_tags=tuple(mailing.excluded_tags),
        excluded_mailing_id=mailing.excluded_mailing_id,
    )
