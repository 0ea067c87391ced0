"""Where does the one message of one client in one mailing stand?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, choice


class Status(StrEnum):
    """The ledger: every selected client stands in exactly one of these."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


WAITING = (Status.QUEUED, Status.SENDING)
# Settled, and not sent: few in most mailings, and what people look for.
UNSENT = "status IN ('failed', 'expired', 'skipped', 'cancelled', 'unknown')"


class Message(Model):
    """Phone, zone and the values of the placeholders are frozen at the start of the mailing.

    `client_id` is no foreign key: clients are never removed, only marked as deleted, and checking it would be
    the dearest part of the fan-out. The number is given by `domain.ids`, and is the gateway's msgId.
    """

    __tablename__ = "messages"
    __table_args__ = (
        # One per client and mailing; read from the left: a client's story.
        UniqueConstraint("client_id", "mailing_id"),
        # One per phone and mailing; read from the left: the messages of a mailing.
        UniqueConstraint("mailing_id", "phone"),
        # Arming: what of this mailing and zone is due.
        Index(
            "ix_messages_due",
            "mailing_id",
            "timezone",
            "send_after",
            postgresql_where=text("status = 'queued'"),
            sqlite_where=text("status = 'queued'"),
        ),
        # The sweep: what was armed and never settled.
        Index(
            "ix_messages_in_flight",
            "lease_until",
            postgresql_where=text("status = 'sending'"),
            sqlite_where=text("status = 'sending'"),
        ),
        # A mailing's messages by an outcome that wants explaining, in the order of the list.
        Index(
            "ix_messages_unsent",
            "mailing_id",
            "status",
            "phone",
            postgresql_where=text(UNSENT),
            sqlite_where=text(UNSENT),
        ),
        # Half-full pages leave room for the new versions of rows that are written two or three times.
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id", ondelete="CASCADE"))
    client_id: Mapped[int] = mapped_column(BigId)
    phone: Mapped[str] = mapped_column(String(11))
    operator_code: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    placeholder_values: Mapped[dict[str, str] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    status: Mapped[Status] = mapped_column(choice(Status))
    reason: Mapped[str | None] = mapped_column(String(32))
    # Not before: the mailing's start, later the end of a back-off.
    send_after: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # When the last word was spoken; for a first try that was accepted also how long it took.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int | None]


class Attempt(Model):
    """One call to the gateway. A first try that was accepted lives on its message's own row instead."""

    __tablename__ = "attempts"
    __table_args__ = (
        # A mailing's newest errors.
        Index(None, "mailing_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    mailing_id: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int | None]
    # How the gateway's answer was understood: gateway.Verdict.
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    code: Mapped[int | None] = mapped_column(BigId)
    excerpt: Mapped[str] = mapped_column(String(200), default="")
