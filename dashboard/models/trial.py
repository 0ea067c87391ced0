"""What have people sent to their own phones, to see how it reads there?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, choice


class TrialOutcome(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Trial(Model):
    """One text to one phone. It belongs to no mailing and is in no books; its number is nobody else's, too."""

    __tablename__ = "trials"
    __table_args__ = (
        # How many has this user sent within the last minute?
        Index(None, "user_id", "created_at"),
        # What is too old to be kept.
        Index(None, "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    phone: Mapped[str] = mapped_column(String(11))
    text: Mapped[str] = mapped_column(Text)
    outcome: Mapped[TrialOutcome] = mapped_column(choice(TrialOutcome), default=TrialOutcome.WAITING)
    # As of a message's call, or why it was not made.
    reason: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
