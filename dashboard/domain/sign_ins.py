"""How does whatever lets somebody in without asking for the password come to its end?

Sessions of browsers, sign-ins of programs by name and password, sign-ins that wait for a code; links to set the
password. Tokens that people have made for programs stay: nobody signs in with those, and each is revoked alone.
"""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from .. import models
from ..database import transaction
from ..models import HalfSignIn, PasswordLink, TokenFamily, UserSession
from . import audit
from .audit import Thing
from .token_hashes import token_hash
from .users import User


def end_others(user_id: int, session_token: str) -> None:
    """By the user, who stays in the session with this token alone."""
    with transaction() as session:
        end_open(session, user_id, session_token)
        actor = User.of(session.get_one(models.User, user_id)).actor
        audit.note(session, actor, "end_other_sign_ins", Thing.USER, user_id)


def end_all(session: Session, user_id: int, keeps: str | None = None) -> None:
    """Within the caller's transaction, but for the session with the token `keeps`."""
    end_open(session, user_id, keeps)
    session.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))


def end_open(session: Session, user_id: int, keeps: str | None = None) -> None:
    """The same, and a link to set the password stays."""
    others = [] if keeps is None else [UserSession.token_hash != token_hash(keeps)]
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, *others))
    session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))
    session.execute(delete(TokenFamily).where(TokenFamily.user_id == user_id))


def end_everybodys(session: Session) -> None:
    """After a restore: what has ended since the backup stands in it as if it had not."""
    for kept in (UserSession, HalfSignIn, TokenFamily, PasswordLink):
        session.execute(delete(kept))
