"""Who may do it, and to whose objects?"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import InstrumentedAttribute

from ..models import Role
from .errors import Forbidden


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user, as the domain sees one."""

    id: int
    role: Role
    # Of an operator; administrators may whatever stands here.
    may_launch: bool = False


def may_see_all(actor: Actor) -> bool:
    """Administrators see everybody's clients and mailings; viewers, who can change nothing, too."""
    return actor.role in (Role.ADMINISTRATOR, Role.VIEWER)


def may_change(actor: Actor) -> bool:
    return actor.role is not Role.VIEWER


def may_launch(actor: Actor) -> bool:
    """Let messages leave: launch, resume, send again, add one, try out. Who may change anything may stop them."""
    return actor.role is Role.ADMINISTRATOR or (actor.role is Role.OPERATOR and actor.may_launch)


def may_administer(actor: Actor) -> bool:
    return actor.role is Role.ADMINISTRATOR


def visible(owner_id: InstrumentedAttribute[int], actor: Actor) -> ColumnElement[bool]:
    """The condition that leaves of a table what this actor may see."""
    return true() if may_see_all(actor) else owner_id == actor.id


def require_change(actor: Actor) -> None:
    """Raises Forbidden for those who only look on."""
    if not may_change(actor):
        raise Forbidden


def require_launching(actor: Actor) -> None:
    """Raises Forbidden, with a code for those who lack nothing but this right."""
    require_change(actor)
    if not may_launch(actor):
        raise Forbidden("launch_not_allowed")


def require_administration(actor: Actor) -> None:
    """Raises Forbidden for all but administrators."""
    if not may_administer(actor):
        raise Forbidden
