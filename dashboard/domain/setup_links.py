"""How is the first administrator made? By a link that the terminal shows once, for a day."""

import secrets
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, transaction
from ..models import Role, SetupLink
from . import audit, users
from .audit import Thing
from .errors import Conflict
from .token_hashes import token_hash
from .users import NewUser

LIFETIME = timedelta(hours=24)


def issue() -> str:
    """The token of a link that makes the first administrator, once, within 24 hours; earlier links die.

    Only its hash is kept. Raises Conflict("users_exist").
    """
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        if users.has_users():
            raise Conflict("users_exist")
        now = clock.database_now(session)
        session.execute(delete(SetupLink))
        session.add(SetupLink(token_hash=token_hash(token), created_at=now, expires_at=now + LIFETIME))
        audit.note(session, None, "issue_setup_link", Thing.SERVICE)
    return token


def is_valid(token: str) -> bool:
    found = select(SetupLink.id).where(
        SetupLink.token_hash == token_hash(token), SetupLink.expires_at > clock.database_now(db.session())
    )
    return db.session.scalar(found) is not None and not users.has_users()


def use(token: str, new: NewUser) -> int:
    """Make the first administrator and use the link up, both or neither; gives the new user's id.

    Raises Conflict("setup_link_invalid") and Invalid. Deleting the links is what decides between two at once:
    the second waits for the first, and then finds none.
    """
    if not is_valid(token):
        raise Conflict("setup_link_invalid")
    new = replace(new, role=Role.ADMINISTRATOR)

    def use_up(session: Session) -> None:
        now = clock.database_now(session)
        links = session.execute(delete(SetupLink).returning(SetupLink.token_hash, SetupLink.expires_at))
        valid = {link.token_hash for link in links if link.expires_at > now}
        if token_hash(token) not in valid or users.has_users():
            raise Conflict("setup_link_invalid")

    return users.add(new, use_up)
