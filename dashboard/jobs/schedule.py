"""How often do we look? One table, which the scheduler keeps true in Redis."""

import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from rq.job import Job
from rq_scheduler import Scheduler
from rq_scheduler.utils import to_unix

from .. import clock
from . import queues

logger = logging.getLogger(__name__)

# The scheduler wakes once a second; a killed one's lock must not hold up the next for longer than this.
WAKE_SECONDS, LOCK_SECONDS = 1, 3
# How often the table in Redis is held against this one: Redis may have been emptied.
RECONCILE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Entry:
    """Knock every so many seconds."""

    every_seconds: int
    knock: Callable[[], None]


SCHEDULE: dict[str, Entry] = {
    "work": Entry(1, queues.work_later),
    "resume": Entry(10, queues.resume_later),
    # What is too old by minutes may wait for minutes.
    "retain": Entry(600, queues.retain_later),
    "webhooks": Entry(3, queues.tell_webhooks_later),
    "mail": Entry(30, queues.mail_later),
    "digest": Entry(60, queues.digest_later),
}


class Clock(Scheduler):  # type: ignore[misc]  # rq-scheduler has no types
    """rq-scheduler as a clock: when an entry's time comes it knocks, and nothing is kept in Redis but the times.

    Two at once are harmless: knocks that find enough of their kind waiting are dropped. Each is named by its host.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(interval=WAKE_SECONDS, name=f"{socket.gethostname()}:{uuid4().hex}", **options)
        self._reconcile_at = 0.0

    @classmethod
    def keys_of_this_host(cls) -> str:
        """A pattern for the keys by which schedulers show themselves while they live."""
        return f"{cls.redis_scheduler_namespace_prefix}{socket.gethostname()}:*"

    def acquire_lock(self) -> bool:
        self._lock_acquired = self.connection.set(self.scheduler_lock_key, self.name, ex=LOCK_SECONDS, nx=True)
        return bool(self._lock_acquired)

    def heartbeat(self) -> None:
        super().heartbeat()
        if clock.monotonic() >= self._reconcile_at:
            self._reconcile_at = clock.monotonic() + RECONCILE_SECONDS
            self.reconcile()

    def reconcile(self) -> None:
        """Make what Redis holds equal to the table: entries added, entries that are no longer ours removed."""
        held = {name for name, at in self._due() if name not in SCHEDULE or not _lies_too_far_ahead(name, at)}
        for name in held - SCHEDULE.keys():
            self.cancel(name)
        for name in SCHEDULE.keys() - held:
            logger.debug("schedule entry set", extra={"entry": name})
        for name in SCHEDULE:
            if name not in held or not Job.exists(name, connection=self.connection):
                self._set(name)

    def _due(self) -> Iterator[tuple[str, float]]:
        """What Redis holds, each with its time (seconds since 1970)."""
        for name, at in self.connection.zrange(self.scheduled_jobs_key, 0, -1, withscores=True):
            yield name.decode(), at

    def _set(self, name: str) -> None:
        soon = _naive_now() + timedelta(seconds=WAKE_SECONDS)
        self.schedule(soon, f"{__name__}.{name}", id=name, interval=SCHEDULE[name].every_seconds, result_ttl=-1)

    def enqueue_job(self, job: Job) -> None:
        """The entry's time has come."""
        entry = SCHEDULE.get(job.id)
        if entry is None:
            self.cancel(job.id)
            return
        entry.knock()
        due = to_unix(_naive_now()) + entry.every_seconds
        self.connection.zadd(self.scheduled_jobs_key, {job.id: due})


def _lies_too_far_ahead(name: str, at: float) -> bool:
    """Further than its turn: it was set by a clock that has gone back since."""
    return bool(at > to_unix(_naive_now()) + SCHEDULE[name].every_seconds + WAKE_SECONDS)


def _naive_now() -> datetime:
    """As rq-scheduler wants it: UTC, and not said."""
    return clock.now().replace(tzinfo=None)
