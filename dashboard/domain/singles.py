"""Which messages wait by themselves, for another try or because a person wished it so? Rows with a lease each."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..database import AnyRow
from ..models import Message, Status
from . import bulk
from .flights import message_columns


def lock(session: Session, mailing_id: int, timezone: str, now: datetime, count: int) -> Sequence[AnyRow]:
    """Due messages of one lane which no other worker is taking at this instant, the longest due first."""
    query = (
        select(*message_columns())
        .where(Message.mailing_id == mailing_id, Message.timezone == timezone)
        .where(Message.send_after <= now, Message.status == Status.QUEUED)
        .order_by(Message.send_after)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    return session.execute(query).all()


def lease(session: Session, ids: Collection[int], token: str, until: datetime) -> None:
    """From now on they are being sent, by the worker of this token."""
    if ids:
        session.execute(
            update(Message)
            .where(bulk.any_of(Message.id.expression, ids))
            .values(status=Status.SENDING, lease_token=token, lease_until=until),
            execution_options={"synchronize_session": False},
        )
