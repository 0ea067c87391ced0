"""What is sent to whom, and how far has it come?"""

from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, choice


class State(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


# Begun and not ended.
UNDER_WAY = (State.RUNNING, State.PAUSED)


class PauseReason(StrEnum):
    """Why nothing of a paused mailing leaves, and so who has to decide what."""

    OPERATOR = "operator"
    CANARY = "canary"  # the first few have been sent: is all well?
    BUDGET = "budget"  # the parts that it may cost are used up
    MISSED_START = "missed_start"  # the service was down at its time


class TimeBasis(StrEnum):
    """Whose clock start and end are read from."""

    INSTANT = "instant"  # one instant for everybody
    CLIENT = "client"  # each client's own wall clock


class RateUnit(StrEnum):
    """What a rate counts."""

    MESSAGES = "messages"
    PARTS = "parts"


class Mailing(Model):
    __tablename__ = "mailings"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        CheckConstraint("(window_from IS NULL) = (window_to IS NULL)", name="window_whole"),
        CheckConstraint("(time_basis = 'client') = (starts_wall IS NOT NULL)", name="wall_start"),
        CheckConstraint("(time_basis = 'client') = (ends_wall IS NOT NULL)", name="wall_end"),
        # A form that is sent twice makes one mailing.
        UniqueConstraint("owner_id", "form_key"),
        # An owner's list, newest first.
        Index(None, "owner_id", "id"),
        # The tick: what is due to start, what runs.
        Index(None, "state", "starts_at"),
        # Retention: which ended mailing still has messages, the oldest first?
        Index(
            "ix_mailings_full",
            "finished_at",
            postgresql_where=text("emptied_at IS NULL"),
            sqlite_where=text("emptied_at IS NULL"),
        ),
        # The number of a deleted draft is not given again: an old page must not act on another mailing.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    # Names the empty form into which it was typed; none where no form was.
    form_key: Mapped[str | None] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    time_basis: Mapped[TimeBasis] = mapped_column(choice(TimeBasis), default=TimeBasis.INSTANT)
    # By the client's clock: when the first zone of the audience begins and the last one ends.
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Naive: what each client's own clock shows. Only for the basis `client`.
    starts_wall: Mapped[datetime | None]
    ends_wall: Mapped[datetime | None]
    # The client's own clock; both or neither.
    window_from: Mapped[time | None]
    window_to: Mapped[time | None]
    # An empty list is no condition; no condition at all needs `everybody`.
    tags: Mapped[list[str]] = mapped_column(Json, default=list)
    operator_codes: Mapped[list[str]] = mapped_column(Json, default=list)
    everybody: Mapped[bool] = mapped_column(default=False)
    # Left out, whatever else they match: who bears any of these tags, and whom that mailing has selected.
    excluded_tags: Mapped[list[str]] = mapped_column(Json, default=list)
    excluded_mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailings.id"))

    # Calls, or parts of SMS, that may begin within one second; none: no limit of its own.
    rate_limit: Mapped[int | None]
    rate_unit: Mapped[RateUnit] = mapped_column(choice(RateUnit), default=RateUnit.MESSAGES)
    # So many are sent first; then it waits for a person's "go on".
    canary_size: Mapped[int | None]
    # Parts of SMS that it may use up.
    budget_parts: Mapped[int | None]

    state: Mapped[State] = mapped_column(choice(State), default=State.DRAFT)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Counts the edits: a form that shows an older version is refused instead of undoing another's work.
    version: Mapped[int] = mapped_column(default=1)
    pause_reason: Mapped[PauseReason | None] = mapped_column(choice(PauseReason))
    launched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    launched_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # Scheduled, but a second person has to agree before it starts.
    awaits_approval: Mapped[bool] = mapped_column(default=False)
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # Every client of the audience has a message.
    fanned_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Its messages are kept no longer, only their counts (domain.folding); and when the last of them went.
    folded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    emptied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FanOut(Model):
    """How far a started mailing has been turned into messages.

    Its own row, because the fan-out locks it for each range while arming reads the mailing's.
    """

    __tablename__ = "fan_outs"

    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), primary_key=True)
    # Clients up to this id have their messages.
    through: Mapped[int] = mapped_column(BigId, default=0)
    # The newest client at the start: who is added later is not addressed.
    audience_through: Mapped[int] = mapped_column(BigId)


class Lane(Model):
    """When the clients of one mailing who share a time zone may be messaged.

    `opens_at` to `closes_at` is the present or next window, cut to the mailing's start and end; the sweep moves
    it on. Both are null once no window is left.
    """

    __tablename__ = "lanes"

    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), primary_key=True)
    timezone: Mapped[str] = mapped_column(String(64), primary_key=True)
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Allowance(Model):
    """What may still leave: of one mailing, or (scope 0) of the whole installation.

    Arming locks the row and takes from it before it arms, so that all workers together keep to it. A row of its
    own, because arming only reads the mailing's.
    """

    __tablename__ = "allowances"

    # A mailing's id. No foreign key: 0 is the whole installation.
    scope: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    # When the next call may begin, under a rate limit; until then every moment is taken.
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of the canary and of the budget; none: no bound.
    canary_left: Mapped[int | None]
    parts_left: Mapped[int | None]
