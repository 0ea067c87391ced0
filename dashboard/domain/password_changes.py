"""How does a password become another one? By whoever knows it, or by a link that is good once.

Whichever way: every other session of the user ends, every link to set it, and every sign-in of a program by name
and password. Tokens that people have made for programs stay, for nobody signs in with those.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import db, end_reading, transaction
from ..models import Mail, PasswordLink
from . import audit, mails, passwords, permissions, sign_ins
from .audit import Thing
from .errors import Conflict, Invalid, NotFound, Problem
from .permissions import Actor
from .token_hashes import token_hash
from .user_rules import tidy
from .users import User

# Of a link that somebody asks for who has forgotten the password; a mailbox is read by others, too, in time.
MAILED = timedelta(hours=1)
# Of a link that an administrator hands on.
HANDED = timedelta(hours=24)
# The letter with such a link.
INVITATION = "invitation"
# Asked for again and again, only the newest count.
MOST_LINKS = 5


def ask(address: str) -> None:
    """A letter with a link goes to this address, if it is an active user's.

    Nothing here takes longer, or reads anything else, for an address that somebody has: who it is about is
    looked up by whoever writes the letter (`recipient`).
    """
    with transaction() as session:
        # Whose address it is, is not looked up here: that would take longer for those who have one.
        audit.note(session, None, "ask_password_link", Thing.USER)
        mails.post(session, "password_forgotten", tidy(address).lower()[:254], lasts=MAILED)


def recipient(address: str) -> User | None:
    """The active user who reads mail there and has a password to forget: not who comes in by a provider only."""
    active = (models.User.email == address, models.User.is_active, models.User.password_hash != "")
    row = db.session.scalar(select(models.User).where(*active))
    return User.of(row) if row else None


def issue(user_id: int, lifetime: timedelta, actor: Actor | None = None) -> str:
    """The token of a link that sets this user's password once; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        now = clock.database_now(session)
        own = PasswordLink.user_id == user_id
        newest = select(PasswordLink.id).where(own).order_by(PasswordLink.id.desc()).limit(MOST_LINKS - 1)
        kept = session.scalars(newest).all()
        session.execute(delete(PasswordLink).where(own, PasswordLink.id.not_in(kept)))
        session.execute(delete(PasswordLink).where(own, PasswordLink.expires_at <= now))
        row = {"token_hash": token_hash(token), "created_at": now, "expires_at": now + lifetime}
        session.execute(insert(PasswordLink).values(user_id=user_id, **row))
        audit.note(session, actor, "issue_password_link", Thing.USER, user_id)
    return token


def issue_for(actor: Actor, user_id: int, *, opens: bool = True) -> str:
    """For an administrator to hand on. Raises Forbidden, NotFound, and Conflict as `require_use`."""
    permissions.require_administration(actor)
    user = db.session.get(models.User, user_id)
    if user is None:
        raise NotFound
    require_use(user, opens=opens)
    return issue(user_id, HANDED, actor)


def require_use(user: models.User, *, opens: bool) -> None:
    """`opens`: whether people sign in by passwords here at all.

    Raises Conflict: user_not_active, password_opens_nothing.
    """
    if not opens:
        raise Conflict("password_opens_nothing")
    if not user.is_active:
        raise Conflict("user_not_active")


def owner_of(token: str) -> User | None:
    """Whose password this link sets; None for one that was used, has run out, or whose user is not active."""
    row = db.session.scalar(
        select(models.User)
        .join(PasswordLink, PasswordLink.user_id == models.User.id)
        .where(
            PasswordLink.token_hash == token_hash(token),
            PasswordLink.expires_at > clock.database_now(db.session()),
            models.User.is_active,
        )
    )
    return User.of(row) if row else None


def use(token: str, password: str, *, tells: bool) -> User:
    """Set the password by a link, which is used up; `tells`: a letter says that it has been changed.

    Raises Conflict("password_link_invalid") and Invalid. Deleting the link is what decides between two at once.
    """
    user = owner_of(token)
    if user is None:
        raise Conflict("password_link_invalid")

    def use_up(session: Session) -> None:
        this = PasswordLink.token_hash == token_hash(token)
        if session.scalar(delete(PasswordLink).where(this).returning(PasswordLink.user_id)) != user.id:
            raise Conflict("password_link_invalid")

    _set(user, password, use_up, tells=tells)
    return user


def change(user: User, current: str, password: str, session_token: str, *, tells: bool) -> None:
    """By the user, who knows the one that counts now; the session they are in stays. Raises Invalid."""
    before = db.session.scalar(select(models.User.password_hash).where(models.User.id == user.id))
    end_reading()
    if not passwords.matches(current, before):
        raise Invalid([Problem("current", "password_wrong")])

    def unchanged(session: Session) -> None:
        if session.scalar(select(models.User.password_hash).where(models.User.id == user.id)) != before:
            raise Invalid([Problem("current", "password_wrong")])

    _set(user, password, unchanged, keeps=session_token, tells=tells)


def _set(
    user: User, password: str, permit: Callable[[Session], None], *, keeps: str | None = None, tells: bool
) -> None:
    problem = passwords.problem_with(password, user.name, user.email)
    if problem:
        raise Invalid([problem])
    end_reading()
    password_hash = passwords.hashed(password)
    with transaction() as session:
        permit(session)
        session.execute(update(models.User).where(models.User.id == user.id).values(password_hash=password_hash))
        sign_ins.end_all(session, user.id, keeps)
        audit.note(session, user.actor, "change_password", Thing.USER, user.id, after={"by_link": keeps is None})
        if tells:
            mails.post(session, "password_changed", user.email, user_id=user.id)


def follow_address(session: Session, user_id: int, email: str) -> None:
    """Within the transaction that gives the user this address: whoever reads the old one sets no password.

    An invitation that waits goes to the new one; letters that warn go where they were meant to.
    """
    session.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))
    invitation = (Mail.user_id == user_id, Mail.kind == INVITATION)
    session.execute(update(Mail).where(*invitation).values(address=email))
