"""Is this browser still signed in, and as whom? A deleted row ends a session wherever its cookie may be."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update

from .. import clock, models
from ..database import db, rows_changed, transaction
from ..models import UserSession
from . import audit
from .audit import Thing
from .errors import NotFound
from .token_hashes import token_hash
from .users import User

# Without any request for so long, a session is over.
IDLE = timedelta(hours=12)
IDLE_REMEMBERED = timedelta(days=30)
# `seen_at` may lag behind by so much: a page costs no write most of the time.
TOUCH_EVERY = timedelta(minutes=1)
# More than anybody looks through; of the rest one can be rid by ending all.
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class SessionView:
    """`address` and `user_agent`: where from and with what, as the request said it; '' where that is not known."""

    id: int
    created_at: datetime
    seen_at: datetime
    is_remembered: bool
    address: str
    user_agent: str
    is_this: bool


def begin(user_id: int, remember: bool, address: str = "", user_agent: str = "") -> str:
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
                address=_plain(address, 45),
                user_agent=_plain(user_agent, 300),
            )
        )
        session.execute(update(models.User).where(models.User.id == user_id).values(signed_in_at=now))
        session.flush()
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "sign_in", Thing.USER, user_id, after={"remember": remember})
    return token


def _plain(text: str, most: int) -> str:
    """What the request says of itself may be anything."""
    return "".join(each for each in text if each.isprintable())[:most]


def listed(user_id: int, token: str | None = None) -> list[SessionView]:
    """Those that have not run out, the last seen first; `token`: of the one that asks."""
    now, this = clock.database_now(db.session()), token_hash(token or "")
    query = select(UserSession).where(UserSession.user_id == user_id, UserSession.seen_at > now - IDLE_REMEMBERED)
    rows = db.session.scalars(query.order_by(UserSession.seen_at.desc()).limit(MOST_LISTED))
    return [
        SessionView(
            id=row.id,
            created_at=row.created_at,
            seen_at=row.seen_at,
            is_remembered=row.is_remembered,
            address=row.address,
            user_agent=row.user_agent,
            is_this=row.token_hash == this,
        )
        for row in rows
        if row.is_remembered or row.seen_at > now - IDLE
    ]


def end_one(user_id: int, session_id: int) -> None:
    """One of the user's own. Raises NotFound."""
    with transaction() as session:
        own = (UserSession.id == session_id, UserSession.user_id == user_id)
        if not rows_changed(session, delete(UserSession).where(*own)):
            raise NotFound
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "end_session", Thing.USER, user_id)


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
