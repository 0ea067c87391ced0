"""How does a file become clients? The body of the background job.

A run holds a lease, so that two never work on one import, and writes batches: the clients, the problems, the
counters and the checkpoint of a batch are one transaction. A run that was killed leaves whole batches behind,
and the next one goes on after the last of them.
"""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from ... import clock
from ...database import db, end_reading, retrying, transaction
from ...models import Import, ImportState, KnownPhones
from . import writing
from .reader import Reader
from .rows import BadRow, Row
from .text import UnreadableError

logger = logging.getLogger(__name__)

# Rows of one transaction: a few tens of milliseconds, for which everybody else on SQLite waits.
BATCH = 1_000
# Many times a batch. A run whose worker was killed is taken over after so long.
LEASE = timedelta(seconds=60)
# After so long a run lets go, so that a worker that is told to stop never waits long for it.
WORKING_SECONDS = 10.0
UNFINISHED = (ImportState.WAITING, ImportState.RUNNING)


@dataclass(frozen=True, slots=True)
class _Run:
    """What was true when the lease was taken."""

    import_id: int
    token: str
    owner_id: int
    timezone: str
    known: KnownPhones
    rows_read: int


class _LeaseLostError(Exception):
    """The import was cancelled, or somebody else has taken it over."""


def run(import_id: int, folder: Path, seconds: float = WORKING_SECONDS) -> bool:
    """Work on the import for about `seconds`. False: there is more to do, knock again.

    True also where there is nothing to do: it has ended, or another run holds it.
    """
    path = folder / str(import_id)
    taken = _take(import_id)
    has_ended = True
    if taken is not None:
        has_ended = _work(taken, path, clock.monotonic() + seconds)
    if has_ended:
        _discard(import_id, path)
    return has_ended


def _take(import_id: int) -> _Run | None:
    with transaction() as session:
        now = clock.database_now(session)
        lapsed = and_(Import.state == ImportState.RUNNING, Import.lease_until <= now)
        free = or_(Import.state == ImportState.WAITING, lapsed)
        found = session.scalar(select(Import).where(Import.id == import_id, free).with_for_update())
        if found is None:
            return None
        found.state = ImportState.RUNNING
        found.started_at = found.started_at or now
        found.lease_token, found.lease_until = secrets.token_hex(16), now + LEASE
        return _Run(found.id, found.lease_token, found.owner_id, found.timezone, found.known, found.rows_read)


def _work(taken: _Run, path: Path, until: float) -> bool:
    """False: the time was up first."""
    try:
        if not _read(taken, path, until):
            return False
        _end(taken, ImportState.FINISHED)
    except _LeaseLostError:
        logger.info("import was cancelled or taken over", extra={"import_id": taken.import_id})
    except FileNotFoundError:
        _fail(taken, "file_lost")
    except UnreadableError as error:
        _fail(taken, error.code)
    except (OperationalError, InterfaceError):
        raise  # the database was away or busy: the lease lapses, and another run goes on
    except Exception:
        _fail(taken, "unexpected")
        raise
    return True


def _read(taken: _Run, path: Path, until: float) -> bool:
    with Reader(path) as reader:
        if taken.rows_read == 0:
            _note_header(taken, reader.header_faults)
        for batch in _batches(reader.rows(skip=taken.rows_read)):
            _write(taken, batch, reader.bytes_read)
            if clock.monotonic() > until:
                _let_go(taken)
                return False
    return True


def _batches(rows: Iterator[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _note_header(taken: _Run, faults: list[BadRow]) -> None:
    """Faults of the header are told like those of rows, but count as none: no client is lost."""
    with transaction() as session:
        _held(session, taken)
        writing.note_once(session, taken.import_id, faults)


def _write(taken: _Run, batch: list[Row | BadRow], bytes_read: int) -> None:
    def work() -> None:
        with transaction() as session:
            now = _held(session, taken)
            target = writing.Target(taken.import_id, taken.owner_id, taken.timezone, taken.known, now)
            outcome = writing.write(session, target, batch)
            session.execute(
                update(Import)
                .where(Import.id == taken.import_id)
                .values(
                    lease_until=now + LEASE,
                    bytes_read=bytes_read,
                    rows_read=Import.rows_read + len(batch),
                    created=Import.created + outcome.created,
                    updated=Import.updated + outcome.updated,
                    unchanged=Import.unchanged + outcome.unchanged,
                    bad=Import.bad + len(outcome.bad),
                )
                .execution_options(synchronize_session=False)
            )

    retrying(work)


def _held(session: Session, taken: _Run) -> datetime:
    """Hold the import's row until the transaction ends: nobody cancels it or takes it over."""
    mine = select(Import.id).where(
        Import.id == taken.import_id,
        Import.state == ImportState.RUNNING,
        Import.lease_token == taken.token,
    )
    if session.scalar(mine.with_for_update()) is None:
        raise _LeaseLostError
    return clock.database_now(session)


def _let_go(taken: _Run) -> None:
    with transaction() as session:
        now = _held(session, taken)
        session.execute(update(Import).where(Import.id == taken.import_id).values(lease_until=now))


def _fail(taken: _Run, code: str) -> None:
    logger.warning("import failed", extra={"import_id": taken.import_id, "code": code})
    try:
        _end(taken, ImportState.FAILED, code)
    except _LeaseLostError:
        logger.info("import was cancelled or taken over", extra={"import_id": taken.import_id})


def _end(taken: _Run, state: ImportState, failure: str | None = None) -> None:
    with transaction() as session:
        now = _held(session, taken)
        ended = update(Import).where(Import.id == taken.import_id)
        session.execute(ended.values(state=state, failure=failure, finished_at=now, lease_until=None))


def _discard(import_id: int, path: Path) -> None:
    """The file goes once its import has ended, whoever ended it."""
    state = db.session.scalar(select(Import.state).where(Import.id == import_id))
    end_reading()
    if state not in UNFINISHED:
        path.unlink(missing_ok=True)
