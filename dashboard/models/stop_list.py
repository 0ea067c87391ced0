"""Which phones must never be messaged, whoever's clients they are?"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime


class StopListEntry(Model):
    """Kept by phone for the whole installation: a client's deletion and a new import leave it alone."""

    __tablename__ = "stop_list"
    # The list, newest first.
    __table_args__ = (Index(None, "added_at", "phone"),)

    phone: Mapped[str] = mapped_column(String(11), primary_key=True)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str] = mapped_column(String(16))
