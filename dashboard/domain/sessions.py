"""Is this browser still signed in, and as whom? A deleted row ends a session wherever its cookie may be."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update

from .. import clock, models
from ..database import db, transaction
from ..models import HalfSignIn, UserSession
from . import audit
from .audit import Thing
from .users import User, token_hash

# Without any request for so long, a session is over.
IDLE = timedelta(hours=12)
IDLE_REMEMBERED = timedelta(days=30)
# `seen_at` may lag behind by so much: a page costs no write most of the time.
TOUCH_EVERY = timedelta(minutes=1)


def begin(user_id: int, remember: bool) -> str:
    """Gives the token; only its hash is kept. Clears away the sessions of this user that have run out."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        now = clock.database_now(session)
        ended = or_(
            UserSession.seen_at <= now - IDLE_REMEMBERED,
            and_(UserSession.is_remembered.is_(False), UserSession.seen_at <= now - IDLE),
        )
        session.execute(delete(UserSession).where(UserSession.user_id == user_id, ended))
        session.add(
            UserSession(
                user_id=user_id,
                token_hash=token_hash(token),
                created_at=now,
                seen_at=now,
                is_remembered=remember,
            )
        )
        session.flush()
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "sign_in", Thing.USER, user_id, after={"remember": remember})
    return token


def resume(token: str, touch: bool) -> User | None:
    """The active user of a session that has not run out, or None.

    `touch` prolongs the session; a page that asks by itself must not. Takes no write lock except for that.
    """
    found = db.session.execute(
        select(UserSession, models.User)
        .join(models.User, models.User.id == UserSession.user_id)
        .where(UserSession.token_hash == token_hash(token), models.User.is_active)
    ).first()
    if found is None:
        return None
    row, user = found[0], User.of(found[1])
    now = clock.database_now(db.session())
    age = now - row.seen_at
    if age >= (IDLE_REMEMBERED if row.is_remembered else IDLE):
        return None
    if touch and age >= TOUCH_EVERY:
        _touch(row.id, now)
    return user


def _touch(session_id: int, now: datetime) -> None:
    with transaction() as session:
        session.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=now))


def end(token: str) -> None:
    """May be repeated."""
    with transaction() as session:
        ended = (
            delete(UserSession).where(UserSession.token_hash == token_hash(token)).returning(UserSession.user_id)
        )
        for user_id in session.scalars(ended).all():
            actor = User.of(session.get_one(models.User, user_id)).actor
            audit.note(session, actor, "sign_out", Thing.USER, user_id)


def end_all(user_id: int, kept: str | None = None) -> None:
    """Every session of this user but the one whose token is `kept`, and every sign-in that waits for a code."""
    with transaction() as session:
        session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))
        ended = [UserSession.user_id == user_id]
        if kept is not None:
            ended.append(UserSession.token_hash != token_hash(kept))
        session.execute(delete(UserSession).where(*ended))
