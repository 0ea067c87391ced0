"""Which tokens have all people together made for programs? For those who look after the installation."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ..database import db
from ..models import ApiToken, User
from . import pages
from .api_tokens import TokenView
from .pages import COUNTED_AT_MOST, NEWEST, Cursor, Page
from .permissions import Actor, require_administration

PAGE = 50


@dataclass(frozen=True, slots=True)
class OwnedToken:
    token: TokenView
    owner_name: str


def page(actor: Actor, cursor: Cursor = NEWEST, limit: int = PAGE) -> Page[OwnedToken]:
    """The newest first. Raises Forbidden for all but administrators."""
    require_administration(actor)
    every = select(ApiToken.id)
    return pages.turn_to(
        cursor,
        limit,
        ids_at=lambda at, most: at.cut(every, ApiToken.id.expression, most),
        count=every.limit(COUNTED_AT_MOST + 1),
        items_of=_owned,
    )


def _owned(ids: Sequence[int]) -> list[OwnedToken]:
    query = (
        select(ApiToken, User.name)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.id.in_(ids))
        .order_by(ApiToken.id.desc())
    )
    return [OwnedToken(TokenView.of(row), name) for row, name in db.session.execute(query)]
