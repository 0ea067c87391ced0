"""How is a change of many clients carried out? Batch after batch, each one transaction with its own checkpoint.

A run holds a lease, so that two never work on one change. One that was killed leaves whole batches behind, and the
next one goes on after the last of them.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import end_reading, retrying, transaction
from ..models import ChangeState, ClientChange, ClientVerb, User
from . import client_bulk_verbs, client_lists
from .client_bulk import Selection, is_idle, still_selected
from .permissions import Actor, may_change

logger = logging.getLogger(__name__)

# Clients of one transaction: a few tens of milliseconds, for which everybody else on SQLite waits.
BATCH = 1_000
# Many times a batch. A run whose worker was killed is taken over after so long.
LEASE = timedelta(seconds=60)
# After so long a run lets go, so that a worker that is told to stop never waits long for it.
WORKING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Run:
    """What was true when the lease was taken."""

    change_id: int
    token: str
    actor: Actor
    verb: ClientVerb
    tag: str
    selection: Selection
    through: int
    last_id: int


class _LeaseLostError(Exception):
    """The change was cancelled, or somebody else has taken it over."""


def run(change_id: int, seconds: float = WORKING_SECONDS) -> bool:
    """Work on it for about `seconds`. False: there is more to do, knock again.

    True also where there is nothing to do: it has ended, or another run holds it.
    """
    taken = _take(change_id)
    if taken is None:
        return True
    until, last_id = clock.monotonic() + seconds, taken.last_id
    try:
        while ids := _next(taken, last_id):
            _write(taken, ids)
            last_id = ids[-1]
            if clock.monotonic() > until:
                _release(taken, {"lease_until": None, "state": ChangeState.WAITING})
                return False
        _release(taken, {"lease_until": None, "state": ChangeState.FINISHED}, ended=True)
    except _LeaseLostError:
        logger.info("change of clients was cancelled or taken over", extra={"change_id": change_id})
    return True


def _take(change_id: int) -> _Run | None:
    """Whoever asked may have lost the right since: then nothing more is done."""
    with transaction() as session:
        now = clock.database_now(session)
        mine = select(ClientChange).where(ClientChange.id == change_id, is_idle(now))
        row = session.scalar(mine.with_for_update())
        if row is None:
            return None
        user = session.get_one(User, row.actor_id)
        actor = Actor(user.id, user.role)
        if not user.is_active or not may_change(actor):
            row.state, row.finished_at = ChangeState.CANCELLED, now
            return None
        row.state, row.started_at = ChangeState.RUNNING, row.started_at or now
        row.lease_token, row.lease_until = secrets.token_hex(16), now + LEASE
        return _Run(
            change_id=row.id,
            token=row.lease_token,
            actor=actor,
            verb=row.verb,
            tag=row.tag or "",
            selection=Selection.of(row.selection),
            through=row.through,
            last_id=row.last_id,
        )


def _next(taken: _Run, last_id: int) -> list[int]:
    """Looked for before the transaction, so that nobody waits for it."""
    if taken.selection.wanted is None:
        return sorted(each for each in taken.selection.ids if last_id < each <= taken.through)[:BATCH]
    ids = client_lists.ids_after(taken.actor, taken.selection.wanted, last_id, taken.through, BATCH)
    end_reading()
    return ids


def _write(taken: _Run, ids: Sequence[int]) -> None:
    def work() -> None:
        with transaction() as session:
            now = _held(session, taken)
            wanted = still_selected(taken.actor, taken.selection)
            done = client_bulk_verbs.do(session, taken.verb, taken.tag, taken.actor, ids, wanted, now)
            values = {
                "last_id": ids[-1],
                "seen": ClientChange.seen + len(ids),
                "changed": ClientChange.changed + done.changed,
                "refused": ClientChange.refused + done.refused,
                "lease_until": now + LEASE,
            }
            mine = update(ClientChange).where(ClientChange.id == taken.change_id).values(values)
            session.execute(mine.execution_options(synchronize_session=False))

    retrying(work)


def _held(session: Session, taken: _Run) -> datetime:
    """Hold the row until the transaction ends: nobody cancels it or takes it over."""
    mine = select(ClientChange.id).where(
        ClientChange.id == taken.change_id,
        ClientChange.state == ChangeState.RUNNING,
        ClientChange.lease_token == taken.token,
    )
    if session.scalar(mine.with_for_update()) is None:
        raise _LeaseLostError
    return clock.database_now(session)


def _release(taken: _Run, values: dict[str, object], *, ended: bool = False) -> None:
    with transaction() as session:
        now = _held(session, taken)
        more = {"finished_at": now} if ended else {}
        session.execute(update(ClientChange).where(ClientChange.id == taken.change_id).values(**values, **more))
