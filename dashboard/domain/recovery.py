"""What has a worker that is gone left in the air? Its leases run out, and the outcome policy decides."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, AnySelect, insert_or_ignore, retrying, transaction
from ..gateway import Verdict
from ..models import Attempt, Flight, Message, Status
from . import flights
from .flights import in_place
from .moves import move
from .policy import OnUncertain, SendingPolicy
from .tallies import Place

logger = logging.getLogger(__name__)

# Messages, and flights, of one transaction.
AT_ONCE, FLIGHTS_AT_ONCE = 2_000, 10
# Why nobody knows: the process that called is gone.
WORKER_LOST = "worker_lost"


def recover(policy: SendingPolicy) -> int:
    """Decide on messages whose worker died between arming and settling: the text may have gone out.

    Under `hold` nobody but a person can know; under `retry` the same msgId is tried again, as often as any other:
    a message that kills its workers must not go out for ever.
    """
    recovered = 0
    while some := retrying(lambda: _recover_flights(policy)) + retrying(lambda: _recover_leased(policy)):
        recovered += some
    if recovered:
        logger.warning("messages of a lost worker recovered", extra={"count": recovered})
    return recovered


def _recover_flights(policy: SendingPolicy) -> int:
    """Of a flight whose lease ran out, those whose outcome was not written."""
    with transaction() as session:
        now = clock.database_now(session)
        lost = (
            select(Flight.last_id, Flight.first_id, Flight.armed_at)
            .where(Flight.lease_until < now)
            .limit(FLIGHTS_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        count = 0
        found = session.execute(lost).all()
        for flight in found:
            in_it = Message.id.between(flight.first_id, flight.last_id)
            rows = session.execute(_places().where(in_it, in_place()).order_by(Message.id).with_for_update()).all()
            _decide(session, rows, policy, flight.armed_at, now)
            count += len(rows)
        flights.land(session, [flight.last_id for flight in found])
        return count


def _recover_leased(policy: SendingPolicy) -> int:
    with transaction() as session:
        now = clock.database_now(session)
        lost = _places().where(Message.lease_until < now, Message.status == Status.SENDING)
        rows = session.execute(lost.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
        _decide(session, rows, policy, now - policy.lease, now)
        return len(rows)


def _places() -> AnySelect:
    return select(Message.id, Message.mailing_id, Message.operator_code, Message.timezone, Message.tries)


def _decide(
    session: Session, rows: Sequence[AnyRow], policy: SendingPolicy, armed_at: datetime, now: datetime
) -> None:
    again = [row for row in rows if _is_tried_again(row.tries, policy)]
    unknown = [row for row in rows if not _is_tried_again(row.tries, policy)]
    sending = Place(Status.SENDING)
    move(session, again, sending, Place(Status.QUEUED, WORKER_LOST), send_after=now, is_a_try=True)
    move(session, unknown, sending, Place(Status.UNKNOWN, WORKER_LOST, now), is_a_try=True)
    if rows:
        trace = {"at": armed_at, "verdict": Verdict.UNCERTAIN.value, "reason": WORKER_LOST}
        session.execute(
            insert_or_ignore(Attempt),
            [{"message_id": row.id, "mailing_id": row.mailing_id, "excerpt": "", **trace} for row in rows],
        )


def _is_tried_again(tries: int, policy: SendingPolicy) -> bool:
    return policy.on_uncertain is OnUncertain.RETRY and tries + 1 < policy.most_tries
