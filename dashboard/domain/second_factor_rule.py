"""Who must have a second factor? An administrator decides, for all at once."""

import logging
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, true, update

from .. import models
from ..database import db, transaction
from ..models import Requirement, Role, SecondFactor, Service, TokenFamily, UserSession
from . import audit
from .audit import Thing
from .errors import Conflict
from .permissions import Actor, require_administration

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds, and of the active users how many have a second factor already."""

    required: Requirement
    users: int
    users_with: int
    administrators: int
    administrators_with: int


def is_demanded_of(role: Role, required: Requirement) -> bool:
    if required is Requirement.ADMINISTRATORS:
        return role is Role.ADMINISTRATOR
    return required is Requirement.EVERYBODY


def is_required_of(role: Role) -> bool:
    """By the rule that holds now."""
    return is_demanded_of(role, db.session.get_one(Service, 1).second_factor_required)


def current(actor: Actor) -> Rule:
    """Raises Forbidden."""
    require_administration(actor)
    is_chief = models.User.role == Role.ADMINISTRATOR
    counts = select(
        func.count(),
        func.count(SecondFactor.user_id),
        func.count().filter(is_chief),
        func.count(SecondFactor.user_id).filter(is_chief),
    )
    who = counts.select_from(models.User).outerjoin(SecondFactor, SecondFactor.user_id == models.User.id)
    users, users_with, chiefs, chiefs_with = db.session.execute(who.where(models.User.is_active)).one()
    required = db.session.get_one(Service, 1).second_factor_required
    return Rule(required, users, users_with, chiefs, chiefs_with)


def change(actor: Actor, required: Requirement) -> None:
    """Whoever must have one from now on and has none is signed out, programs with their
    password too, and sets one up when they sign in again.

    Raises Forbidden, and Conflict("second_factor_first") for an administrator who has none: they would shut
    themselves out, and should know what they ask of others.
    """
    require_administration(actor)
    with transaction() as session:
        if required is not Requirement.OFF and session.get(SecondFactor, actor.id) is None:
            raise Conflict("second_factor_first")
        before = {"required": session.get_one(Service, 1).second_factor_required}
        session.execute(update(Service).where(Service.id == 1).values(second_factor_required=required))
        audit.note(session, actor, "require_second_factor", Thing.SERVICE, None, before, {"required": required})
        if required is not Requirement.OFF:
            lacking = select(models.User.id).where(
                _is_meant(required), models.User.id.not_in(select(SecondFactor.user_id))
            )
            session.execute(delete(UserSession).where(UserSession.user_id.in_(lacking)))
            session.execute(delete(TokenFamily).where(TokenFamily.user_id.in_(lacking)))
    logger.warning("second factor required of: %s", required.value, extra={"user_id": actor.id})


def _is_meant(required: Requirement) -> ColumnElement[bool]:
    return models.User.role == Role.ADMINISTRATOR if required is Requirement.ADMINISTRATORS else true()
