"""Which messages of all mailings does a program look for? Mailing by mailing, each by phone."""

from dataclasses import dataclass

from sqlalchemy import select

from ..database import db
from ..models import WAITING, Dimension, Mailing, Tally
from . import message_lists
from .message_lists import MessageRow
from .message_walks import Sought
from .pages import Order
from .permissions import Actor, visible

# So many mailings are asked for one page; a page may have fewer messages than asked for, or none, and still go on.
MAILINGS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: in this mailing or the next in the list's order, with phones that follow `phone`."""

    mailing_id: int
    phone: str = ""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`next` is None where there is nothing more."""

    items: list[MessageRow]
    next: Place | None


def page(actor: Actor, sought: Sought, begins: Place | None, limit: int, order: Order = Order.NEWEST) -> FeedPage:
    """At most `limit` messages, by the age of their mailings. Who is met while others come and go is met once."""
    found: list[MessageRow] = []
    mailing_ids = _mailings(actor, sought, begins, order)
    for mailing_id in mailing_ids:
        is_first = begins is not None and mailing_id == begins.mailing_id
        after = begins.phone if begins is not None and is_first and begins.phone else None
        part = message_lists.page(actor, mailing_id, sought, after=after, limit=limit - len(found))
        found += part.items
        if part.next_after is not None:
            return FeedPage(found, Place(mailing_id, part.next_after))
        if len(found) == limit:
            return FeedPage(found, _behind(mailing_id, order))
    return FeedPage(found, _behind(mailing_ids[-1], order) if len(mailing_ids) == MAILINGS_AT_ONCE else None)


def _behind(mailing_id: int, order: Order) -> Place | None:
    if order is Order.OLDEST:
        return Place(mailing_id + 1)
    return Place(mailing_id - 1) if mailing_id > 1 else None


def _mailings(actor: Actor, sought: Sought, begins: Place | None, order: Order) -> list[int]:
    """Only those whose books know messages of that status; what waits may be either of two there."""
    query = select(Mailing.id).where(visible(Mailing.owner_id, actor), Mailing.started_at.is_not(None))
    if begins is not None:
        is_oldest = order is Order.OLDEST
        query = query.where(Mailing.id >= begins.mailing_id if is_oldest else Mailing.id <= begins.mailing_id)
    if sought.status is not None and sought.status not in WAITING:
        known = select(Tally.change).where(Tally.mailing_id == Mailing.id, Tally.dimension == Dimension.STATUS)
        query = query.where(known.where(Tally.status == sought.status.value, Tally.change != 0).exists())
    ordered = query.order_by(Mailing.id if order is Order.OLDEST else Mailing.id.desc())
    return list(db.session.scalars(ordered.limit(MAILINGS_AT_ONCE)))
