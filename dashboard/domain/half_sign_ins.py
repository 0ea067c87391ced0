"""Whose password was right a moment ago, and who has still to show a second factor?

The browser carries a token, the table its hash together with the password's: whoever changes the password ends
what was begun with the old one. It opens the page that asks for the code and nothing else.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from .. import clock, models
from ..database import db, rows_changed, transaction
from ..models import HalfSignIn
from .token_hashes import token_hash
from .users import User

LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Half:
    user: User
    is_remembered: bool


def begin(user_id: int, remember: bool) -> str:
    """Gives the token, which names its user. Clears away those of this user that have run out."""
    token = f"{user_id}.{secrets.token_urlsafe(32)}"
    with transaction() as session:
        now = clock.database_now(session)
        session.execute(
            delete(HalfSignIn).where(HalfSignIn.user_id == user_id, HalfSignIn.created_at <= now - LASTS)
        )
        session.add(
            HalfSignIn(user_id=user_id, token_hash=_kept_of(token), is_remembered=remember, created_at=now)
        )
    return token


def _kept_of(token: str) -> str:
    user_id = token.partition(".")[0]
    is_number = user_id.isascii() and user_id.isdecimal() and len(user_id) < 10
    wanted = select(models.User.password_hash).where(models.User.id == (int(user_id) if is_number else 0))
    return token_hash(f"{token} {db.session.scalar(wanted)}")


def resume(token: str) -> Half | None:
    """None once it has run out, has been used, its password has been changed, or its user is not active."""
    oldest = clock.database_now(db.session()) - LASTS
    found = db.session.execute(
        select(HalfSignIn.is_remembered, models.User)
        .join(models.User, models.User.id == HalfSignIn.user_id)
        .where(HalfSignIn.token_hash == _kept_of(token), HalfSignIn.created_at > oldest, models.User.is_active)
    ).first()
    return Half(User.of(found[1]), found[0]) if found else None


def use_up(token: str) -> bool:
    """Each is good for one sign-in: of two at once only one is told True."""
    with transaction() as session:
        kept = _kept_of(token)
        return bool(rows_changed(session, delete(HalfSignIn).where(HalfSignIn.token_hash == kept)))
