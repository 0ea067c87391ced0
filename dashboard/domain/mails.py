"""Which letters are due, and what becomes of one that cannot be sent?

The row is the request, as with messages: whoever wants a letter to go writes a row in the transaction of what it
is about. A letter may go twice (a worker that dies between the server's yes and the commit), but is not lost.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, end_reading, rows_changed, transaction
from ..mail import MailError
from ..models import Mail

logger = logging.getLogger(__name__)

# A try takes a minute at most: who has not come back after this is gone for good.
LEASE = timedelta(minutes=5)
# After each failed try; after the last the letter waits no longer.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1_800, 7_200, 21_600))
# Unless whoever asks for it says that it is worth nothing even earlier.
KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Due:
    """A letter to be written and sent now. `params` is what its template needs."""

    id: int
    kind: str
    address: str
    user_id: int | None
    params: Mapping[str, Any]
    tries: int


def post(
    session: Session,
    kind: str,
    address: str,
    *,
    user_id: int | None = None,
    params: Mapping[str, Any] | None = None,
    lasts: timedelta = KEPT,
) -> None:
    """Within the caller's transaction; after its commit somebody knocks (jobs.queues.mail_later)."""
    now = clock.database_now(session)
    row = {"kind": kind, "address": address, "user_id": user_id, "params": dict(params or {})}
    session.execute(insert(Mail).values(**row, created_at=now, expires_at=now + lasts, tries=0, next_try_at=now))


def run(seconds: float, deliver: Callable[[Due], None], is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Send what is due, for about so long; `deliver` raises MailError. True: there is more to do now."""
    until = clock.monotonic() + seconds
    while (due := _take()) is not None:
        if is_stopping() or clock.monotonic() >= until:
            _give_back(due)
            return True
        _send(due, deliver)
    return False


def _take() -> Due | None:
    """By a guarded update: of two who take at once, one gets it."""
    columns = (Mail.id, Mail.kind, Mail.address, Mail.user_id, Mail.params, Mail.tries)
    query = select(*columns, Mail.expires_at, Mail.next_try_at).order_by(Mail.next_try_at).limit(1)
    while True:
        now = clock.database_now(db.session())
        row = db.session.execute(query.where(Mail.next_try_at <= now)).one_or_none()
        end_reading()
        if row is None:
            return None
        *due, expires_at, stood_at = row
        with transaction() as session:
            mine = (Mail.id == row.id, Mail.next_try_at == stood_at)
            if expires_at <= now:
                session.execute(delete(Mail).where(*mine))
                logger.warning("letter given up", extra={"mail_id": row.id, "kind": row.kind, "tries": row.tries})
            elif rows_changed(session, update(Mail).where(*mine).values(next_try_at=now + LEASE)):
                return Due(*due)


def _give_back(due: Due) -> None:
    with transaction() as session:
        now = clock.database_now(session)
        session.execute(update(Mail).where(Mail.id == due.id).values(next_try_at=now))


def _send(due: Due, deliver: Callable[[Due], None]) -> None:
    try:
        deliver(due)
    except MailError as error:
        is_over = error.is_permanent or due.tries >= len(WAITS)
        wait: timedelta | None = None if is_over else WAITS[due.tries]
        facts = {"mail_id": due.id, "kind": due.kind, "reason": str(error), "tries": due.tries + 1}
        logger.log(logging.ERROR if is_over else logging.WARNING, "letter not sent", extra=facts)
        _end(due, wait)
    else:
        _end(due, None)


def _end(due: Due, wait: timedelta | None) -> None:
    """`wait`: until the next try; none: there is none."""
    with transaction() as session:
        if wait is None:
            session.execute(delete(Mail).where(Mail.id == due.id))
            return
        later: datetime = clock.database_now(session) + wait
        session.execute(update(Mail).where(Mail.id == due.id).values(next_try_at=later, tries=due.tries + 1))
