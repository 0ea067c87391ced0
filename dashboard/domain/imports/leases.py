"""Who works on an import? One run at a time, by a lease that outlives no cancel and no change of mind."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from ... import clock
from ...database import transaction
from ...models import Import, ImportState

logger = logging.getLogger(__name__)

# Many times a batch. A run whose worker was killed is taken over after so long.
LEASE = timedelta(seconds=60)


# What makes a checked import go on: it counts anew, what the dry run has refused is read already.
GO_AHEAD: dict[str, Any] = {
    "state": ImportState.WAITING,
    "rows_done": 0,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "rows_read": Import.bad + Import.duplicates,
}


@dataclass(frozen=True, slots=True)
class Held:
    """The import as it was when the lease was taken."""

    row: Import
    token: str

    @property
    def import_id(self) -> int:
        return self.row.id


class LeaseLostError(Exception):
    """The import was cancelled or changed, or somebody else has taken it over."""


def is_idle(now: datetime) -> ColumnElement[bool]:
    """There is something to do, and nobody does it."""
    worked_on = Import.state.in_((ImportState.CHECKING, ImportState.RUNNING))
    lapsed = or_(Import.lease_until.is_(None), Import.lease_until <= now)
    return or_(Import.state == ImportState.WAITING, and_(worked_on, lapsed))


def take(import_id: int) -> Held | None:
    with transaction() as session:
        now = clock.database_now(session)
        found = session.scalar(select(Import).where(Import.id == import_id, is_idle(now)).with_for_update())
        if found is None:
            return None
        if found.state is ImportState.WAITING:
            found.state = ImportState.RUNNING
            found.started_at = now
        found.lease_token, found.lease_until = secrets.token_hex(16), now + LEASE
        session.flush()
        session.expunge(found)
        return Held(found, found.lease_token)


def hold(session: Session, held: Held) -> datetime:
    """Hold the import's row until the transaction ends: nobody cancels it or takes it over. Answers the time.

    Raises LeaseLostError.
    """
    mine = select(Import.id).where(
        Import.id == held.import_id, Import.state == held.row.state, Import.lease_token == held.token
    )
    if session.scalar(mine.with_for_update()) is None:
        raise LeaseLostError
    return clock.database_now(session)


def change(session: Session, held: Held, **values: Any) -> None:
    """Of a row that is held."""
    statement = update(Import).where(Import.id == held.import_id).values(**values)
    session.execute(statement.execution_options(synchronize_session=False))


def let_go(held: Held) -> None:
    """Somebody else may go on at once."""
    with transaction() as session:
        change(session, held, lease_until=hold(session, held))


def end(held: Held, state: ImportState, failure: str | None = None) -> None:
    with transaction() as session:
        now = hold(session, held)
        change(session, held, state=state, failure=failure, finished_at=now, lease_until=None)


def fail(held: Held, code: str) -> None:
    logger.warning("import failed", extra={"import_id": held.import_id, "code": code})
    try:
        end(held, ImportState.FAILED, code)
    except LeaseLostError:
        logger.info("import was cancelled or taken over", extra={"import_id": held.import_id})
