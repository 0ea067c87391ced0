"""What is measured, under which name, and what has this process counted so far?

Each metric is named here once; docs/metrics.md, the Grafana dashboard and the alerts are held against this list by
a test. What the database or Redis knows is asked at the scrape (gauges). What only happens (a request, a call, a
job) is counted here, in the process, and handed over from time to time (jobs/meters): a fork of a worker lives for
one job, so whatever a library kept in its memory or in a file for each pid would be lost or left lying.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """`buckets`: upper bounds in seconds, of a histogram of what is counted in the process."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def type(self) -> Type:
        return Type.HISTOGRAM if self.buckets else Type.GAUGE


_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 1800.0)

REQUESTS = Metric(
    "vestnik_request_seconds",
    "Requests answered, and how long it took.",
    ("route", "method", "status"),
    _QUICK,
)
CALLS = Metric("vestnik_gateway_call_seconds", "Calls to the gateway, by what they came to.", ("verdict",), _QUICK)
JOBS = Metric("vestnik_job_seconds", "Jobs done by the workers.", ("job", "outcome"), _LONG)
STARTS = Metric("vestnik_start_lateness_seconds", "How late mailings were started.", (), _LONG)

DATABASE = Metric("vestnik_database_up", "1 while the database answers.")
REDIS = Metric("vestnik_redis_up", "1 while Redis answers.")
MESSAGES = Metric("vestnik_messages", "Messages by where they stand; outcomes of all times.", ("status",))
DUE = Metric("vestnik_messages_due", "Messages that may leave at this moment and have not left.")
RUNNING = Metric("vestnik_mailings", "Mailings that are not over, by state.", ("state",))
BREAKER = Metric("vestnik_breaker_open", "1 while the breaker keeps everything from the gateway.")
STOPPED = Metric("vestnik_global_stop", "1 while somebody has stopped everything.")
HEARTBEAT = Metric("vestnik_heartbeat_age_seconds", "How long ago a part last showed that it lives.", ("name",))
WEBHOOKS = Metric("vestnik_webhook_deliveries_waiting", "Deliveries to webhooks that wait for a try.")
IMPORTS = Metric("vestnik_imports_waiting", "Imports that wait for a worker, or are under way.")
TOKEN = Metric(
    "vestnik_gateway_token_expiry_timestamp_seconds", "When the gateway's token runs out, if it says so."
)
QUEUE_LENGTH = Metric("vestnik_queue_jobs", "Jobs that wait in a queue.", ("queue",))
QUEUE_AGE = Metric("vestnik_queue_age_seconds", "How long the oldest job has waited in a queue.", ("queue",))
WORKERS = Metric("vestnik_workers", "Workers that listen to a queue.", ("queue",))
SCHEDULERS = Metric("vestnik_schedulers", "Schedulers that live.")
POOL_IN_USE = Metric("vestnik_database_pool_in_use", "Connections in use, of all web processes.")
POOL_SIZE = Metric("vestnik_database_pool_size", "Connections that web processes may hold, without overflow.")

COUNTED = (REQUESTS, CALLS, JOBS, STARTS)
ASKED = (
    *(DATABASE, REDIS, MESSAGES, DUE, RUNNING, BREAKER, STOPPED, HEARTBEAT, WEBHOOKS, IMPORTS, TOKEN),
    *(QUEUE_LENGTH, QUEUE_AGE, WORKERS, SCHEDULERS, POOL_IN_USE, POOL_SIZE),
)
ALL = (*COUNTED, *ASKED)

# Metric, labels, and the number of a bucket, or -1 for the sum of what was observed.
Key = tuple[str, tuple[str, ...], int]
SUM = -1

_lock = threading.Lock()
_counted: dict[Key, float] = {}


def observe(metric: Metric, seconds: float, *labels: str) -> None:
    observe_all(metric, (seconds,), *labels)


def observe_all(metric: Metric, values: Iterable[float], *labels: str) -> None:
    """The same for many, under one lock."""
    bounds, total = metric.buckets, 0.0
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
        total += value
    with _lock:
        for bucket, count in enumerate(counts):
            if count:
                _add((metric.name, labels, bucket), count)
        _add((metric.name, labels, SUM), total)


def _add(key: Key, value: float) -> None:
    _counted[key] = _counted.get(key, 0) + value


def take() -> dict[Key, float]:
    """All that has been counted since this was asked last, for somebody who keeps it."""
    with _lock:
        taken = dict(_counted)
        _counted.clear()
    return taken


def give_back(taken: Mapping[Key, float]) -> None:
    """It could not be kept."""
    with _lock:
        for key, value in taken.items():
            _add(key, value)
