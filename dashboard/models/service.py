"""What holds for the whole installation at once?"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import Amount, BigId, Json, choice
from .mailing import RateUnit
from .second_factor import Requirement


class Breaker(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


class StopReason(StrEnum):
    """Why the service itself has stopped everything; a person's stop has none."""

    ASLEEP = "asleep"  # it was not at work for long, while messages waited
    RESTORED = "restored"  # its database came from a backup


class Service(Model):
    """One row, id 1. Arming holds it FOR SHARE, so it changes only when a person or the breaker wants it."""

    __tablename__ = "service"

    id: Mapped[int] = mapped_column(primary_key=True)
    breaker: Mapped[Breaker] = mapped_column(choice(Breaker), default=Breaker.CLOSED)
    breaker_reason: Mapped[str | None] = mapped_column(String(32))
    breaker_opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # While open: when one message may probe the gateway.
    breaker_probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Probes that failed since it opened: each doubles the pause before the next.
    breaker_failed_probes: Mapped[int] = mapped_column(default=0)
    # The global stop: while set, nothing of any mailing is armed.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # Of a stop by the service itself: why, and until when this database knows what has left.
    stop_reason: Mapped[StopReason | None] = mapped_column(choice(StopReason, checked=False))
    known_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Limits of the whole installation; none: no limit. Calls, or parts of SMS, that may begin within one second.
    rate_limit: Mapped[int | None]
    rate_unit: Mapped[RateUnit] = mapped_column(choice(RateUnit), default=RateUnit.MESSAGES)
    # A mailing to more recipients needs a second person's approval.
    approval_above: Mapped[int | None]
    # One phone gets at most so many messages within so many days; both or neither.
    frequency_cap: Mapped[int | None]
    frequency_days: Mapped[int | None]
    # What the gateway's bill says of one part of SMS; none: mailings show no cost.
    price_per_part: Mapped[Decimal | None] = mapped_column(Amount)
    # ISO 4217.
    currency: Mapped[str] = mapped_column(String(3), default="RUB")
    # Who must have a second factor to come in.
    second_factor_required: Mapped[Requirement] = mapped_column(choice(Requirement), default=Requirement.OFF)


class BreakerOpening(Model):
    """When and why the breaker opened, for the digest of the day; kept for a while."""

    __tablename__ = "breaker_openings"
    # The digest: those of one day; and which are old.
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(32))


class Digest(Model):
    """A day whose digest is written: there is never a second one. By the clock of the set zone."""

    __tablename__ = "digests"

    day: Mapped[date] = mapped_column(primary_key=True)
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)


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


class CallWindow(Model):
    """What the breaker has seen of the last calls of one worker, from one round of sending to the next."""

    __tablename__ = "call_windows"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # [[when it began (ISO 8601), whether it failed], ...], the oldest first.
    calls: Mapped[list[tuple[str, bool]]] = mapped_column(Json)
