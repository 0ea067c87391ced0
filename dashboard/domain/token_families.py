"""Is a program that has signed in by name and password still in? One row for each sign-in.

The tokens themselves are the API's (signed, and carrying family and serial); here stands whether they still count.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update

from .. import clock, models
from ..database import db, rows_changed, transaction
from ..models import TokenFamily
from . import audit
from .audit import Thing
from .users import User

LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a refresh token has to carry."""

    family_id: int
    serial: int
    user_id: int


def begin(user_id: int) -> Ticket:
    """A new family. Clears away those of this user that have run out."""
    with transaction() as session:
        now = clock.database_now(session)
        session.execute(delete(TokenFamily).where(TokenFamily.user_id == user_id, TokenFamily.expires_at <= now))
        session.execute(update(models.User).where(models.User.id == user_id).values(signed_in_at=now))
        values = {"user_id": user_id, "serial": 1, "created_at": now, "expires_at": now + LIFETIME}
        family_id = session.scalars(insert(TokenFamily).values(values).returning(TokenFamily.id)).one()
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "sign_in", Thing.USER, user_id)
    return Ticket(family_id, 1, user_id)


def rotate(family_id: int, serial: int) -> Ticket | None:
    """The next ticket for one that counts; it prolongs the family.

    None for any other. One that has been used before was copied by somebody: its family ends with it, for both.
    """
    user = member(family_id)
    if user is None:
        return None
    with transaction() as session:
        now = clock.database_now(session)
        is_next = rows_changed(
            session,
            update(TokenFamily)
            .where(TokenFamily.id == family_id, TokenFamily.serial == serial)
            .values(serial=serial + 1, expires_at=now + LIFETIME),
        )
        if not is_next:
            session.execute(delete(TokenFamily).where(TokenFamily.id == family_id))
            after = {"reason": "refresh_token_used_twice"}
            audit.note(session, None, "sign_out", Thing.USER, user.id, after=after)
    return Ticket(family_id, serial + 1, user.id) if is_next else None


def is_next(family_id: int, serial: int) -> bool:
    """Would `rotate` take it?"""
    kept = select(TokenFamily.serial).where(TokenFamily.id == family_id)
    return db.session.scalar(kept) == serial and member(family_id) is not None


def member(family_id: int) -> User | None:
    """The active user of a family that has not ended."""
    row = db.session.scalar(
        select(models.User)
        .join(TokenFamily, TokenFamily.user_id == models.User.id)
        .where(
            TokenFamily.id == family_id,
            TokenFamily.expires_at > clock.database_now(db.session()),
            models.User.is_active,
        )
    )
    return User.of(row) if row else None


def open_count(user_id: int) -> int:
    """How many sign-ins of programs by this user's name and password count now."""
    not_over = (TokenFamily.user_id == user_id, TokenFamily.expires_at > clock.database_now(db.session()))
    return db.session.scalar(select(func.count()).select_from(TokenFamily).where(*not_over)) or 0


def end(family_id: int) -> None:
    """Every token of it is worth nothing from now on. May be repeated."""
    with transaction() as session:
        ended = delete(TokenFamily).where(TokenFamily.id == family_id).returning(TokenFamily.user_id)
        for user_id in session.scalars(ended).all():
            actor = User.of(session.get_one(models.User, user_id)).actor
            audit.note(session, actor, "sign_out", Thing.USER, user_id)
