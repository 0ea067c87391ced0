"""Who has done what, from where, and what was it before?"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from ..origin import Via
from .columns import BigId, Json, choice


class AuditLine(Model):
    """One thing that was done, written in the transaction that did it.

    No foreign keys: a line outlives its actor and its object. Triggers refuse every UPDATE and DELETE, unless the
    same transaction has put a row into `audit_permits`.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        # The history of one object.
        Index(None, "object_type", "object_id", "id"),
        # What a person has done.
        Index(None, "actor_id", "id"),
        # What was done of one kind.
        Index(None, "verb", "id"),
        # From when to when; also what is too old to be kept.
        Index(None, "at", "id"),
        # A number is never given twice, also once the last lines are gone.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # None: the service itself, a command, or somebody who has not signed in.
    actor_id: Mapped[int | None]
    # The name as it was then.
    actor_name: Mapped[str | None] = mapped_column(String(64))
    via: Mapped[Via] = mapped_column(choice(Via))
    token_id: Mapped[int | None]
    ip: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(128))
    # domain.audit.Verb
    verb: Mapped[str] = mapped_column(String(40))
    # domain.audit.Thing
    object_type: Mapped[str] = mapped_column(String(16))
    # Of an entry of the stop list: its phone.
    object_id: Mapped[int | None] = mapped_column(BigId)
    # Of what was changed, and of what came new or went.
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)


class AuditPermit(Model):
    """A transaction that erases, or removes what is too old, puts a row in here, and takes it out again."""

    __tablename__ = "audit_permits"

    id: Mapped[int] = mapped_column(primary_key=True)
