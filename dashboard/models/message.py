"""Where does the one message of one client in one mailing stand?"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    case,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, OneOf, choice


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
UNSENT = (Status.FAILED, Status.EXPIRED, Status.SKIPPED, Status.CANCELLED, Status.UNKNOWN)
_UNSENT_STATUS = case((OneOf("status", UNSENT), literal_column("status")))


class Message(Model):
    """Phone, zone and the values of the placeholders are frozen at the start of the mailing.

    How a message waits shows in `send_after`. NULL: in its place in a chunk; it is being sent as soon as a flight
    has taken that place over, and written once, when it settles. An instant: by itself, for another try or because
    a person wished it so; while being sent it bears a lease. A settled message has neither.

    No index holds `status`, and none changes when a message is sent, so that PostgreSQL need not touch the indexes
    for it (a heap-only update: twice as fast). `client_id`, `mailing_id` and `added_by_id` are no foreign keys:
    started mailings and users are never removed, a client only once another has its messages, and checking them
    would be the dearest part of the fan-out. The number is given by `domain.ids`, and is the gateway's msgId.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint(OneOf("status", Status), name="status"),
        # One per client and mailing; read from the left: a client's story.
        UniqueConstraint("client_id", "mailing_id"),
        # One per phone and mailing; read from the left: the messages of a mailing.
        UniqueConstraint("mailing_id", "phone"),
        # Arming: which of those that wait by themselves is due, by mailing and zone. The end: does any wait?
        Index(
            "ix_messages_due",
            "mailing_id",
            "timezone",
            "send_after",
            postgresql_where=text("send_after IS NOT NULL"),
            sqlite_where=text("send_after IS NOT NULL"),
        ),
        # The sweep: what was armed by itself and never settled.
        Index(
            "ix_messages_leased",
            "lease_until",
            postgresql_where=text("lease_until IS NOT NULL"),
            sqlite_where=text("lease_until IS NOT NULL"),
        ),
        # A mailing's messages by an outcome that wants explaining, in the order of the list.
        Index(
            "ix_messages_unsent",
            "mailing_id",
            "unsent",
            "phone",
            postgresql_where=text("unsent IS NOT NULL"),
            sqlite_where=text("unsent IS NOT NULL"),
        ),
        # The frequency cap: what has gone to a phone under a client who has another one by now.
        Index(
            "ix_messages_former",
            "phone",
            postgresql_where=text("is_former IS NOT NULL"),
            sqlite_where=text("is_former IS NOT NULL"),
        ),
        # Half-full pages leave room for the new versions of rows.
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    mailing_id: Mapped[int]
    client_id: Mapped[int] = mapped_column(BigId)
    phone: Mapped[str] = mapped_column(String(11))
    # True: its client has another phone by now; else none, so that few rows are in the index.
    is_former: Mapped[bool | None]
    operator_code: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    placeholder_values: Mapped[dict[str, str] | None] = mapped_column(Json)
    # A text of its own, written by a person while it waited; none: the mailing's.
    text: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Who has added it by hand; none: the mailing has selected the client.
    added_by_id: Mapped[int | None]

    status: Mapped[Status] = mapped_column(choice(Status, checked=False))
    unsent: Mapped[str | None] = mapped_column(String(16), Computed(_UNSENT_STATUS, persisted=True))
    reason: Mapped[str | None] = mapped_column(String(32))
    send_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
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
        # A message's story; and a result that is written a second time leaves no second trace.
        UniqueConstraint("message_id", "at"),
        # A mailing's newest errors.
        Index(None, "mailing_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    mailing_id: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int | None]
    # How the gateway's answer was understood: gateway.Verdict.
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    code: Mapped[int | None] = mapped_column(BigId)
    excerpt: Mapped[str] = mapped_column(String(200), default="")
