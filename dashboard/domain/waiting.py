"""Why has a message that waits not left yet?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from .. import clock
from ..database import db
from ..models import Breaker, Lane, Mailing, Message, Service, State


class Cause(StrEnum):
    """The first that holds is told."""

    STOPPED = "stopped"  # everything, by a person or by the service itself
    PAUSED = "paused"  # its mailing
    WINDOW = "window"  # of its client's zone is closed
    BREAKER = "breaker"  # the gateway is in trouble
    ANOTHER_TRY = "another_try"
    TURN = "turn"  # nothing but others before it


@dataclass(frozen=True, slots=True)
class Waiting:
    """`until`: when that ends by itself, as far as is known."""

    cause: Cause
    until: datetime | None = None


def reason(message_id: int) -> Waiting:
    """Of a message that is queued."""
    now = clock.database_now(db.session())
    query = (
        select(Message.send_after, Mailing.state, Lane.opens_at)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(Lane, (Lane.mailing_id == Message.mailing_id) & (Lane.timezone == Message.timezone))
        .where(Message.id == message_id)
    )
    send_after, state, opens_at = db.session.execute(query).one()
    service = db.session.get_one(Service, 1)
    if service.stopped_at is not None:
        return Waiting(Cause.STOPPED)
    if state is State.PAUSED:
        return Waiting(Cause.PAUSED)
    if opens_at is not None and opens_at > now:
        return Waiting(Cause.WINDOW, opens_at)
    if service.breaker is Breaker.OPEN:
        return Waiting(Cause.BREAKER)
    if send_after is not None and send_after > now:
        return Waiting(Cause.ANOTHER_TRY, send_after)
    return Waiting(Cause.TURN)
