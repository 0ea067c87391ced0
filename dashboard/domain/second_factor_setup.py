"""How does somebody come by a second factor? A secret for the authenticator, its first code, recovery codes."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import transaction
from ..models import RecoveryCode, SecondFactor
from . import audit, one_time_codes, sign_ins
from .audit import Thing
from .errors import Conflict, Invalid, NotFound, Problem
from .sealing import Seal, Unreadable
from .second_factor import kept_for
from .users import User

logger = logging.getLogger(__name__)

# How long somebody who sets one up may take.
OFFER_LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret that may become somebody's; `sealed` is what a form sends back of it. Nothing of it is kept."""

    secret: str
    address: str
    sealed: str


def offer(user: User, seal: Seal) -> Offer:
    """A new secret. Nobody else can see or use it, and it is good for half an hour."""
    secret = one_time_codes.new_secret()
    return _offer(user, secret, seal.close(_offered_to(user.id), secret))


def offered(user: User, sealed: str, seal: Seal) -> Offer:
    """The same once more, for a form that comes back. Raises Conflict("second_factor_offer_over")."""
    return _offer(user, _secret_offered(user.id, sealed, seal), sealed)


def _offer(user: User, secret: str, sealed: str) -> Offer:
    return Offer(secret, one_time_codes.address(secret, user.name), sealed)


def _offered_to(user_id: int) -> str:
    return f"second factor offered to {user_id}"


def _secret_offered(user_id: int, sealed: str, seal: Seal) -> str:
    try:
        return seal.open(_offered_to(user_id), sealed, OFFER_LASTS)
    except Unreadable:
        raise Conflict("second_factor_offer_over") from None


def confirm(user_id: int, sealed: str, code: str, seal: Seal, kept_session: str | None = None) -> list[str]:
    """From now on it is asked for; gives the recovery codes, which are seen this once.

    Every session of this user ends but `kept_session` (its token), every sign-in of a program, and every one that
    is under way: none of them has shown a second factor. Raises Conflict("second_factor_exists",
    "second_factor_offer_over"), and Invalid where the code is wrong.
    """
    secret = _secret_offered(user_id, sealed, seal)
    with transaction() as session:
        now = clock.database_now(session)
        # The user's row decides between two at once.
        session.execute(select(models.User.id).where(models.User.id == user_id).with_for_update())
        if session.get(SecondFactor, user_id) is not None:
            raise Conflict("second_factor_exists")
        step = one_time_codes.matching_step(secret, code, now)
        if step is None:
            raise Invalid([Problem("code", "code_wrong")])
        row = SecondFactor(
            user_id=user_id, sealed_secret=seal.close(kept_for(user_id), secret), confirmed_at=now, last_step=step
        )
        session.add(row)
        codes = _write_codes(session, user_id)
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "set_up_second_factor", Thing.USER, user_id)
        sign_ins.end_open(session, user_id, kept_session)
    logger.info("second factor switched on", extra={"user_id": user_id})
    return codes


def _write_codes(session: Session, user_id: int) -> list[str]:
    """In the place of all earlier ones."""
    codes = one_time_codes.new_recovery_codes()
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=one_time_codes.recovery_hash(code)) for code in codes)
    return codes


def renew_codes(user_id: int) -> list[str]:
    """New recovery codes; the old ones are worth nothing. Raises NotFound."""
    with transaction() as session:
        if session.get(SecondFactor, user_id) is None:
            raise NotFound
        codes = _write_codes(session, user_id)
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "renew_recovery_codes", Thing.USER, user_id)
    logger.info("recovery codes made anew", extra={"user_id": user_id})
    return codes
