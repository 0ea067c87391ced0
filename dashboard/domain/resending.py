"""How do messages that have failed come to be sent again, under the numbers they have?"""

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, db, retrying, transaction
from ..models import Lane, Mailing, Message, Status
from . import audit, bulk, mailings, reopening, tallies
from .audit import Thing
from .errors import Conflict, Invalid, Problem
from .permissions import Actor, require_launching
from .tallies import Move, Place

logger = logging.getLogger(__name__)

# Messages of one transaction: about 50 ms on either database, so that nobody waits long for SQLite's one lock.
AT_ONCE = 1_000
# So long one press of a button works at most.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the audit log is told; `look` may refuse the mailing as it stands before the first message."""

    verb: str
    after: Mapping[str, Any]
    look: Callable[[Mailing], None] | None = None


def resend(
    actor: Actor,
    mailing_id: int,
    reasons: Collection[str] | None = None,
    ends_at: datetime | None = None,
    look: Callable[[Mailing], None] | None = None,
) -> int:
    """Let the failed ones wait anew, as if never tried; of these reasons, or all. How many.

    A finished mailing runs again; a paused one waits. Needs an end that lies ahead: `ends_at` if the mailing's has
    passed (it never shortens one). Who has no window left before it stays failed. May be pressed again, also after
    a crash. `look` is shown the mailing, held, before the first of them, and may raise.
    Raises Forbidden, NotFound, Conflict and Invalid.
    """
    return requeue(actor, mailing_id, _failed(reasons), ends_at, replace(_told(reasons, ends_at), look=look))


def resend_some(
    actor: Actor, mailing_id: int, reasons: Collection[str] | None, ends_at: datetime | None
) -> tuple[int, bool]:
    """The same, but not for longer than a person waits for a page; and whether that was all."""
    return _requeue(actor, mailing_id, _failed(reasons), ends_at, _told(reasons, ends_at), PATIENCE_SECONDS)


def _told(reasons: Collection[str] | None, ends_at: datetime | None) -> Told:
    return Told("resend", {"reasons": None if reasons is None else sorted(reasons), "ends_at": ends_at})


def _failed(reasons: Collection[str] | None) -> ColumnElement[bool]:
    # Who has been erased has no phone any more.
    failed = (Message.unsent == Status.FAILED.value) & ~Message.phone.startswith("0")
    return failed if reasons is None else failed & Message.reason.in_(reasons)


def requeue(
    actor: Actor, mailing_id: int, those: ColumnElement[bool], ends_at: datetime | None, told: Told
) -> int:
    """The same for settled messages of any kind, in short transactions; the first writes down what is done.

    Only for what was settled before: what is refused again meanwhile would otherwise go round for ever.
    """
    return _requeue(actor, mailing_id, those, ends_at, told)[0]


def _requeue(
    actor: Actor,
    mailing_id: int,
    those: ColumnElement[bool],
    ends_at: datetime | None,
    told: Told,
    patience: float = math.inf,
) -> tuple[int, bool]:
    require_launching(actor)
    give_up_at = clock.monotonic() + patience
    begun_at = clock.database_now(db.session())
    chosen = and_(Message.mailing_id == mailing_id, those, Message.settled_at <= begun_at)
    count, is_whole = 0, False
    while not is_whole:
        first = told if count == 0 else None
        some = retrying(partial(_requeue_some, actor, mailing_id, chosen, ends_at, first))
        count, is_whole = count + some, some == 0
        if clock.monotonic() >= give_up_at:
            break
    if count:
        logger.info("messages requeued", extra={"mailing_id": mailing_id, "count": count, "user_id": actor.id})
    return count, is_whole


def _requeue_some(
    actor: Actor, mailing_id: int, chosen: ColumnElement[bool], ends_at: datetime | None, first: Told | None
) -> int:
    with transaction() as session:
        mailing = mailings.locked(session, actor, mailing_id)
        if first and first.look:
            first.look(mailing)
        if mailing.state not in reopening.REOPENABLE:
            raise Conflict("cannot_resend")
        reopening.require_messages(mailing)
        if session.scalar(select(Message.id).where(chosen).limit(1)) is None:
            return 0
        reopening.prepare(session, mailing, ends_at)
        opens = select(Lane.timezone).where(Lane.mailing_id == mailing_id, Lane.opens_at.is_not(None))
        rows = lock_some(session, chosen & Message.timezone.in_(opens))
        if rows:
            reopening.reopen(session, mailing)
            _let_wait(session, rows)
            if first:
                audit.note(session, actor, first.verb, Thing.MAILING, mailing_id, after=first.after)
        elif first:
            raise Invalid([Problem("ends_at", "no_window_left")])
        return len(rows)


def lock_some(session: Session, chosen: ColumnElement[bool]) -> Sequence[AnyRow]:
    """A transaction's worth of settled messages: found in their index's order, locked in that of their numbers."""
    some = select(Message.id).where(chosen).order_by(Message.phone).limit(AT_ONCE)
    query = (
        select(
            Message.id,
            Message.mailing_id,
            Message.operator_code,
            Message.timezone,
            Message.status,
            Message.reason,
            Message.settled_at,
        )
        .where(Message.id.in_(some), chosen)
        .order_by(Message.id)
        .with_for_update()
    )
    return session.execute(query).all()


def _let_wait(session: Session, rows: Sequence[AnyRow]) -> None:
    session.execute(
        update(Message)
        .where(bulk.any_of(Message.id.expression, [row.id for row in rows]))
        .values(
            status=Status.QUEUED,
            reason=None,
            send_after=clock.database_now(session),
            tries=0,
            settled_at=None,
            duration_ms=None,
        ),
        execution_options={"synchronize_session": False},
    )
    tallies.record(session, (Move(*_kind(row), place_of(row), Place(Status.QUEUED)) for row in rows))


def _kind(row: AnyRow) -> tuple[int, str, str]:
    return row.mailing_id, row.operator_code, row.timezone


def place_of(row: AnyRow) -> Place:
    """Where a settled message stands in the books."""
    return Place(row.status, row.reason, row.settled_at)
