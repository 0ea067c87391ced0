"""How does a file become clients? The body of the background job.

A run holds a lease, so that two never work on one import, and writes batches: the clients, the problems, the
counters and the checkpoint of a batch are one transaction. A run that was killed leaves whole batches behind,
and the next one goes on after the last of them.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError

from ... import clock
from ...database import db, end_reading, retrying, transaction
from ...models import Import, ImportState
from . import checking, files, leases, writing
from .checking import Stopped
from .deciding import Target
from .layout import FileLimits
from .leases import Held, LeaseLostError
from .rows import Row
from .staging import StagedRows
from .text import UnreadableError

logger = logging.getLogger(__name__)

# Rows of one transaction. On SQLite everybody else waits for as long as it takes, about a tenth of a second;
# PostgreSQL locks rows that nobody else knows yet, and is a tenth quicker with longer ones.
BATCHES = {"sqlite": 3_000, "postgresql": 10_000}
# After so long a run lets go, so that imports take turns.
WORKING_SECONDS = 10.0
ENDED = (ImportState.FINISHED, ImportState.FAILED, ImportState.CANCELLED)


def run(
    import_id: int,
    folder: Path,
    limits: FileLimits,
    seconds: float = WORKING_SECONDS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """The dry run, or some `seconds` of the run that writes. False: there is more to do, knock again.

    True also where there is nothing to do: it has ended, waits for a person, or another run holds it.
    """
    held = leases.take(import_id)
    if held is None:
        _discard_if_ended(import_id, folder)
        return True
    is_done = _work(held, folder, limits, clock.monotonic() + seconds, is_stopping)
    _discard_if_ended(import_id, folder)
    return is_done


def _work(held: Held, folder: Path, limits: FileLimits, until: float, is_stopping: Callable[[], bool]) -> bool:
    """False: time was up, or a stop was asked for, first."""
    try:
        if held.row.state is ImportState.CHECKING:
            checking.check(held, folder, limits, is_stopping)
            return not held.row.starts_itself
        else:
            _write(held, folder, until, is_stopping)
            leases.end(held, ImportState.FINISHED)
    except Stopped:
        leases.let_go(held)
        return False
    except LeaseLostError:
        logger.info("import was cancelled or taken over", extra={"import_id": held.import_id})
    except FileNotFoundError:
        leases.fail(held, "file_lost")
    except UnreadableError as error:
        leases.fail(held, error.code)
    except (OperationalError, InterfaceError):
        raise  # the database was away or busy: the lease lapses, and another run goes on
    except Exception:
        leases.fail(held, "unexpected")
        raise
    return True


def batch_size() -> int:
    return BATCHES[db.engine.dialect.name]


def _write(held: Held, folder: Path, until: float, is_stopping: Callable[[], bool]) -> None:
    """The next batch is read while one is written: then most of the time the database works, and this waits."""
    staged = files.staged(folder, held.import_id)
    size = batch_size()
    with StagedRows(staged) as rows, ThreadPoolExecutor(1) as reader:
        following = reader.submit(rows.after, held.row.rows_done, size)
        while batch := following.result():
            following = reader.submit(rows.after, batch[-1].place, size)
            _write_batch(held, batch)
            if is_stopping() or clock.monotonic() > until:
                raise Stopped


def _write_batch(held: Held, batch: list[Row]) -> None:
    row = held.row
    target = Target(row.id, row.owner_id, row.timezone, row.known)

    def work() -> None:
        # Its progress is in it, so a batch that a power cut takes is read again. The run's end does wait for the
        # disk, and with it all batches have reached it; only then does the file go.
        with transaction(may_be_lost=True) as session:
            now = leases.hold(session, held)
            made = writing.write(session, target, batch, now)
            leases.change(
                session,
                held,
                lease_until=now + leases.LEASE,
                rows_done=batch[-1].place,
                rows_read=Import.rows_read + len(batch),
                created=Import.created + made.created,
                updated=Import.updated + made.updated,
                unchanged=Import.unchanged + made.unchanged,
                bad=Import.bad + len(made.bad),
            )

    retrying(work)


def _discard_if_ended(import_id: int, folder: Path) -> None:
    """The files go once their import has ended, whoever ended it."""
    state = db.session.scalar(select(Import.state).where(Import.id == import_id))
    end_reading()
    if state is None or state in ENDED:
        files.discard(folder, import_id)
