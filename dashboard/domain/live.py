"""How does a mailing stand at this moment? One picture for its page and for the poll that replaces a part."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import func, select

from .. import clock
from ..database import db, snapshot
from ..models import UNDER_WAY, WAITING, Dimension, Mailing, PauseReason, State, Status, User
from . import audience, mailings, pace, statistics
from .mailings import Verb
from .permissions import Actor, may_change, may_see_all
from .statistics import Breakdown, Counts, NewestError
from .versions import version_of

NOT_OVER = (State.SCHEDULED, *UNDER_WAY)
# Asked for again and again, so counting whom a mailing would address stops here: "more than".
COUNTED_AT_MOST = 100_000
# Seconds between two polls while messages may move, and while only a person or a distant start can change a thing.
POLL_SECONDS, PATIENT_POLL_SECONDS = 2, 10
START_IS_NEAR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MailingFacts:
    """What was written; `owner_name` where the actor sees others' mailings, too."""

    id: int
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime
    window_from: time | None
    window_to: time | None
    tags: tuple[str, ...]
    operator_codes: tuple[str, ...]
    everybody: bool
    created_at: datetime
    owner_name: str | None
    version: int
    starts_wall: datetime | None
    ends_wall: datetime | None
    excluded_tags: tuple[str, ...]
    excluded_mailing_id: int | None


@dataclass(frozen=True, slots=True)
class LivePicture:
    """All numbers belong to the same instant, and `total` is the sum of `counts`.

    `total` is None before the start; then `addressed` says how many it would select now. `left` can no longer
    be called back: sent, being sent, unknown. `verbs` and `may_edit` (or delete): what this actor may do in this
    state. `pause_reason`: of a paused one. `awaits_approval`: a second person has to agree before it starts; of a
    cancelled one: nobody had by its end. `changes`: it may look different at the next poll.
    """

    mailing: MailingFacts
    state: State
    pause_reason: PauseReason | None
    awaits_approval: bool
    verbs: tuple[Verb, ...]
    may_edit: bool
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
    estimated_end_at: datetime | None
    by_code: list[Breakdown]
    by_zone: list[Breakdown]
    reasons: list[tuple[Status, str, int]]
    errors: list[NewestError]
    changes: bool
    poll_seconds: int

    @property
    def version(self) -> str:
        return version_of(self)


def picture(actor: Actor, mailing_id: int) -> LivePicture:
    """Raises NotFound. Read in one snapshot: between two reads a worker may move a thousand messages."""
    with snapshot():
        mailing = mailings.get(actor, mailing_id)
        counts = statistics.counts(mailing_id)
        return _picture(actor, mailing, counts, clock.database_now(db.session()))


def _picture(actor: Actor, mailing: Mailing, counts: Counts, now: datetime) -> LivePicture:
    has_started = mailing.started_at is not None
    total = sum(counts.values())
    waiting = sum(counts[status] for status in WAITING)
    is_selecting = has_started and mailing.fanned_out_at is None
    is_running = mailing.state is State.RUNNING
    rate = pace.rates([mailing], now)[mailing.id] if is_running else None
    addressed = None if has_started or mailing.state is State.CANCELLED else _addressed(mailing)
    return LivePicture(
        mailing=_facts(actor, mailing),
        state=mailing.state,
        pause_reason=mailing.pause_reason,
        awaits_approval=mailing.awaits_approval,
        verbs=tuple(sorted(mailings.allowed_verbs(mailing.state))) if may_change(actor) else (),
        may_edit=mailing.state is State.DRAFT and may_change(actor),
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
        estimated_end_at=pace.estimated_end(mailing, waiting, rate, now) if is_running else None,
        by_code=statistics.breakdown(mailing.id, Dimension.CODE),
        by_zone=statistics.breakdown(mailing.id, Dimension.ZONE),
        reasons=[(row.status, row.reason, row.count) for row in statistics.reasons(mailing.id)],
        errors=statistics.newest_errors(mailing.id),
        changes=mailing.state in NOT_OVER or waiting > 0 or is_selecting,
        poll_seconds=PATIENT_POLL_SECONDS if _rests(mailing, counts, now) else POLL_SECONDS,
    )


def _rests(mailing: Mailing, counts: Counts, now: datetime) -> bool:
    """Nothing moves by itself within the next minute."""
    if mailing.state is State.SCHEDULED:
        return mailing.awaits_approval or mailing.starts_at > now + START_IS_NEAR
    return mailing.state is State.PAUSED and not counts[Status.SENDING]


def _addressed(mailing: Mailing) -> int:
    """Stops one beyond the bound."""
    some = audience.client_ids(audience.of(mailing), at_once=True).limit(COUNTED_AT_MOST + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _facts(actor: Actor, mailing: Mailing) -> MailingFacts:
    owner_name = None
    if may_see_all(actor):
        owner_name = db.session.scalar(select(User.name).where(User.id == mailing.owner_id))
    return MailingFacts(
        id=mailing.id,
        title=mailing.title,
        text=mailing.text,
        starts_at=mailing.starts_at,
        ends_at=mailing.ends_at,
        window_from=mailing.window_from,
        window_to=mailing.window_to,
        tags=tuple(mailing.tags),
        operator_codes=tuple(mailing.operator_codes),
        everybody=mailing.everybody,
        created_at=mailing.created_at,
        owner_name=owner_name,
        version=mailing.version,
        starts_wall=mailing.starts_wall,
        ends_wall=mailing.ends_wall,
        excluded_tags=tuple(mailing.excluded_tags),
        excluded_mailing_id=mailing.excluded_mailing_id,
    )
