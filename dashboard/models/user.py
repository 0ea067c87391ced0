"""Who works with Vestnik?"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import choice

# An index of those who wait for an administrator's word.
WAITING: Any = {f"{dialect}_where": text("waiting_since IS NOT NULL") for dialect in ("sqlite", "postgresql")}
# An index of those whose things are being handed over.
LEAVING: Any = {f"{dialect}_where": text("handed_to_id IS NOT NULL") for dialect in ("sqlite", "postgresql")}


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    VIEWER = "viewer"


class User(Model):
    __tablename__ = "users"
    __table_args__ = (
        # The list of those who have registered and wait, and how many they are.
        Index("ix_users_waiting", "id", **WAITING),
        # The scheduler's question: whose things are still being handed over?
        Index("ix_users_leaving", "id", **LEAVING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    # The name as it is compared: case-folded, so that Анна and анна are one (SQLite's lower() knows only ASCII).
    name_key: Mapped[str] = mapped_column(String(128), unique=True)
    # Kept in lower case.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    # Empty: they come in by somebody else's word only (identities).
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(choice(Role))
    # May this operator let messages leave? Administrators always may, viewers never.
    may_launch: Mapped[bool] = mapped_column(default=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    # Registered by themselves, and not yet approved: such a user is not active.
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    language: Mapped[str] = mapped_column(String(2))
    theme: Mapped[str] = mapped_column(String(5), default="auto")
    timezone: Mapped[str] = mapped_column(String(64))
    # Where mailings are tried out, once somebody has.
    phone: Mapped[str | None] = mapped_column(String(11))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When they last came in by name and password, or in their stead a program.
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # While the user is being deleted: who gets what they own (domain/handing_over). No foreign key: SQLite would
    # have to copy the table for it.
    handed_to_id: Mapped[int | None]
    # Deleted: the row stays, with the name alone, for what others' things tell of this person; and nobody else is
    # given the number.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UserSession(Model):
    """One sign-in. The cookie carries the token, the table its hash: a deleted row ends the session for good."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_remembered: Mapped[bool]
    # Where the person came from and with what, as the request said it: so that they know their browsers apart.
    address: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")


class PasswordLink(Model):
    """A link by which somebody sets a new password without the old one, once. Only its hash is kept."""

    __tablename__ = "password_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
