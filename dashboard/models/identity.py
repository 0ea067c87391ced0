"""As whom do other services know a user of ours?"""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime


class Identity(Model):
    """One account at an OpenID Connect provider. Its subject never changes and is never given to anybody else."""

    __tablename__ = "identities"
    # Whose account this is.
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # Whether this user is known there already.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    # OpenID Connect Core 2: at most 255 ASCII characters.
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)
