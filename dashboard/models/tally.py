"""How many messages stand where, without counting them?"""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model
from .columns import choice


class Dimension(StrEnum):
    """By what a tally is kept. `minute` and `reason` know only messages whose outcome is written."""

    STATUS = "status"
    CODE = "code"
    ZONE = "zone"
    REASON = "reason"
    MINUTE = "minute"


_OF_UNKNOWN = text("dimension = 'status' AND status = 'unknown'")


class Tally(Model):
    """A part of a count, changed in the transaction that moves the messages.

    A count is the sum of `change` over the slots of (mailing, dimension, key, status). Each worker writes into a
    slot of its own, so that none waits for another, and a sum is over a few rows whatever the mailing's size.
    """

    __tablename__ = "tallies"
    # Half-full pages: `change` is written anew with every batch of outcomes, and is in no index.
    __table_args__ = (
        # Which mailings have outcomes that nobody knows: every page asks, and few mailings ever had any.
        Index("ix_tallies_unknown", "mailing_id", postgresql_where=_OF_UNKNOWN, sqlite_where=_OF_UNKNOWN),
        {"postgresql_with": {"fillfactor": 50}},
    )

    # The order of the key is every question's: sum by key and status for one mailing and one dimension.
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), primary_key=True)
    dimension: Mapped[Dimension] = mapped_column(choice(Dimension), primary_key=True)
    # The operator code, the zone, the reason, the minute ('2026-11-21T09:30'), or '' for the status alone.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    # A message status; by code and zone, queued and sending are one, counted as 'queued'.
    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    change: Mapped[int]


class HourTally(Model):
    """The same for the outcomes of an hour, kept beside the minutes: a month of all mailings is read at once.

    The hour comes first, so that the last days are one range, and a mailing has few rows in it.
    """

    __tablename__ = "hour_tallies"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    # In UTC: '2026-11-21T09'.
    hour: Mapped[str] = mapped_column(String(13), primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"), primary_key=True)
    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    change: Mapped[int]
