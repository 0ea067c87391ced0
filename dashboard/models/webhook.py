"""Which program wants to hear what happens, what has happened, and has the program been told?"""

import zlib
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Dialect, ForeignKey, Index, LargeBinary, SmallInteger, String, TypeDecorator, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, choice


class WebhookKind(StrEnum):
    """What may be told. PING only on request, to the one endpoint that is tried."""

    MAILING_STARTED = "mailing.started"
    MAILING_PAUSED = "mailing.paused"
    MAILING_RESUMED = "mailing.resumed"
    MAILING_FINISHED = "mailing.finished"
    MAILING_CANCELLED = "mailing.cancelled"
    MESSAGES_SETTLED = "messages.settled"
    PING = "ping"


# What an endpoint chooses from.
WEBHOOK_CHOICES = tuple(kind for kind in WebhookKind if kind is not WebhookKind.PING)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class OffReason(StrEnum):
    """Why nothing is delivered to an endpoint."""

    PERSON = "person"
    GONE = "gone"  # it has answered 410
    FAILING = "failing"  # for days no delivery succeeded


class Packed(TypeDecorator[str]):
    """A text, compressed: five hundred messages alike but for their numbers."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else zlib.compress(value.encode(), 1)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else zlib.decompress(value).decode()


class WebhookEndpoint(Model):
    """An address of a user's, and what it is told of that user's mailings.

    The secrets are kept as they are: signing needs them. For a day after a rotation the old one signs, too.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        # Settling: does anybody want to hear of it, and of whose mailings?
        Index(
            "ix_webhook_endpoints_hears_settled",
            "user_id",
            postgresql_where=text("hears_settled"),
            sqlite_where=text("hears_settled"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(String(200), default="")
    # Names of WebhookKind.
    events: Mapped[list[str]] = mapped_column(Json)
    # It is on, and `messages.settled` is among its events.
    hears_settled: Mapped[bool]
    secret: Mapped[str] = mapped_column(String(100))
    old_secret: Mapped[str | None] = mapped_column(String(100))
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # None: it is on.
    off_reason: Mapped[OffReason | None] = mapped_column(choice(OffReason))
    off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when no delivery has succeeded; none: the last one has.
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Counts the changes of what a person has chosen.
    version: Mapped[int] = mapped_column(default=1)


class WebhookEvent(Model):
    """What has happened, in the words in which every endpoint hears it, at each try the same."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        # The sweep: what is too old to be kept.
        Index(None, "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # The `webhook-id`: random, so that a restored backup gives none twice.
    name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[WebhookKind] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Packed)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookDelivery(Model):
    """One event on its way to one endpoint.

    `next_try_at` is when it is due, and while it is being tried, when its worker counts as lost.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        # The job: what is due at this endpoint?
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_try_at",
            postgresql_where=text("next_try_at IS NOT NULL"),
            sqlite_where=text("next_try_at IS NOT NULL"),
        ),
        # The log of an endpoint, newest first.
        Index(None, "endpoint_id", "id"),
        # The sweep removes an event with its deliveries.
        Index(None, "event_id"),
        # The number of a swept row is not given again: an old page must not resend another event.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"))
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState), default=DeliveryState.WAITING)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    # None: it is done with.
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration_ms: Mapped[int | None]
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    # How the last try ended: domain.webhooks.posting.Ending.
    ending: Mapped[str | None] = mapped_column(String(32))
    # The beginning of what was answered.
    answer: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookSettlement(Model):
    """Messages of one mailing that have settled in one transaction, and that nobody has been told of yet.

    Written by whoever settles, and only where an endpoint wants it; read and removed by whoever makes it an event.
    """

    __tablename__ = "webhook_settlements"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # No foreign key: a mailing that has messages is never removed.
    mailing_id: Mapped[int]
    message_ids: Mapped[list[int]] = mapped_column(Json)
