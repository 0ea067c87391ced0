"""May this program act for that user? Tokens that people make for programs: named, limited, and taken back."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import delete, insert, or_, select, update

from .. import clock, models
from ..database import db, transaction
from ..models import ApiToken, Scope
from . import audit, users
from .audit import Thing
from .errors import Invalid, NotFound, Problem
from .permissions import Actor, may_administer
from .token_hashes import token_hash
from .user_rules import LONGEST_NAME, tidy
from .users import User

# So that it is known for what it is where it should not be, in a log or a repository.
PREFIX = "vst_"
BEGINNING = 8
MOST_OF_A_USER = 50
# `used_at` may lag behind by so much: a request costs no write most of the time.
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenView:
    id: int
    user_id: int
    name: str
    beginning: str
    scopes: frozenset[Scope]
    created_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, row: ApiToken) -> Self:
        return cls(
            id=row.id,
            user_id=row.user_id,
            name=row.name,
            beginning=row.beginning,
            scopes=frozenset(map(Scope, row.scopes)),
            created_at=row.created_at,
            used_at=row.used_at,
        )


def listed(actor: Actor, user_id: int | None = None) -> list[TokenView]:
    """The actor's own, or a user's for an administrator; newest first. Raises NotFound."""
    whose = _whose(actor, user_id)
    query = select(ApiToken).where(ApiToken.user_id == whose).order_by(ApiToken.id.desc())
    return [TokenView.of(row) for row in db.session.scalars(query)]


def make(actor: Actor, name: str, scopes: Iterable[str], user_id: int | None = None) -> tuple[TokenView, str]:
    """A token of the actor's own, and its text, which nobody sees again; an administrator makes anybody's.

    `user_id`: whose, and so what it may do at most; they have to be active. Raises NotFound and Invalid.
    """
    whose = _whose(actor, user_id)
    if whose != actor.id and users.active(whose) is None:
        raise NotFound
    name, wanted = tidy(name), list(dict.fromkeys(scopes))
    _check(actor, whose, name, wanted)
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        row = session.scalars(
            insert(ApiToken)
            .values(
                user_id=whose,
                name=name,
                token_hash=token_hash(text),
                beginning=text[:BEGINNING],
                scopes=wanted,
                created_at=clock.database_now(session),
            )
            .returning(ApiToken)
        ).one()
        said = {"user_id": whose, "name": name, "beginning": text[:BEGINNING], "scopes": wanted}
        audit.note(session, actor, "make", Thing.API_TOKEN, row.id, after=said)
        return TokenView.of(row), text


def revoke(actor: Actor, token_id: int) -> None:
    """One's own; an administrator anybody's. Ends at the next request. Raises NotFound."""
    theirs = [] if may_administer(actor) else [ApiToken.user_id == actor.id]
    with transaction() as session:
        gone = delete(ApiToken).where(ApiToken.id == token_id, *theirs)
        row = session.execute(gone.returning(ApiToken.user_id, ApiToken.name, ApiToken.beginning)).one_or_none()
        if row is None:
            raise NotFound
        before = audit.columns(row, "user_id", "name", "beginning")
        audit.note(session, actor, "revoke", Thing.API_TOKEN, token_id, before)


def resume(text: str) -> tuple[User, TokenView] | None:
    """Whose token this is, and which; None for one that is not known or whose user is not active."""
    found = db.session.execute(
        select(ApiToken, models.User)
        .join(models.User, models.User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == token_hash(text), models.User.is_active)
    ).first()
    if found is None:
        return None
    token, user = TokenView.of(found[0]), User.of(found[1])
    now = clock.database_now(db.session())
    if token.used_at is None or now - token.used_at >= TOUCH_EVERY:
        _touch(token.id, now)
    return user, token


def _touch(token_id: int, now: datetime) -> None:
    """Once a minute, whoever of many requests at once is the first."""
    is_old = or_(ApiToken.used_at.is_(None), ApiToken.used_at <= now - TOUCH_EVERY)
    with transaction() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id, is_old).values(used_at=now))


def _whose(actor: Actor, user_id: int | None) -> int:
    if user_id is None or user_id == actor.id:
        return actor.id
    if not may_administer(actor) or db.session.get(models.User, user_id) is None:
        raise NotFound
    return user_id


def _check(actor: Actor, whose: int, name: str, scopes: list[str]) -> None:
    problems = []
    if not name:
        problems.append(Problem("name", "token_name_missing"))
    elif len(name) > LONGEST_NAME:
        problems.append(Problem("name", "name_too_long", {"longest": LONGEST_NAME}))
    if not scopes:
        problems.append(Problem("scopes", "scope_missing"))
    elif unknown := [scope for scope in scopes if scope not in tuple(Scope)]:
        problems.append(Problem("scopes", "scope_unknown", {"scope": unknown[0][:64]}))
    if not problems and len(listed(actor, whose)) >= MOST_OF_A_USER:
        problems.append(Problem("name", "too_many_tokens", {"limit": MOST_OF_A_USER}))
    if problems:
        raise Invalid(problems)
