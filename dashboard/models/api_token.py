"""Which program may act for a user, and how far?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import Json


class Scope(StrEnum):
    """READ: look. WRITE: change clients, drafts and messages that wait. SEND: let mailings and messages out."""

    READ = "read"
    WRITE = "write"
    SEND = "send"


class ApiToken(Model):
    """A token that a user has made for a program. Shown once; only its hash is kept. A deleted row ends it."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # By its beginning people tell one from another.
    beginning: Mapped[str] = mapped_column(String(8))
    # Names of Scope.
    scopes: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # To the minute.
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TokenFamily(Model):
    """One sign-in of a program by name and password: every refresh token that came of it, one after the other.

    `serial` is the number of the one that counts. An earlier one that comes back was copied: the family ends.
    """

    __tablename__ = "token_families"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    serial: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
