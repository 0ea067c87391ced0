"""Which mailings does an actor see, page by page, and how do they stand?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select

from ..database import db
from ..models import Mailing, PauseReason, State, User
from . import statistics
from .pages import COUNTED_AT_MOST, NEWEST, Cursor, Page, turn_to
from .permissions import Actor, may_see_all, visible
from .statistics import Counts

Item = TypeVar("Item")

PAGE = 30
# In the order in which they concern an operator.
STATES = (State.RUNNING, State.PAUSED, State.SCHEDULED, State.DRAFT, State.FINISHED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class MailingRow:
    """`total` is None before the start; `owner_name` where the actor sees others' mailings, too."""

    id: int
    title: str
    state: State
    starts_at: datetime
    ends_at: datetime
    starts_wall: datetime | None
    ends_wall: datetime | None
    finished_at: datetime | None
    pause_reason: PauseReason | None
    awaits_approval: bool
    owner_name: str | None
    counts: Counts
    total: int | None


def page(
    actor: Actor,
    state: State | None = None,
    cursor: Cursor = NEWEST,
    limit: int = PAGE,
    *,
    q: str = "",
    is_walk: bool = False,
) -> Page[MailingRow]:
    """Those in this state, or in any; with these words in the title, whether written large or small."""
    return _turn_to(actor, state, cursor, limit, q, lambda ids: _rows(actor, ids), is_walk)


def walk(actor: Actor, state: State | None, cursor: Cursor, limit: int, q: str) -> Page[Mailing]:
    """The same, each as it stands in its row, without its numbers."""
    return _turn_to(actor, state, cursor, limit, q, _mailings, is_walk=True)


def _turn_to(
    actor: Actor,
    state: State | None,
    cursor: Cursor,
    limit: int,
    q: str,
    items_of: Callable[[Sequence[int]], list[Item]],
    is_walk: bool,
) -> Page[Item]:
    conditions = [visible(Mailing.owner_id, actor)]
    if state is not None:
        conditions.append(Mailing.state == state)
    if q:
        conditions.append(_title_contains(q))

    def ids_at(place: Cursor, count: int) -> Select[Any]:
        return place.cut(select(Mailing.id).where(*conditions), Mailing.id.expression, count)

    return turn_to(
        cursor,
        limit,
        ids_at,
        count=select(Mailing.id).where(*conditions).limit(COUNTED_AT_MOST + 1),
        items_of=items_of,
        is_walk=is_walk,
    )


def _title_contains(q: str) -> ColumnElement[bool]:
    """SQLite compares only ASCII without regard to case: other alphabets are asked for in the usual spellings."""
    spellings = dict.fromkeys((q, q.lower(), q.upper(), q.capitalize(), q.title()))
    return or_(*(Mailing.title.icontains(each, autoescape=True) for each in spellings))


def _mailings(ids: Sequence[int]) -> list[Mailing]:
    return list(db.session.scalars(select(Mailing).where(Mailing.id.in_(ids)).order_by(Mailing.id.desc())))


def _rows(actor: Actor, ids: Sequence[int]) -> list[MailingRow]:
    ledgers = statistics.counts_of(ids)
    query = (
        select(Mailing, User.name)
        .join(User, User.id == Mailing.owner_id)
        .where(Mailing.id.in_(ids))
        .order_by(Mailing.id.desc())
    )
    return [
        MailingRow(
            id=mailing.id,
            title=mailing.title,
            state=mailing.state,
            starts_at=mailing.starts_at,
            ends_at=mailing.ends_at,
            starts_wall=mailing.starts_wall,
            ends_wall=mailing.ends_wall,
            pause_reason=mailing.pause_reason,
            awaits_approval=mailing.awaits_approval,
            finished_at=mailing.finished_at,
            owner_name=owner_name if may_see_all(actor) else None,
            counts=ledgers[mailing.id],
            total=None if mailing.started_at is None else sum(ledgers[mailing.id].values()),
        )
        for mailing, owner_name in db.session.execute(query)
    ]


def numbers(actor: Actor) -> dict[State, int]:
    """How many mailings are in each state."""
    grouped = select(Mailing.state, func.count()).where(visible(Mailing.owner_id, actor)).group_by(Mailing.state)
    found = dict(db.session.execute(grouped).all())
    return {state: found.get(state, 0) for state in STATES}
