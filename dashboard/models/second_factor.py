"""What does somebody have beside their password, and who is between the two?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime


class Requirement(StrEnum):
    """Who must have a second factor."""

    OFF = "off"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


class SecondFactor(Model):
    """The secret that a user's authenticator makes codes of. There is a row only once the first code was right."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # Encrypted: a copy of the database alone makes no codes.
    sealed_secret: Mapped[str] = mapped_column(String(255))
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The number of the half minute whose code was taken last: neither it nor an earlier one is taken again.
    last_step: Mapped[int]
    # In a row, since the last right one; the greater, the longer the pause before the next is looked at.
    wrong_codes: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Model):
    """Takes a code's place once, for whoever has lost the authenticator: using it deletes its row."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Those of one user: how many are left, and is it one of them.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))


class HalfSignIn(Model):
    """A password was right, and the second factor is still to come. Opens nothing but that one page."""

    __tablename__ = "half_sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Those of one user, when they end.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    is_remembered: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
