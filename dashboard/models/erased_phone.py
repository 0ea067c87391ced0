"""Which phones were on the stop list when their person was erased?"""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime


class ErasedPhone(Model):
    """HMAC-SHA-256 of the phone by `service.erasing_key`, as hex. Goes once the phone comes back."""

    __tablename__ = "erased_phones"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)
