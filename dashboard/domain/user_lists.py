"""Who works with Vestnik, and what does an administrator know of each?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from .. import models
from ..database import db
from ..models import ApiToken, Client, Import, Mailing, Role, WebhookEndpoint
from . import pages
from .errors import NotFound
from .pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from .permissions import Actor, require_administration
from .user_rules import name_key, tidy
from .users import User

PAGE = 50


class UserState(StrEnum):
    """WAITING: registered, not approved. INACTIVE: switched off. LEAVING: what they own is being handed over."""

    ACTIVE = "active"
    WAITING = "waiting"
    INACTIVE = "inactive"
    LEAVING = "leaving"


_ROW = models.User
_CONDITIONS: dict[UserState, tuple[ColumnElement[bool], ...]] = {
    UserState.ACTIVE: (_ROW.is_active.is_(True),),
    UserState.WAITING: (_ROW.waiting_since.is_not(None), _ROW.handed_to_id.is_(None)),
    UserState.INACTIVE: (_ROW.is_active.is_(False), _ROW.waiting_since.is_(None), _ROW.handed_to_id.is_(None)),
    UserState.LEAVING: (_ROW.handed_to_id.is_not(None),),
}


@dataclass(frozen=True, slots=True)
class UserFilter:
    """`q`: a part of the name or the address, in any case."""

    q: str = ""
    role: Role | None = None
    state: UserState | None = None


@dataclass(frozen=True, slots=True)
class KnownUser:
    """`handed_to`: who gets what a leaving user owns."""

    user: User
    state: UserState
    signed_in_at: datetime | None
    handed_to: str | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """How many; of clients those that are not deleted."""

    clients: int
    mailings: int
    imports: int
    tokens: int
    webhooks: int


def page(actor: Actor, wanted: UserFilter, cursor: Cursor = NEWEST, limit: int = PAGE) -> Page[KnownUser]:
    """The newest first, so that those who wait come before those who are known. Raises Forbidden."""
    require_administration(actor)
    chosen = _chosen(select(_ROW.id), wanted)
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: at.cut(chosen, _ROW.id.expression, most),
        count=chosen.limit(COUNTED_AT_MOST + 1),
        items_of=_known,
    )


def _chosen(query: Select[Any], wanted: UserFilter) -> Select[Any]:
    """Users are few thousands at most, so that a part of a name may be looked for in all of them."""
    query = query.where(_ROW.deleted_at.is_(None))
    if wanted.q:
        key, address = name_key(wanted.q), tidy(wanted.q).lower()
        query = query.where(
            _ROW.name_key.contains(key, autoescape=True) | _ROW.email.contains(address, autoescape=True)
        )
    if wanted.role is not None:
        query = query.where(_ROW.role == wanted.role)
    return query.where(*_CONDITIONS[wanted.state]) if wanted.state is not None else query


def _known(ids: Sequence[int]) -> list[KnownUser]:
    rows = db.session.scalars(select(_ROW).where(_ROW.id.in_(ids)).order_by(_ROW.id.desc()))
    return [KnownUser(User.of(row), state_of(row), row.signed_in_at) for row in rows]


def state_of(row: models.User) -> UserState:
    if row.handed_to_id is not None:
        return UserState.LEAVING
    if row.waiting_since is not None:
        return UserState.WAITING
    return UserState.ACTIVE if row.is_active else UserState.INACTIVE


def get(actor: Actor, user_id: int) -> KnownUser:
    """Raises Forbidden and NotFound."""
    require_administration(actor)
    row = db.session.get(_ROW, user_id)
    if row is None or row.deleted_at is not None:
        raise NotFound
    receiver = select(_ROW.name).where(_ROW.id == row.handed_to_id)
    return KnownUser(User.of(row), state_of(row), row.signed_in_at, db.session.scalar(receiver))


def owned(user_id: int) -> Owned:
    def count(of: Any, *conditions: ColumnElement[bool]) -> Any:
        return select(func.count()).select_from(of).where(*conditions).scalar_subquery()

    living = (Client.owner_id == user_id, Client.deleted_at.is_(None))
    counts = select(
        count(Client, *living),
        count(Mailing, Mailing.owner_id == user_id),
        count(Import, Import.owner_id == user_id),
        count(ApiToken, ApiToken.user_id == user_id),
        count(WebhookEndpoint, WebhookEndpoint.user_id == user_id),
    )
    return Owned(*db.session.execute(counts).one())


def receivers(actor: Actor, leaving_id: int) -> list[tuple[int, str]]:
    """(id, name) of who may be given what a user owns, by name; at most so many as a person looks through."""
    require_administration(actor)
    able = (_ROW.is_active, _ROW.role != Role.VIEWER, _ROW.id != leaving_id)
    query = select(_ROW.id, _ROW.name).where(*able).order_by(_ROW.name_key).limit(500)
    return [(row.id, row.name) for row in db.session.execute(query)]
