"""What may an administrator do with another user, and who keeps the last administrator from being lost?"""

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import models, zones
from ..database import transaction
from ..models import Role
from . import audit, mails, password_changes, sign_ins, user_rules, users
from .audit import Thing
from .errors import Conflict, Forbidden, Invalid, NotFound, Problem
from .permissions import Actor, require_administration
from .user_rules import name_key, tidy
from .users import NewUser, User

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What an administrator says of a user; `may_launch` counts for operators."""

    name: str
    email: str
    role: str
    may_launch: bool
    language: str
    timezone: str


def make(actor: Actor, draft: UserDraft, *, by_mail: bool, opens: bool = True) -> tuple[int, str | None]:
    """A user without a password, and the token of the link by which they set it; None: it goes to them by mail.

    `opens`: whether people sign in by passwords here at all; if not, there is no link and no letter. Raises
    Forbidden and Invalid.
    """
    require_administration(actor)
    role = _role(draft)
    new = NewUser(
        name=draft.name,
        email=draft.email,
        password=secrets.token_urlsafe(32),  # nobody is told it
        role=role,
        language=draft.language,
        timezone=draft.timezone,
        may_launch=draft.may_launch,
    )
    user_id = users.create(new, actor)
    logger.info("user made", extra={"user_id": user_id, "by_id": actor.id})
    if not opens:
        return user_id, None
    if by_mail:
        invite(actor, user_id)
        return user_id, None
    return user_id, password_changes.issue_for(actor, user_id)


def invite(actor: Actor, user_id: int, *, opens: bool = True) -> None:
    """The link to set a password goes to the user by mail. Raises as `password_changes.issue_for`."""
    require_administration(actor)
    with transaction() as session:
        user = held(session, actor, user_id)
        password_changes.require_use(user, opens=opens)
        audit.note(session, actor, "invite", Thing.USER, user_id)
        mails.post(
            session, password_changes.INVITATION, user.email, user_id=user.id, lasts=password_changes.HANDED
        )


def change(actor: Actor, user_id: int, draft: UserDraft) -> User:
    """A right holds from the user's next request on; for another role the user signs in anew, as that role must.

    Raises Forbidden, NotFound, Invalid, and Conflict("last_administrator").
    """
    require_administration(actor)
    role, name, email = _role(draft), tidy(draft.name), tidy(draft.email).lower()
    problems = [
        user_rules.problem_with_name(name),
        user_rules.problem_with_email(email),
        *user_rules.problems_with_preferences(draft.language, "auto", draft.timezone),
    ]
    if found := [problem for problem in problems if problem]:
        raise Invalid(found)
    with transaction() as session:
        row = held(session, actor, user_id)
        require_free(session, user_id, name, email)
        if role is not Role.ADMINISTRATOR:
            _require_another_administrator(session, row)
        before = _said(row)
        if role is not row.role:
            sign_ins.end_open(session, user_id)
        if row.email != email:
            password_changes.follow_address(session, user_id, email)
        row.name, row.name_key, row.email = name, name_key(name), email
        row.role, row.may_launch = role, draft.may_launch
        row.language, row.timezone = draft.language, zones.normalise(draft.timezone)
        try:
            session.flush()
        except IntegrityError:
            # PostgreSQL: somebody took the name between the question and the answer.
            raise Conflict("name_or_email_taken") from None
        audit.note(session, actor, "change", Thing.USER, user_id, before, _said(row))
        return User.of(row)


def _said(row: models.User) -> dict[str, Any]:
    """What the audit log is told."""
    return audit.columns(row, "name", "email", "role", "may_launch", "language", "timezone")


def require_free(session: Session, user_id: int, name: str, email: str) -> None:
    """Raises Invalid for what another user has."""
    if found := users.taken(session, name, email, but=user_id):
        raise Invalid(found)


def _role(draft: UserDraft) -> Role:
    if draft.role not in tuple(Role):
        raise Invalid([Problem("role", "role_unknown")])
    return Role(draft.role)


def deactivate(actor: Actor, user_id: int) -> None:
    """Nothing lets the user in from the next request on: no session, no token. May be repeated.

    Raises Forbidden, NotFound, and Conflict: last_administrator, user_is_waiting.
    """
    with transaction() as session:
        row = held(session, actor, user_id)
        if row.waiting_since is not None:
            raise Conflict("user_is_waiting")
        _require_another_administrator(session, row)
        if row.is_active:
            audit.note(session, actor, "deactivate", Thing.USER, user_id)
        row.is_active = False
        sign_ins.end_all(session, user_id)
    logger.info("user switched off", extra={"user_id": user_id, "by_id": actor.id})


def activate(actor: Actor, user_id: int) -> None:
    """May be repeated; one who has registered is let in by registration.approve.

    Raises Forbidden, NotFound, and Conflict: user_is_waiting, user_leaving.
    """
    with transaction() as session:
        row = held(session, actor, user_id)
        if row.waiting_since is not None:
            raise Conflict("user_is_waiting")
        if row.handed_to_id is not None:
            raise Conflict("user_leaving")
        if not row.is_active:
            audit.note(session, actor, "activate", Thing.USER, user_id)
        row.is_active = True
    logger.info("user switched on", extra={"user_id": user_id, "by_id": actor.id})


def end_sign_ins(actor: Actor, user_id: int) -> None:
    """Every session, and every sign-in of a program by name and password. Raises Forbidden and NotFound."""
    with transaction() as session:
        held(session, actor, user_id)
        sign_ins.end_all(session, user_id)
        audit.note(session, actor, "end_sign_ins", Thing.USER, user_id)


def held(session: Session, actor: Actor, user_id: int) -> models.User:
    """The user, and all active administrators as they are until the transaction ends.

    So of two who take each other's place away one comes second, and is no administrator any more by then.
    Raises Forbidden and NotFound.
    """
    require_administration(actor)
    administrators = (models.User.role == Role.ADMINISTRATOR) & models.User.is_active
    query = select(models.User).where(or_(administrators, models.User.id == user_id)).order_by(models.User.id)
    rows = {row.id: row for row in session.scalars(query.with_for_update(key_share=True))}
    asking = rows.get(actor.id)
    if asking is None or asking.role is not Role.ADMINISTRATOR or not asking.is_active:
        raise Forbidden
    if user_id not in rows or rows[user_id].deleted_at is not None:
        raise NotFound
    return rows[user_id]


def _require_another_administrator(session: Session, row: models.User) -> None:
    """Within `held`."""
    if row.role is not Role.ADMINISTRATOR or not row.is_active:
        return
    others = (models.User.role == Role.ADMINISTRATOR, models.User.is_active, models.User.id != row.id)
    if session.scalar(select(models.User.id).where(*others).limit(1)) is None:
        raise Conflict("last_administrator")
