"""How many messages stand where, without counting them?"""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model
from .columns import BigId, choice


class Dimension(StrEnum):
    """By what a tally is kept. `minute` and `reason` know only messages whose outcome is written."""

    STATUS = "status"
    CODE = "code"
    ZONE = "zone"
    REASON = "reason"
    MINUTE = "minute"


class Tally(Model):
    """A change of a count: appended in the transaction that moves the messages, so that no row is hot.

    A count is the sum of `change` over (mailing, dimension, key, status). The sweep folds many rows into one.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        # Every question: sum by key and status for one mailing and one dimension.
        Index(None, "mailing_id", "dimension", "key", "status"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"))
    dimension: Mapped[Dimension] = mapped_column(choice(Dimension))
    # The operator code, the zone, the reason, the minute ('2026-11-21T09:30'), or '' for the status alone.
    key: Mapped[str] = mapped_column(String(64))
    # A message status; by code and zone, queued and sending are one, counted as 'queued'.
    status: Mapped[str] = mapped_column(String(16))
    change: Mapped[int]
