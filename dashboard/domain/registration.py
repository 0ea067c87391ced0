"""May people sign up by themselves, and who lets them in?

A registration tells one thing about others: that this name or this address, it does not say which, is in use. The
edge limits how often it may be asked.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session

from .. import models
from ..database import db, rows_changed, transaction
from ..models import Role
from . import mails, permissions, users
from .errors import Conflict, Invalid, NotFound, Problem
from .pages import COUNTED_AT_MOST
from .permissions import Actor
from .user_rules import name_key
from .users import NewUser, User

# Beyond this nobody looks through them any more, and something else than people may be at work.
MOST_WAITING = 1_000
TAKEN = frozenset({"name_taken", "email_taken"})


class Policy(StrEnum):
    """CLOSED: nobody registers. APPROVAL: an administrator has to agree. OPEN: at once."""

    CLOSED = "closed"
    APPROVAL = "approval"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Registration:
    name: str
    email: str
    password: str
    language: str
    timezone: str


def register(wanted: Registration, policy: Policy) -> User:
    """A new operator, who may have to wait.

    Raises Conflict("registration_closed"), also before there is a first user, whose link would otherwise be worth
    nothing; Conflict("too_many_waiting"); and Invalid.
    """
    if policy is Policy.CLOSED or not users.has_users():
        raise Conflict("registration_closed")
    new = NewUser(
        name=wanted.name,
        email=wanted.email,
        password=wanted.password,
        role=Role.OPERATOR,
        language=wanted.language,
        timezone=wanted.timezone,
    )
    is_waiting = policy is Policy.APPROVAL
    try:
        user_id = users.add(new, _require_room if is_waiting else _permit, is_waiting=is_waiting)
    except Invalid as refusal:
        raise Invalid(_without_names(refusal)) from None
    return _one(models.User.id == user_id)


def _permit(_session: Session) -> None:
    """An open door."""


def _require_room(session: Session) -> None:
    waiting = select(models.User.id).where(models.User.waiting_since.is_not(None)).limit(MOST_WAITING)
    if session.scalar(select(func.count()).select_from(waiting.subquery())) == MOST_WAITING:
        raise Conflict("too_many_waiting")


def _without_names(refusal: Invalid) -> list[Problem]:
    """That something is in use, not whether it is the name or the address."""
    others = [problem for problem in refusal.problems if problem.code not in TAKEN]
    is_taken = len(others) < len(refusal.problems)
    return [*others, *([Problem("", "name_or_email_taken")] if is_taken else [])]


def listed(actor: Actor, is_waiting: bool | None, after: int, limit: int) -> list[User]:
    """Users by id, from the first one after `after`; `is_waiting` None: all of them. Raises Forbidden."""
    permissions.require_administration(actor)
    query = _that_wait(select(models.User), is_waiting).where(models.User.id > after)
    return [User.of(row) for row in db.session.scalars(query.order_by(models.User.id).limit(limit))]


def counted(actor: Actor, is_waiting: bool | None) -> tuple[int, bool]:
    """How many these are, and whether that is exact. Raises Forbidden."""
    permissions.require_administration(actor)
    bounded = _that_wait(select(models.User.id), is_waiting).limit(COUNTED_AT_MOST + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(bounded)) or 0
    return min(total, COUNTED_AT_MOST), total <= COUNTED_AT_MOST


def _that_wait(query: Select[Any], is_waiting: bool | None) -> Select[Any]:
    since = models.User.waiting_since
    query = query.where(models.User.deleted_at.is_(None))
    if is_waiting is None:
        return query
    return query.where(since.is_not(None) if is_waiting else since.is_(None))


def approve(actor: Actor, user_id: int, *, tells: bool = False) -> User:
    """From now on the user can sign in; `tells`: a letter says so.

    Raises Forbidden, NotFound and Conflict("user_not_waiting").
    """
    permissions.require_administration(actor)
    with transaction() as session:
        user = _approve(models.User.id == user_id)
        if tells:
            mails.post(session, "approved", user.email, user_id=user.id)
    return user


def approve_by_name(name: str) -> User:
    """The same, for whoever runs the installation."""
    return _approve(models.User.name_key == name_key(name))


def _approve(who: ColumnElement[bool]) -> User:
    with transaction() as session:
        waiting = (who, models.User.waiting_since.is_not(None))
        approved = rows_changed(
            session, update(models.User).where(*waiting).values(is_active=True, waiting_since=None)
        )
    user = _one(who)
    if not approved:
        raise Conflict("user_not_waiting")
    return user


def refuse(actor: Actor, user_id: int) -> None:
    """The registration is deleted: name and address are free again.

    Raises Forbidden, NotFound and Conflict("user_not_waiting").
    """
    permissions.require_administration(actor)
    who = models.User.id == user_id
    with transaction() as session:
        refused = rows_changed(session, delete(models.User).where(who, models.User.waiting_since.is_not(None)))
    if not refused:
        _one(who)
        raise Conflict("user_not_waiting")


def waiting() -> list[User]:
    """All who wait, the first first."""
    query = select(models.User).where(models.User.waiting_since.is_not(None)).order_by(models.User.id)
    return [User.of(row) for row in db.session.scalars(query)]


def _one(who: ColumnElement[bool]) -> User:
    row = db.session.scalar(select(models.User).where(who))
    if row is None:
        raise NotFound
    return User.of(row)
