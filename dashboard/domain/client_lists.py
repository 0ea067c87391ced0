"""Which clients does an actor see, page by page? A page's clients come with their tags in two statements."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from ..database import db
from ..models import Client, User
from . import clients
from .client_order import BEGINNING, Ask, Place, Sort
from .client_search import ClientFilter
from .client_walk import Walk
from .clients import ClientView
from .pages import neighbours
from .permissions import Actor, visible
from .tags import MOST_CHOICES

PAGE = 50


@dataclass(frozen=True, slots=True)
class ClientPage:
    """`previous` and `next` are the places to ask the neighbouring pages from; None: none there."""

    items: list[ClientView]
    sort: Sort
    previous: Place | None
    next: Place | None
    total: int
    total_is_exact: bool


def page(
    actor: Actor,
    wanted: ClientFilter,
    ask: Ask = BEGINNING,
    sort: Sort = Sort.NEWEST,
    limit: int = PAGE,
    *,
    is_walk: bool = False,
) -> ClientPage:
    """Who is found by a part of a number is listed by phone, whatever was asked: see client_search.

    A person is shown the beginning again where there is nothing any more; a program that walks through (`is_walk`)
    has come to the end.
    """
    walk = Walk(actor, wanted, Sort.PHONE if wanted.is_part else sort)
    places = walk.places(ask, limit + 1)
    if not places and ask != BEGINNING and not is_walk:
        ask = BEGINNING  # what was beyond it is gone
        places = walk.places(ask, limit + 1)
    has_more, shown = len(places) > limit, places[:limit]
    if ask.before is not None:
        shown.reverse()
    is_ahead, is_behind = neighbours(ask.before is not None, ask.after is not None, has_more)
    total, total_is_exact = walk.total()
    return ClientPage(
        items=clients.views(actor, [place.id for place in shown]),
        sort=walk.sort,
        previous=shown[0] if shown and is_ahead else None,
        next=shown[-1] if shown and is_behind else None,
        total=total,
        total_is_exact=total_is_exact,
    )


def count(actor: Actor, wanted: ClientFilter, through: int) -> int:
    """Exactly how many match, up to this id: it reads them all."""
    return Walk(actor, wanted, Sort.OLDEST).count(None, through)


def ids_after(actor: Actor, wanted: ClientFilter, after: int, through: int, limit: int) -> list[int]:
    """The next ids of all that match, in ascending order: for a walk over a list that changes meanwhile."""
    walk = Walk(actor, wanted, Sort.OLDEST)
    return [place.id for place in walk.places(Ask(after=Place(after)), limit, through)]


def still(actor: Actor, wanted: ClientFilter) -> list[ColumnElement[bool]]:
    """The conditions for a client that is looked at by itself."""
    return Walk(actor, wanted, Sort.PHONE).conditions_of_one()


def codes_of(actor: Actor) -> list[str]:
    """The operator codes of the clients, in order."""
    return _values_of(actor, Client.operator_code)


def zones_of(actor: Actor) -> list[str]:
    """The time zones of the clients, in order."""
    return _values_of(actor, Client.timezone)


def _values_of(actor: Actor, column: InstrumentedAttribute[str]) -> list[str]:
    """Jumps through the index (owner, column) from one value to the next, whatever the number of clients."""

    def following(owner_id: Any, value: Any) -> Any:
        ahead = select(column).where(Client.owner_id == owner_id, column > value, Client.deleted_at.is_(None))
        return ahead.order_by(column).limit(1).scalar_subquery()

    first = select(User.id.label("owner_id"), following(User.id, "").label("value"))
    walk = first.where(visible(User.id, actor)).cte("walk", recursive=True)
    step = select(walk.c.owner_id, following(walk.c.owner_id, walk.c.value))
    walk = walk.union_all(step.where(walk.c.value.is_not(None)))
    values = select(walk.c.value).where(walk.c.value.is_not(None)).distinct()
    return list(db.session.scalars(values.order_by(walk.c.value).limit(MOST_CHOICES)))
