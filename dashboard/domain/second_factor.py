"""Is it really them, beside the password? Codes of an authenticator, each once, and recovery codes for its loss.

What can be guessed is braked in the row itself, so that it holds for all processes and without Redis: after five
wrong codes in a row the next is not looked at for a minute, then for two, and so on up to an hour. A recovery
code, which nobody can guess, is looked at all the same: who knows the password cannot keep its owner out.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import db, rows_changed, transaction
from ..models import RecoveryCode, Requirement, SecondFactor, Service
from . import audit, one_time_codes, permissions, sign_ins
from .audit import Thing
from .errors import Conflict, NotFound, Problem
from .permissions import Actor
from .sealing import Seal, Unreadable
from .second_factor_rule import is_demanded_of, is_required_of
from .user_rules import name_key
from .users import User

logger = logging.getLogger(__name__)

WRONG_IN_A_ROW = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


class Demand(StrEnum):
    """What is still asked of somebody whose password was right. SET_UP: they must have one and have none."""

    NOTHING = "nothing"
    CODE = "code"
    SET_UP = "set_up"


class Verdict(StrEnum):
    """BLOCKED: not looked at, after too many wrong ones. UNREADABLE: the secret key has changed since."""

    RIGHT = "right"
    WRONG = "wrong"
    BLOCKED = "blocked"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Check:
    """`wrong_before`: so many wrong codes came before this right one. `wait_seconds` goes with BLOCKED."""

    verdict: Verdict
    wrong_before: int = 0
    wait_seconds: int = 0

    @property
    def is_right(self) -> bool:
        return self.verdict is Verdict.RIGHT

    def problem(self) -> Problem:
        """Of any that is not right."""
        if self.verdict is Verdict.BLOCKED:
            return Problem("code", "codes_blocked", {"minutes": ceil(self.wait_seconds / 60)})
        if self.verdict is Verdict.UNREADABLE:
            return Problem("code", "second_factor_unreadable")
        return Problem("code", "code_wrong")


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a user who has a second factor."""

    confirmed_at: datetime
    codes_left: int


def demand(user: User) -> Demand:
    has_one, required = db.session.execute(
        select(
            select(SecondFactor.user_id).where(SecondFactor.user_id == user.id).exists(),
            select(Service.second_factor_required).where(Service.id == 1).scalar_subquery(),
        )
    ).one()
    if has_one:
        return Demand.CODE
    return Demand.SET_UP if is_demanded_of(user.role, required or Requirement.OFF) else Demand.NOTHING


def standing(user_id: int) -> Standing | None:
    """None: the user has no second factor."""
    row = db.session.get(SecondFactor, user_id)
    if row is None:
        return None
    left = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return Standing(row.confirmed_at, db.session.scalar(left) or 0)


def check(user_id: int, typed: str, seal: Seal) -> Check:
    """Is this the code of now, or a recovery code? Either is used up by it. Raises NotFound where there is none.

    The row is locked meanwhile: of two who send the same code at once one is too late.
    """
    with transaction() as session:
        row = session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update())
        if row is None:
            raise NotFound
        now = clock.database_now(session)
        found = _judge(session, row, typed, now, seal)
        if found.verdict is Verdict.RIGHT:
            row.wrong_codes, row.blocked_until = 0, None
        elif found.verdict is Verdict.WRONG:
            after = {"reason": "wrong_code"}
            audit.note(session, None, "sign_in_refused", Thing.USER, user_id, after=after)
            row.wrong_codes += 1
            row.blocked_until = _pause_after(row.wrong_codes, now)
    if not found.is_right:
        logger.warning("second factor: %s", found.verdict.value, extra={"user_id": user_id})
    return found


def _judge(session: Session, row: SecondFactor, typed: str, now: datetime, seal: Seal) -> Check:
    is_code = one_time_codes.looks_like_code(typed)
    if not is_code and _use_recovery_code(session, row.user_id, typed):
        return Check(Verdict.RIGHT, row.wrong_codes)
    if row.blocked_until is not None and row.blocked_until > now:
        return Check(Verdict.BLOCKED, wait_seconds=ceil((row.blocked_until - now).total_seconds()))
    if not is_code:
        return Check(Verdict.WRONG)
    try:
        secret = seal.open(kept_for(row.user_id), row.sealed_secret)
    except Unreadable:
        return Check(Verdict.UNREADABLE)
    step = one_time_codes.matching_step(secret, typed, now, after=row.last_step)
    if step is None:
        return Check(Verdict.WRONG)
    row.last_step = step
    return Check(Verdict.RIGHT, row.wrong_codes)


def kept_for(user_id: int) -> str:
    """What the seal is for: a secret that is copied into another user's row opens nothing."""
    return f"second factor of {user_id}"


def _use_recovery_code(session: Session, user_id: int, typed: str) -> bool:
    is_it = (RecoveryCode.user_id == user_id, RecoveryCode.code_hash == one_time_codes.recovery_hash(typed))
    return bool(rows_changed(session, delete(RecoveryCode).where(*is_it)))


def _pause_after(wrong: int, now: datetime) -> datetime | None:
    if wrong < WRONG_IN_A_ROW:
        return None
    doublings = min(wrong - WRONG_IN_A_ROW, 10)
    return now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def switch_off(user: User, kept_session: str | None = None) -> None:
    """The user's own; every other session of theirs ends. Raises Conflict("second_factor_required")."""
    if is_required_of(user.role):
        raise Conflict("second_factor_required")
    _remove(user.actor, user.id, kept_session)
    logger.info("second factor switched off", extra={"user_id": user.id})


def reset(actor: Actor, user_id: int) -> None:
    """Somebody else's, who has lost it: their password is enough again, and they sign in anew.

    One's own asks for a code (`switch_off`). Raises Forbidden, NotFound and Conflict("second_factor_own",
    "second_factor_missing").
    """
    permissions.require_administration(actor)
    if user_id == actor.id:
        raise Conflict("second_factor_own")
    if db.session.get(models.User, user_id) is None:
        raise NotFound
    _reset(actor, user_id)
    logger.warning("second factor reset", extra={"user_id": user_id, "by": actor.id})


def reset_by_name(name: str) -> User:
    """The same, for whoever runs the installation."""
    row = db.session.scalar(select(models.User).where(models.User.name_key == name_key(name)))
    if row is None:
        raise NotFound
    _reset(None, row.id)
    return User.of(row)


def _reset(actor: Actor | None, user_id: int) -> None:
    if not _remove(actor, user_id):
        raise Conflict("second_factor_missing")


def _remove(actor: Actor | None, user_id: int, kept_session: str | None = None) -> bool:
    with transaction() as session:
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        removed = rows_changed(session, delete(SecondFactor).where(SecondFactor.user_id == user_id))
        if removed:
            audit.note(session, actor, "remove_second_factor", Thing.USER, user_id)
        sign_ins.end_open(session, user_id, kept_session)
    return bool(removed)
