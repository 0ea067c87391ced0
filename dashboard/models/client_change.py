"""What is to be done to many clients at once, and how far is it?"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Model, UtcDateTime
from .columns import BigId, Json, choice


class ClientVerb(StrEnum):
    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"
    STOP_LIST = "stop_list"
    UNLIST = "unlist"
    DELETE = "delete"


class ChangeState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class ClientChange(Model):
    """The row is the request: whoever finds it unfinished goes on with it after `last_id`."""

    __tablename__ = "client_changes"
    __table_args__ = (
        # The same form, sent twice, is one request.
        UniqueConstraint("actor_id", "form_key"),
        # The scheduler's question: which of them wait for somebody to go on?
        Index(
            "ix_client_changes_unfinished",
            "id",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    form_key: Mapped[str | None] = mapped_column(String(32))
    verb: Mapped[ClientVerb] = mapped_column(choice(ClientVerb))
    tag: Mapped[str | None] = mapped_column(String(64))
    # Either {"ids": […]} or {"filter": {…}}.
    selection: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[ChangeState] = mapped_column(choice(ChangeState), default=ChangeState.WAITING)
    # How many it was when somebody said yes to it.
    total: Mapped[int] = mapped_column(BigId)
    # Clients that are added later have greater ids: nobody has said yes to them.
    through: Mapped[int] = mapped_column(BigId)
    # The checkpoint: clients up to this one are done.
    last_id: Mapped[int] = mapped_column(BigId, default=0)
    seen: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Who works on it, until when: a run whose worker died is taken over after that.
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
