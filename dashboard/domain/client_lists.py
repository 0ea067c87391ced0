"""Which clients does an actor see, page by page, and by what can they be found?

Made for a million clients: pages go by id (no OFFSET), counting stops at a bound, and a page's clients come
with their tags in two statements.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from .. import phone as phones
from ..database import db
from ..models import Client, Mailing, Message, Status, StopListEntry, Tag, User, client_tags
from . import pages
from .pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from .permissions import Actor, may_see_all, visible
from .tags import MOST_CHOICES

PAGE = 50
# A beginning of so many digits is shared by at most 10,000 numbers: few enough to take them all and sort.
SELECTIVE_PREFIX = 7
MESSAGES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Empty: no condition. `q` is a number in any notation, or some digits of one."""

    q: str = ""
    tag: str = ""
    code: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class ClientRow:
    id: int
    phone: str
    operator_code: str
    timezone: str
    tags: tuple[str, ...]
    attributes: Mapping[str, str]
    # Told to those who see everybody's clients.
    owner_name: str | None
    is_stop_listed: bool
    created_at: datetime


def page(
    actor: Actor,
    wanted: ClientFilter,
    cursor: Cursor = NEWEST,
    limit: int = PAGE,
) -> Page[ClientRow]:
    conditions = _conditions(actor, wanted)
    tag_ids = _tag_ids(actor, wanted.tag) if wanted.tag else None
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: _ids(conditions, tag_ids, at, most),
        count=_ids(conditions, tag_ids, None, COUNTED_AT_MOST + 1),
        items_of=lambda ids: _rows(actor, ids),
    )


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


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """`settled_at` is when the outcome was written, where there is one."""

    id: int
    mailing_id: int
    mailing_title: str
    status: Status
    reason: str | None
    created_at: datetime
    settled_at: datetime | None


def messages_of(actor: Actor, client_id: int, limit: int = MESSAGES_SHOWN) -> list[ClientMessage]:
    """The newest mailings' messages to this client, as far as the actor may see the client."""
    query = (
        select(
            Message.id,
            Message.mailing_id,
            Mailing.title,
            Message.status,
            Message.reason,
            Message.created_at,
            Message.settled_at,
        )
        .join(Mailing, Mailing.id == Message.mailing_id)
        .join(Client, Client.id == Message.client_id)
        .where(Message.client_id == client_id, visible(Client.owner_id, actor))
        .order_by(Message.mailing_id.desc())
        .limit(limit)
    )
    return [ClientMessage(*values) for values in db.session.execute(query)]


def _conditions(actor: Actor, wanted: ClientFilter) -> list[ColumnElement[bool]]:
    conditions = [visible(Client.owner_id, actor), Client.deleted_at.is_(None)]
    if wanted.q.strip(" +"):
        conditions.append(_phone_condition(wanted.q.strip(" +")))
    if wanted.code:
        conditions.append(Client.operator_code == wanted.code)
    if wanted.timezone:
        conditions.append(Client.timezone == wanted.timezone)
    return conditions


def _phone_condition(q: str) -> ColumnElement[bool]:
    try:
        return Client.phone == phones.normalise(q)
    except phones.PhoneError:
        digits = phones.SEPARATORS.sub("", q)
    if not re.fullmatch(r"[0-9]{1,11}", digits):
        return false()
    beginning = "7" + digits[1:] if digits[0] in "78" else ""
    if len(beginning) >= SELECTIVE_PREFIX:
        # A range, because not every collation lets LIKE use an index.
        return and_(Client.phone >= beginning, Client.phone < str(int(beginning) + 1))
    if not beginning:
        return Client.phone.contains(digits)
    return or_(Client.phone.startswith(beginning), Client.phone.contains(digits))


def _tag_ids(actor: Actor, name: str) -> Sequence[int]:
    """One for each owner who has such a tag."""
    return db.session.scalars(select(Tag.id).where(Tag.name == name, visible(Tag.owner_id, actor))).all()


def _ids(
    conditions: Sequence[ColumnElement[bool]], tag_ids: Sequence[int] | None, cursor: Cursor | None, limit: int
) -> Select[Any]:
    """The ids of one page; without a cursor those of any clients, for counting."""

    def cut(query: Select[Any], column: ColumnElement[int]) -> Select[Any]:
        return cursor.cut(query, column, limit) if cursor else query.limit(limit)

    if tag_ids is None:
        return cut(select(Client.id).where(*conditions), Client.id.expression)
    # Each tag's clients stand in the order of their ids in the table's key, so a page of a tag that a million
    # bear costs a page; one condition for all tags would have to sort them.
    parts = [cut(_bearers(tag_id, conditions), client_tags.c.client_id).subquery() for tag_id in tag_ids or [0]]
    together = union_all(*(select(part.c.client_id) for part in parts)).subquery()
    return cut(select(together.c.client_id), together.c.client_id)


def _bearers(tag_id: int, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(client_tags.c.client_id)
        .join(Client, Client.id == client_tags.c.client_id)
        .where(client_tags.c.tag_id == tag_id, *conditions)
    )


def _rows(actor: Actor, ids: Sequence[int]) -> list[ClientRow]:
    query = (
        select(Client, User.name, StopListEntry.phone)
        .join(User, User.id == Client.owner_id)
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .where(Client.id.in_(ids))
        .order_by(Client.id.desc())
        .options(selectinload(Client.tags))
    )
    return [
        ClientRow(
            id=client.id,
            phone=client.phone,
            operator_code=client.operator_code,
            timezone=client.timezone,
            tags=tuple(tag.name for tag in client.tags),
            attributes=client.attributes,
            owner_name=owner_name if may_see_all(actor) else None,
            is_stop_listed=listed is not None,
            created_at=client.created_at,
        )
        for client, owner_name, listed in db.session.execute(query)
    ]
