"""Which letters wait to be handed to the mail server?"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json


class Mail(Model):
    """The row is the request: it is gone once the server has taken the letter, or its time has passed.

    It holds what a template needs, and no secret: the token of a link is made when the letter is written.
    """

    __tablename__ = "mails"
    # What is due, the first first.
    __table_args__ = (Index(None, "next_try_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # Names the templates, mail/<kind>.txt and .html.
    kind: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(254))
    # Whom it is about; none: whoever reads mail at this address, if anybody does.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    # While somebody tries, this lies ahead: who dies over it is taken over then.
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
