"""Has it reached the client or not? Where nobody can know, a person decides."""

import logging
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlalchemy import ColumnElement, and_, update

from .. import clock
from ..database import db, retrying, transaction
from ..models import Message, Status
from . import audit, bulk, mailings, resending, tallies
from .audit import Thing
from .permissions import Actor, require_change
from .resending import Told
from .tallies import Move, Place
from .webhooks import settlements

logger = logging.getLogger(__name__)

# The reason that a message bears which was taken for sent by a person, not by an answer of the gateway.
TAKEN_AS_SENT = "taken_as_sent"


class Decision(StrEnum):
    RESEND = "resend"  # the same msgId once more, at the risk of a second delivery
    ACCEPT = "accept"  # take it for sent


def decide(
    actor: Actor,
    mailing_id: int,
    decision: Decision,
    message_ids: Collection[int] | None = None,
    ends_at: datetime | None = None,
) -> int:
    """Decide these unknown outcomes of a mailing, or all. How many there were; of those decided before, none.

    Accepted ones keep the instant of their call: that is when they left. `ends_at` and what is raised: as for
    `resending.resend`; accepting is always possible.
    """
    unknown = Message.unsent == Status.UNKNOWN.value
    if message_ids is not None:
        unknown = unknown & bulk.any_of(Message.id.expression, message_ids)
    ids = None if message_ids is None else sorted(message_ids)
    told = Told("decide_unknown", {"decision": decision, "message_ids": ids, "ends_at": ends_at})
    if decision is Decision.RESEND:
        return resending.requeue(actor, mailing_id, unknown, ends_at, told)
    require_change(actor)
    mailings.get(actor, mailing_id)
    return _accept(actor, mailing_id, unknown, told)


def _accept(actor: Actor, mailing_id: int, unknown: ColumnElement[bool], told: Told) -> int:
    begun_at = clock.database_now(db.session())
    chosen = and_(Message.mailing_id == mailing_id, unknown, Message.settled_at <= begun_at)
    count = 0
    while some := retrying(partial(_accept_some, actor, mailing_id, chosen, None if count else told)):
        count += some
    if count:
        logger.info("outcomes accepted", extra={"mailing_id": mailing_id, "count": count, "user_id": actor.id})
    return count


def _accept_some(actor: Actor, mailing_id: int, chosen: ColumnElement[bool], first: Told | None) -> int:
    with transaction() as session:
        rows = resending.lock_some(session, chosen)
        if rows and first:
            audit.note(session, actor, first.verb, Thing.MAILING, mailing_id, after=first.after)
        session.execute(
            update(Message)
            .where(bulk.any_of(Message.id.expression, [row.id for row in rows]))
            .values(status=Status.SENT, reason=TAKEN_AS_SENT),
            execution_options={"synchronize_session": False},
        )
        settlements.note(session, ((row.mailing_id, row.id) for row in rows))
        moves = (
            Move(
                row.mailing_id,
                row.operator_code,
                row.timezone,
                resending.place_of(row),
                Place(Status.SENT, TAKEN_AS_SENT, row.settled_at),
            )
            for row in rows
        )
        tallies.record(session, moves)
        return len(rows)
