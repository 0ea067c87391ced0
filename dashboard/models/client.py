"""Whom can a mailing address?"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Model, UtcDateTime
from .columns import BigId, Json

# An index of those clients that are not deleted.
LIVING: Any = {f"{dialect}_where": text("deleted_at IS NULL") for dialect in ("sqlite", "postgresql")}

client_tags = Table(
    "client_tags",
    Model.metadata,
    # This order finds the clients of a tag; the index below finds the tags of a client.
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    Column("client_id", ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Model):
    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(64))


class Client(Model):
    """One phone of one owner. Deleting sets `deleted_at`; adding the phone again brings the row back."""

    __tablename__ = "clients"
    __table_args__ = (
        # One phone once per owner; also the search by phone.
        UniqueConstraint("owner_id", "phone"),
        # An owner's list, newest first; also the walk of the fan-out.
        Index(None, "owner_id", "id"),
        # The audience and the list by operator code; an administrator's is put together from the owners'.
        # Of the living alone, and with the phone: they are counted and sorted without a look at their rows.
        Index(None, "owner_id", "operator_code", "id", "phone", **LIVING),
        # The list by time zone, likewise, and which zones there are.
        Index(None, "owner_id", "timezone", "id", "phone", **LIVING),
        # The stop list's question and an administrator's search: whose is this phone?
        Index(None, "phone"),
        # The search by the end of a number. Two digits are shared by one in 100, which an import in the order of
        # phones adds to in their order, too; the rest of the end is looked for in the index.
        Index("ix_clients_last_digits", text("substr(phone, 10)"), "phone"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    phone: Mapped[str] = mapped_column(String(11))
    operator_code: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # By what and since when the person agrees to be messaged, where that is known.
    consent_source: Mapped[str | None] = mapped_column(String(200))
    consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The import that wrote the row last.
    import_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    tags: Mapped[list[Tag]] = relationship(secondary=client_tags, order_by=Tag.name, lazy="raise")
