"""What does Prometheus read? Asked with a token of its own; without METRICS_TOKEN there is no such page."""

import hmac
from collections.abc import Callable, Iterator, Sequence

from flask import Blueprint, Flask, Response, abort, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from .. import metrics
from ..database import db
from ..domain import watching
from ..gateway import token_expires_at
from ..jobs import meters
from ..marks import open_to_all

# Labels, and the value.
Sample = tuple[tuple[str, ...], float]

blueprint = Blueprint("metrics", __name__)


def init_app(app: Flask) -> None:
    """The first request of a process begins the handing over; before it, the process may still fork."""
    if not app.config["SETTINGS"].metrics_token:
        return
    has_begun: list[bool] = []

    @app.before_request
    def begin() -> None:
        if not has_begun:
            has_begun.append(True)
            meters.start_flushing(app)


@blueprint.get("/metrics")
@open_to_all
def show() -> Response:
    settings = current_app.config["SETTINGS"]
    if not settings.metrics_token:
        abort(404)
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {settings.metrics_token}".encode()):
        return Response("a token is asked for\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Scrape(Collector):
    """What cannot be asked, because its server is away, is left out; that it is away is told."""

    def collect(self) -> Iterator[Metric]:
        yield from _asked(metrics.DATABASE, _of_database, SQLAlchemyError)
        yield from _asked(metrics.REDIS, _of_redis, RedisError)
        expires_at = token_expires_at(current_app.config["SETTINGS"].gateway_token)
        if expires_at is not None:
            yield _gauge(metrics.TOKEN, [((), expires_at.timestamp())])


def _asked(up: metrics.Metric, ask: Callable[[], list[Metric]], trouble: type[Exception]) -> Iterator[Metric]:
    try:
        found = ask()
    except trouble:
        if up is metrics.DATABASE:
            db.session.rollback()
        yield _gauge(up, [((), 0)])
        return
    yield _gauge(up, [((), 1)])
    yield from found


def _of_database() -> list[Metric]:
    now = watching.standing()
    ages = [((name,), (now.at - at).total_seconds()) for name, at in sorted(now.heartbeats.items())]
    return [
        _gauge(metrics.MESSAGES, [((status.value,), n) for status, n in now.messages.items()]),
        _gauge(metrics.DUE, [((), now.due)]),
        _gauge(metrics.RUNNING, [((state.value,), n) for state, n in now.mailings.items()]),
        _gauge(metrics.BREAKER, [((), now.is_breaker_open)]),
        _gauge(metrics.STOPPED, [((), now.is_stopped)]),
        _gauge(metrics.HEARTBEAT, ages),
        _gauge(metrics.WEBHOOKS, [((), now.webhooks_waiting)]),
        _gauge(metrics.IMPORTS, [((), now.imports_waiting)]),
    ]


def _of_redis() -> list[Metric]:
    meters.flush()
    counted = meters.histograms()
    lengths, (in_use, size) = meters.queue_lengths(), meters.pools()
    return [
        *(_histogram(metric, counted[metric.name]) for metric in metrics.COUNTED),
        _gauge(metrics.QUEUE_LENGTH, [((name,), count) for name, (count, _age) in lengths.items()]),
        _gauge(metrics.QUEUE_AGE, [((name,), age) for name, (_count, age) in lengths.items()]),
        _gauge(metrics.WORKERS, [((name,), count) for name, count in meters.workers().items()]),
        _gauge(metrics.SCHEDULERS, [((), meters.schedulers())]),
        _gauge(metrics.POOL_IN_USE, [((), in_use)]),
        _gauge(metrics.POOL_SIZE, [((), size)]),
    ]


def _gauge(metric: metrics.Metric, samples: Sequence[Sample]) -> Metric:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(metric: metrics.Metric, counted: list[meters.Histogram]) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, buckets, total in counted:
        family.add_metric(labels, buckets, total)
    return family
