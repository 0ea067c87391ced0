"""What comes of one press that decides about unknown outcomes of several mailings?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from .. import clock
from ..database import db
from ..models import Mailing, Message, Status, TimeBasis
from . import bulk, reopening, unknown_lists, unknown_outcomes
from .errors import Conflict, Invalid, Problem
from .permissions import Actor, require_change, visible
from .unknown_lists import UnknownFilter
from .unknown_outcomes import Decision

# Messages that are looked up and decided at once; `unknown_outcomes` divides them into short transactions.
AT_ONCE = 2_000
# A press answers after so many seconds; what is left then waits for the next one.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Choice:
    """These messages, or all that match a filter."""

    wanted: UnknownFilter = UnknownFilter()
    message_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a choice belong to a mailing. `is_over`: they are resent only if it gets a later end."""

    mailing_id: int
    title: str
    count: int
    may_resend: bool
    is_over: bool
    is_by_clients_clock: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """`left` counts by reason what stays unknown; `is_whole`: there was time for all."""

    count: int
    left: dict[str, int] = field(default_factory=dict)
    is_whole: bool = True


def shares(actor: Actor, choice: Choice) -> list[Share]:
    """What a choice comes to, mailing by mailing; what is not unknown, or not the actor's, is no part of it."""
    counts = _counts(actor, choice)
    query = (
        select(Mailing)
        .where(bulk.any_of(Mailing.id.expression, list(counts)), visible(Mailing.owner_id, actor))
        .order_by(Mailing.id.desc())
    )
    now = clock.database_now(db.session())
    return [_share(mailing, counts[mailing.id], now) for mailing in db.session.scalars(query)]


def _counts(actor: Actor, choice: Choice) -> dict[int, int]:
    if choice.message_ids is None:
        chosen = unknown_lists.matching(unknown_lists.where(actor), choice.wanted)
        return {each.id: each.count(choice.wanted.reason) for each in chosen}
    query = (
        select(Message.mailing_id, func.count())
        .where(bulk.any_of(Message.id.expression, choice.message_ids), Message.unsent == Status.UNKNOWN.value)
        .group_by(Message.mailing_id)
    )
    return dict(db.session.execute(query).all())


def _share(mailing: Mailing, count: int, now: datetime) -> Share:
    return Share(
        mailing.id,
        mailing.title,
        count,
        may_resend=mailing.state in reopening.REOPENABLE,
        is_over=mailing.ends_at <= now,
        is_by_clients_clock=mailing.time_basis is TimeBasis.CLIENT,
    )


def decide(actor: Actor, choice: Choice, decision: Decision, ends_at: datetime | None = None) -> Decided:
    """Resend or accept them, mailing by mailing; pressed again, it goes on with what is left.

    `ends_at`, in the zone of whoever typed it, is the new end of the mailings that are over; by the client's clock
    its reading counts. Raises Forbidden, and Invalid before anything is decided if such an end is needed and does
    not lie ahead.
    """
    require_change(actor)
    parts = shares(actor, choice)
    if decision is Decision.RESEND and any(each.may_resend and each.is_over for each in parts):
        _require_ahead(ends_at)
    until = clock.monotonic() + PATIENCE_SECONDS
    count, left = 0, Counter[str]()
    for share, ids in _portions(parts, choice):
        if clock.monotonic() > until:
            return Decided(count, dict(left), is_whole=False)
        done, why = _decide_some(actor, share, decision, ids, ends_at)
        count += done
        if still := _still_unknown(share.mailing_id, ids):
            left[why] += still
    return Decided(count, dict(left))


def _require_ahead(ends_at: datetime | None) -> None:
    if ends_at is None or ends_at <= clock.database_now(db.session()):
        raise Invalid([Problem("ends_at", "new_end_missing" if ends_at is None else "ends_in_past")])


def _portions(parts: Sequence[Share], choice: Choice) -> Iterator[tuple[Share, Sequence[int]]]:
    for share in parts:
        if choice.message_ids is not None:
            yield share, choice.message_ids
        else:
            yield from ((share, ids) for ids in _walk(share.mailing_id, choice.wanted.reason))


def _walk(mailing_id: int, reason: str) -> Iterator[Sequence[int]]:
    """By phone, so that none comes twice; only those that were unknown when it begins."""
    begun_at = clock.database_now(db.session())
    query = (
        select(Message.id, Message.phone)
        .where(*unknown_lists.conditions(mailing_id, reason), Message.settled_at <= begun_at)
        .order_by(Message.phone)
        .limit(AT_ONCE)
    )
    phone = ""
    while rows := db.session.execute(query.where(Message.phone > phone)).all():
        phone = rows[-1].phone
        yield [row.id for row in rows]


def _decide_some(
    actor: Actor, share: Share, decision: Decision, ids: Sequence[int], ends_at: datetime | None
) -> tuple[int, str]:
    """How many, and why others may be left."""
    new_end = ends_at if share.is_over else None
    if new_end is not None and share.is_by_clients_clock:
        new_end = new_end.replace(tzinfo=None)
    try:
        done = unknown_outcomes.decide(actor, share.mailing_id, decision, ids, new_end)
    except Conflict as refusal:
        return 0, refusal.code
    except Invalid as refusal:
        return 0, refusal.problems[0].code
    return done, "no_window_left"


def _still_unknown(mailing_id: int, ids: Sequence[int]) -> int:
    those = bulk.any_of(Message.id.expression, ids)
    query = select(func.count()).where(those, *unknown_lists.conditions(mailing_id))
    return db.session.scalar(query) or 0
