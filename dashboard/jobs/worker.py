"""How does a worker run a job: in a forked child, with connections of its own?"""

import gc
import logging
import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from .. import clock, logs, metrics
from ..database import forget_connections
from . import meters, queues

logger = logging.getLogger(__name__)

# Short, so that a worker that was killed is forgotten within seconds and a waiting one notices a new Redis.
# RQ waits for a job for (worker_ttl - 15) seconds at a time.
WORKER_TTL_SECONDS = 20
# What the parent passes on to its child when it is told to stop: begin nothing more, end what is under way.
STOP_SIGNAL = signal.SIGUSR1
MONITORING_SECONDS = 5
MAINTENANCE_SECONDS = 10


class ForkingWorker(Worker):
    """The application is built once, in the parent; each job runs in a fork that opens its own connections."""

    max_connection_wait_time = 2.0

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        # Until the job says what to do with it.
        signal.signal(STOP_SIGNAL, signal.SIG_IGN)
        forget_connections()
        metrics.take()  # what the parent has counted is not ours
        with logs.working_for(request=job.meta.get("request_id", ""), job=job.id):
            super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """In the child, which hands over what it has counted before it ends."""
        began = clock.monotonic()
        is_done = super().perform_job(job, queue)
        name = (job.func_name or "").rpartition(".")[2]
        metrics.observe(metrics.JOBS, clock.monotonic() - began, name, "ok" if is_done else "failed")
        if meters.is_on():
            meters.flush()
        return is_done

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """RQ would write the whole traceback as one text, with whatever the error says of phones and texts."""
        logger.error("job failed", exc_info=exc_info[1], extra={"task": job.func_name})

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Told to stop: the child brings its job to an early end, and RQ waits for it."""
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, STOP_SIGNAL)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def build(queue_name: str) -> ForkingWorker:
    """One queue a worker: RQ takes from several in a way that can lose a job when it dies in between."""
    forget_connections()
    # What the application is made of lives as long as its children: their garbage collector need not look at it.
    gc.freeze()
    options: dict[str, Any] = {
        "worker_ttl": WORKER_TTL_SECONDS,
        "job_monitoring_interval": MONITORING_SECONDS,
        "maintenance_interval": MAINTENANCE_SECONDS,
    }
    return ForkingWorker(
        [queues.queue(queue_name)],
        connection=queues.connection(),
        serializer=JSONSerializer,
        log_job_description=False,
        **options,
    )
