"""Of which messages does nobody know whether they reached the client, and why not?

Over all mailings, the newest first, and by phone within each: that is the order of the index (mailing, outcome,
phone), so a page costs a page. How many there are, and where, is what the tallies say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, union_all

from ..database import db
from ..gateway import Verdict
from ..models import Attempt, Dimension, Mailing, Message, State, Status, Tally
from . import bulk, mailings, unknown_counts
from .messages import Try
from .pages import neighbours
from .permissions import Actor, visible

PAGE = 50


@dataclass(frozen=True, slots=True)
class UnknownFilter:
    """None or empty: no condition."""

    mailing_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnknownsOfMailing:
    """`reasons`: how many outcomes are unknown for each of them."""

    id: int
    title: str
    state: State
    ends_at: datetime
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, reason: str = "") -> int:
        """Of this reason; empty: of any."""
        return self.reasons.get(reason, 0) if reason else sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class UnknownRow:
    """`last` is the call that left it unknown."""

    id: int
    phone: str
    timezone: str
    mailing_id: int
    mailing_title: str
    reason: str | None
    tries: int
    settled_at: datetime | None
    last: Try | None


@dataclass(frozen=True, slots=True)
class Position:
    """In the list: a mailing and a phone."""

    mailing_id: int
    phone: str


@dataclass(frozen=True, slots=True)
class UnknownPage:
    """`mailings`: all that have any, whatever the filter. The places are cursors of the neighbouring pages."""

    items: list[UnknownRow]
    mailings: list[UnknownsOfMailing]
    total: int
    previous_before: Position | None
    next_after: Position | None


def page(
    actor: Actor,
    wanted: UnknownFilter | None = None,
    *,
    after: Position | None = None,
    before: Position | None = None,
    limit: int = PAGE,
) -> UnknownPage:
    """What stands behind `after`, or just before `before`. Raises NotFound for a mailing of others."""
    wanted = wanted or UnknownFilter()
    if wanted.mailing_id is not None:
        mailings.get(actor, wanted.mailing_id)
    everywhere = where(actor)
    chosen = matching(everywhere, wanted)
    ids = _ids(chosen, wanted.reason, after, before, limit + 1)
    items = _rows(ids[:limit])
    is_ahead, is_behind = neighbours(before is not None, after is not None, len(ids) > limit)
    return UnknownPage(
        items=items,
        mailings=everywhere,
        total=sum(each.count(wanted.reason) for each in chosen),
        previous_before=_place(items[0]) if items and is_ahead else None,
        next_after=_place(items[-1]) if items and is_behind else None,
    )


def _place(row: UnknownRow) -> Position:
    return Position(row.mailing_id, row.phone)


def where(actor: Actor) -> list[UnknownsOfMailing]:
    """The mailings that have unknown outcomes, the newest first, with their reasons."""
    counted = unknown_counts.by_mailing()
    query = (
        select(Mailing.id, Mailing.title, Mailing.state, Mailing.ends_at)
        .join(counted, counted.c.mailing_id == Mailing.id)
        .where(visible(Mailing.owner_id, actor))
        .order_by(Mailing.id.desc())
    )
    found = {row.id: UnknownsOfMailing(*row) for row in db.session.execute(query)}
    sums = (
        select(Tally.mailing_id, Tally.key, func.sum(Tally.change))
        .where(bulk.any_of(Tally.mailing_id.expression, list(found)), Tally.dimension == Dimension.REASON)
        .where(Tally.status == Status.UNKNOWN)
        .group_by(Tally.mailing_id, Tally.key)
        .order_by(Tally.key)
    )
    for mailing_id, reason, count in db.session.execute(sums) if found else ():
        if count:
            found[mailing_id].reasons[reason] = int(count)
    return list(found.values())


def matching(everywhere: Iterable[UnknownsOfMailing], wanted: UnknownFilter) -> list[UnknownsOfMailing]:
    return [each for each in everywhere if wanted.mailing_id in (None, each.id) and each.count(wanted.reason)]


def _ids(
    chosen: Sequence[UnknownsOfMailing], reason: str, after: Position | None, before: Position | None, limit: int
) -> Sequence[int]:
    """In the direction of reading. Each mailing gives at most a page by the index, and few are asked."""
    place = before or after
    is_back = before is not None
    parts, expected = [], 0
    for each in reversed(chosen) if is_back else chosen:
        if place is not None and (each.id < place.mailing_id if is_back else each.id > place.mailing_id):
            continue
        edge = place.phone if place is not None and each.id == place.mailing_id else None
        parts.append(_some(each.id, reason, edge, limit, is_back=is_back).subquery())
        # Of the first, part may lie on the other side of the edge.
        expected += 0 if edge is not None else each.count(reason)
        if expected >= limit:
            break
    if not parts:
        return []
    together = union_all(*(select(part.c.id, part.c.mailing_id, part.c.phone) for part in parts)).subquery()
    order = (
        (together.c.mailing_id, together.c.phone.desc())
        if is_back
        else (together.c.mailing_id.desc(), together.c.phone)
    )
    return db.session.scalars(select(together.c.id).order_by(*order).limit(limit)).all()


def _some(
    mailing_id: int, reason: str, edge: str | None, limit: int, *, is_back: bool
) -> Select[*tuple[Any, ...]]:
    query = select(Message.id, Message.mailing_id, Message.phone).where(*conditions(mailing_id, reason))
    if edge is not None:
        query = query.where(Message.phone < edge if is_back else Message.phone > edge)
    return query.order_by(Message.phone.desc() if is_back else Message.phone).limit(limit)


def conditions(mailing_id: int, reason: str = "") -> list[Any]:
    """Of the messages of one mailing whose outcome is unknown."""
    found = [Message.mailing_id == mailing_id, Message.unsent == Status.UNKNOWN.value]
    return [*found, Message.reason == reason] if reason else found


def _rows(ids: Sequence[int]) -> list[UnknownRow]:
    query = (
        select(
            Message.id,
            Message.phone,
            Message.timezone,
            Message.mailing_id,
            Mailing.title,
            Message.reason,
            Message.tries,
            Message.settled_at,
        )
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(bulk.any_of(Message.id.expression, ids))
        .order_by(Message.mailing_id.desc(), Message.phone)
    )
    last = _last_uncertain_tries(ids)
    return [UnknownRow(*row, last.get(row.id)) for row in db.session.execute(query)]


def _last_uncertain_tries(message_ids: Sequence[int]) -> dict[int, Try]:
    calls = (
        select(Attempt)
        .where(bulk.any_of(Attempt.message_id.expression, message_ids))
        .where(Attempt.verdict == Verdict.UNCERTAIN.value)
        .order_by(Attempt.message_id, Attempt.at, Attempt.id)
    )
    return {row.message_id: Try.of(row) for row in db.session.scalars(calls)}
