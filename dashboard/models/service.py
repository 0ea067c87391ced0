"""What holds for the whole installation at once?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, choice


class Breaker(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


class Service(Model):
    """One row, id 1. Arming holds it FOR SHARE, so it changes only when the breaker does."""

    __tablename__ = "service"

    id: Mapped[int] = mapped_column(primary_key=True)
    breaker: Mapped[Breaker] = mapped_column(choice(Breaker), default=Breaker.CLOSED)
    breaker_reason: Mapped[str | None] = mapped_column(String(32))
    breaker_opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # While open: when one message may probe the gateway.
    breaker_probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Probes that failed since it opened: each doubles the pause before the next.
    breaker_failed_probes: Mapped[int] = mapped_column(default=0)


class Heartbeat(Model):
    """When did a part of the service last show that it lives, or a periodic duty last begin?"""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdBlock(Model):
    """The next message number that has never been given away. One row, id 1."""

    __tablename__ = "id_blocks"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_id: Mapped[int] = mapped_column(BigId)
