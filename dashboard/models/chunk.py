"""Which messages wait in their place, and which are in the air? Ranges of numbers, a row each."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId


class Chunk(Model):
    """Consecutive messages of one mailing and zone which have never been armed: those of the range that wait.

    Arming takes from the front; the row goes with its last message.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        # Arming: the next messages of this mailing and zone.
        Index(None, "mailing_id", "timezone", "first_id"),
    )

    last_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigId)
    mailing_id: Mapped[int]
    timezone: Mapped[str] = mapped_column(String(64))


class Flight(Model):
    """Messages that one worker has taken from a chunk in one step, to call for them at once.

    Those of the range whose outcome is not written are being sent. The row goes with the last of them; if its
    worker dies, the sweep decides about the rest once the lease has run out.
    """

    __tablename__ = "flights"
    __table_args__ = (
        # Which messages of a mailing are being sent?
        Index(None, "mailing_id", "first_id"),
        # The sweep: whose worker is gone?
        Index(None, "lease_until"),
    )

    last_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(BigId)
    mailing_id: Mapped[int]
    token: Mapped[str] = mapped_column(String(32))
    armed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)
