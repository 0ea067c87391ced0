"""Where is kept what all processes count together, and what does a scrape find?

In one hash in Redis: each process adds what it has counted since it last did (HINCRBYFLOAT, atomic), a web process
once a second, a job at its end. So the figures are right with any number of processes and forks, whoever is
scraped. A killed process takes its last second (its job's) along; a Redis that was emptied begins at zero, which
Prometheus knows how to read. While Redis is away each process keeps what it has.
"""

import atexit
import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from flask import Flask, current_app
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job
from rq_scheduler import Scheduler

from .. import clock, metrics
from ..database import db
from . import queues

KEPT, POOLS = "vestnik:metrics", "vestnik:metrics:pools"
FLUSH_SECONDS = 1.0
# A process that has not said for so long how its pool stands is gone.
POOL_SECONDS = 60
# Histogram: labels, [(upper bound, how many up to it)], sum.
Histogram = tuple[tuple[str, ...], list[tuple[str, float]], float]


def flush() -> bool:
    """Hand over what this process has counted. False: Redis is away, and it is kept."""
    taken = metrics.take()
    try:
        with queues.connection().pipeline(transaction=False) as pipeline:
            for key, value in taken.items():
                pipeline.hincrbyfloat(KEPT, json.dumps(key), value)
            pipeline.execute()
    except RedisError:
        metrics.give_back(taken)
        return False
    return True


def start_flushing(app: Flask) -> None:
    """From now on, in a thread of its own: no request waits for it. Once a process; after a fork, not before."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(FLUSH_SECONDS):
            with app.app_context():
                flush()
                _tell_pool()

    def last() -> None:
        over.set()
        with app.app_context():
            flush()

    threading.Thread(target=again, name="metrics", daemon=True).start()
    atexit.register(last)


def _tell_pool() -> None:
    pool: Any = db.engine.pool
    told = json.dumps([clock.now().timestamp(), pool.checkedout(), pool.size()])
    try:
        queues.connection().hset(POOLS, f"{os.uname().nodename}:{os.getpid()}", told)
    except RedisError:
        return  # it is told again in a second


def histograms() -> dict[str, list[Histogram]]:
    """All that was counted, by metric. Raises RedisError."""
    found: dict[tuple[str, tuple[str, ...]], dict[int, float]] = defaultdict(dict)
    for field, value in queues.connection().hgetall(KEPT).items():
        name, labels, bucket = json.loads(field)
        found[name, tuple(labels)][bucket] = float(value)
    told: dict[str, list[Histogram]] = defaultdict(list)
    for metric in metrics.COUNTED:
        for (name, labels), values in sorted(found.items()):
            if name == metric.name and len(labels) == len(metric.labels):
                told[name].append((labels, list(_cumulated(metric.buckets, values)), values.get(metrics.SUM, 0.0)))
    return told


def _cumulated(bounds: tuple[float, ...], values: dict[int, float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for number, bound in enumerate((*map(str, bounds), "+Inf")):
        total += values.get(number, 0.0)
        yield bound, total


def pools() -> tuple[int, int]:
    """Connections in use and those that may be held, of all web processes. Raises RedisError."""
    redis = queues.connection()
    now = clock.now().timestamp()
    in_use = size = 0
    for process, told in redis.hgetall(POOLS).items():
        at, used, held = json.loads(told)
        if now - at > POOL_SECONDS:
            redis.hdel(POOLS, process)
        else:
            in_use, size = in_use + used, size + held
    return in_use, size


def queue_lengths() -> dict[str, tuple[int, float]]:
    """Of each queue: how many jobs wait, and for how long the oldest has (seconds). Raises RedisError."""
    found = {}
    for name in queues.QUEUES:
        queue = queues.queue(name)
        oldest = next(iter(queue.get_job_ids(0, 1)), None)
        found[name] = (queue.count, _age(queue.fetch_job(oldest)) if oldest else 0.0)
    return found


def _age(job: Job | None) -> float:
    if job is None or job.enqueued_at is None:
        return 0.0
    return max(0.0, (clock.now() - job.enqueued_at.replace(tzinfo=UTC)).total_seconds())


def workers() -> dict[str, int]:
    """How many listen to each queue; RQ forgets one that was silent for 20 seconds. Raises RedisError."""
    return {name: len(Worker.all(queue=queues.queue(name))) for name in queues.QUEUES}


def schedulers() -> int:
    """How many live: RQ-scheduler's keys run out ten seconds after the last sign. Raises RedisError."""
    keys = queues.connection().scan_iter(f"{Scheduler.redis_scheduler_namespace_prefix}*")
    return sum(1 for _key in keys)


def is_on() -> bool:
    return bool(current_app.config["SETTINGS"].metrics_token)
