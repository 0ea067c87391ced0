"""What has somebody typed and not saved yet?"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import Json


class FormDraft(Model):
    """A form as it stood when its page last sent it by itself, however unfinished."""

    __tablename__ = "form_drafts"
    # What is too old to be kept.
    __table_args__ = (Index(None, "saved_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # The key of an empty form, or `mailing-` and the number of the draft that is being changed.
    form_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    # {field: [value, ...]}, as the browser sends them.
    fields: Mapped[dict[str, Any]] = mapped_column(Json)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
