"""What has a client been sent, over all mailings, and why did the rest not leave?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..database import db
from ..models import Mailing, Message, Status
from . import clients, mailings, message_walks, pages, standing
from .message_walks import Sought
from .pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from .permissions import Actor

PAGE = 50
EVERYTHING = Sought()


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """`send_after`: it waits by itself, and not before. `settled_at`: when the outcome was written, if it was."""

    id: int
    mailing_id: int
    mailing_title: str
    status: Status
    reason: str | None
    tries: int
    created_at: datetime
    send_after: datetime | None
    settled_at: datetime | None


def page(
    actor: Actor,
    client_id: int,
    cursor: Cursor = NEWEST,
    limit: int = PAGE,
    *,
    mailing_id: int | None = None,
    sought: Sought = EVERYTHING,
    is_walk: bool = False,
) -> Page[ClientMessage]:
    """The newest mailings first, or that of one mailing; the cursors are numbers of mailings. Raises NotFound."""
    clients.get(actor, client_id)
    mine = select(Message.mailing_id).where(Message.client_id == client_id, *message_walks.conditions(sought))
    if mailing_id is not None:
        mailings.get(actor, mailing_id)
        mine = mine.where(Message.mailing_id == mailing_id)
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: at.cut(mine, Message.mailing_id.expression, most),
        count=mine.limit(COUNTED_AT_MOST + 1),
        items_of=lambda mailing_ids: _messages(client_id, mailing_ids),
        is_walk=is_walk,
    )


def _messages(client_id: int, mailing_ids: Sequence[int]) -> list[ClientMessage]:
    query = (
        select(
            Message.id,
            Message.mailing_id,
            Mailing.title,
            standing.status(),
            Message.reason,
            Message.tries,
            Message.created_at,
            Message.send_after,
            Message.settled_at,
        )
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Message.client_id == client_id, Message.mailing_id.in_(mailing_ids))
        .order_by(Message.mailing_id.desc())
    )
    return [ClientMessage(*values) for values in db.session.execute(query)]
