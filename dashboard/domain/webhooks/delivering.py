"""Who posts what is due, and what does an answer mean?

A worker takes what is due by a lease, so that two never post the same at once; it asks on several threads, which
touch no database. Of one endpoint few are under way, of a failing one a single one, and failing ones together
never have more than half of the threads: nobody waits long for somebody else's dead server.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from ... import clock
from ...database import db, end_reading, retrying, transaction
from ...models import DeliveryState, OffReason, User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from . import deliveries, endpoints, posting, settlements, signing
from .posting import Answer, Ending

logger = logging.getLogger(__name__)

THREADS = 16
MOST_OF_ONE = 4
MOST_FAILING = THREADS // 2
# Endpoints that are looked at in one go, those that have waited longest first.
MOST_LOOKED_AT = 100
# Far beyond the longest call; a worker that was killed is taken over after so long.
LEASE = timedelta(seconds=120)
# After each failed try but the last, give or take a fifth, so that those that failed together come apart.
WAITS = (5, 60, 300, 1_800, 7_200, 28_800)
JITTER = 0.2
GIVE_UP_ON_ENDPOINT = timedelta(days=3)
OLD_SECRET_SIGNS = timedelta(days=1)
GONE = 410
LOOK_SECONDS = 0.2

_rng = random.Random()


@dataclass(frozen=True, slots=True)
class _Task:
    """A delivery, leased."""

    delivery_id: int
    endpoint_id: int
    is_failing: bool
    token: str
    url: str
    name: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


def run(seconds: float, *, private_allowed: bool, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Post what is due, for about so long. True: there is more to do now."""
    until = clock.monotonic() + seconds
    under_way: dict[Future[Answer], _Task] = {}
    deliveries.sweep()
    with ThreadPoolExecutor(THREADS) as pool:
        while clock.monotonic() < until and not is_stopping():
            has_gathered = settlements.gather()
            for task in _claim(list(under_way.values())):
                under_way[pool.submit(_post, task, private_allowed)] = task
            if not under_way and not has_gathered:
                return False
            _write_ended(under_way, 0.0 if has_gathered else LOOK_SECONDS)
        while under_way:
            _write_ended(under_way, None)
    return _is_due()


def _post(task: _Task, private_allowed: bool) -> Answer:
    headers = signing.headers(task.name, clock.now(), task.body, task.secrets)
    return posting.post(task.url, headers, task.body, private_allowed=private_allowed)


def _write_ended(under_way: dict[Future[Answer], _Task], patience: float | None) -> None:
    ended, _rest = wait(under_way, patience, FIRST_COMPLETED)
    for future in ended:
        _write(under_way.pop(future), future.result())


def _due(now: datetime) -> ColumnElement[bool]:
    """Of an endpoint: something is due, and it may be told."""
    waiting = select(WebhookDelivery.id).where(
        WebhookDelivery.endpoint_id == WebhookEndpoint.id, WebhookDelivery.next_try_at <= now
    )
    return WebhookEndpoint.off_reason.is_(None) & User.is_active & waiting.exists()


def _is_due() -> bool:
    query = select(WebhookEndpoint.id).join(User, User.id == WebhookEndpoint.user_id)
    found = db.session.scalar(query.where(_due(clock.database_now(db.session()))).limit(1))
    end_reading()
    return found is not None


def _claim(under_way: Sequence[_Task]) -> list[_Task]:
    """As many as there are free threads, from each endpoint its share."""
    free = THREADS - len(under_way)
    if free <= 0 or not _is_due():
        return []
    return retrying(lambda: _claim_some(free, under_way))


def _claim_some(free: int, under_way: Sequence[_Task]) -> list[_Task]:
    busy = Counter(task.endpoint_id for task in under_way)
    failing = sum(task.is_failing for task in under_way)
    tasks: list[_Task] = []
    with transaction() as session:
        now = clock.database_now(session)
        for endpoint in _endpoints_due(session, now, [each for each in busy if busy[each] >= MOST_OF_ONE]):
            is_failing = endpoint.failing_since is not None
            share = min(free - len(tasks), (1 if is_failing else MOST_OF_ONE) - busy[endpoint.id])
            if is_failing:
                share = min(share, MOST_FAILING - failing)
            if share > 0:
                claimed = _claim_of(session, endpoint, share, now)
                tasks += claimed
                failing += len(claimed) * is_failing
    return tasks


def _endpoints_due(session: Session, now: datetime, full: Sequence[int]) -> Sequence[WebhookEndpoint]:
    """Those that work before those that fail; among them at random, so that each has its turn."""
    query = (
        select(WebhookEndpoint)
        .join(User, User.id == WebhookEndpoint.user_id)
        .where(_due(now), WebhookEndpoint.id.not_in(full))
        .order_by(WebhookEndpoint.failing_since.is_not(None), _at_random())
        .limit(MOST_LOOKED_AT)
    )
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _at_random() -> ColumnElement[int]:
    """An order that differs from time to time, on both databases."""
    return (WebhookEndpoint.id * _rng.randrange(1, 1_000)) % 1_009


def _claim_of(session: Session, endpoint: WebhookEndpoint, count: int, now: datetime) -> list[_Task]:
    rows = session.execute(
        select(WebhookDelivery.id, WebhookEvent.name, WebhookEvent.body)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.next_try_at <= now)
        .order_by(WebhookDelivery.next_try_at, WebhookDelivery.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    ).all()
    token = token_hex(16)
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_([row.id for row in rows]))
        .values(lease_token=token, next_try_at=now + LEASE),
        execution_options={"synchronize_session": False},
    )
    signing_secrets = _secrets(endpoint, now)
    is_failing = endpoint.failing_since is not None
    return [
        _Task(row.id, endpoint.id, is_failing, token, endpoint.url, row.name, row.body.encode(), signing_secrets)
        for row in rows
    ]


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    is_fresh = endpoint.rotated_at is not None and now - endpoint.rotated_at < OLD_SECRET_SIGNS
    return (endpoint.secret, endpoint.old_secret) if is_fresh and endpoint.old_secret else (endpoint.secret,)


def _write(task: _Task, answer: Answer) -> None:
    """The endpoint before its deliveries, as whoever removes it does."""

    def work() -> None:
        with transaction() as session:
            endpoint = session.get(WebhookEndpoint, task.endpoint_id, with_for_update={"key_share": True})
            mine = select(WebhookDelivery).where(
                WebhookDelivery.id == task.delivery_id, WebhookDelivery.lease_token == task.token
            )
            delivery = session.scalar(mine.with_for_update())
            if endpoint is None or delivery is None:
                return  # removed, or taken over: this worker was away for longer than its lease
            _note(delivery, answer, clock.database_now(session))
            _judge(session, endpoint, answer, clock.database_now(session))

    retrying(work)


def _note(delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    delivery.tries += 1
    delivery.tried_at, delivery.duration_ms = now, answer.duration_ms
    delivery.ending, delivery.http_status, delivery.answer = answer.ending.value, answer.http_status, answer.text
    delivery.lease_token = None
    pause = None if answer.ending is Ending.OK else pause_after(delivery.tries)
    if pause is not None:
        delivery.next_try_at = now + pause
        return
    delivery.next_try_at = None
    delivery.state = DeliveryState.DELIVERED if answer.ending is Ending.OK else DeliveryState.FAILED


def pause_after(tries: int) -> timedelta | None:
    """None: it is given up."""
    if tries > len(WAITS):
        return None
    return timedelta(seconds=WAITS[tries - 1] * _rng.uniform(1 - JITTER, 1 + JITTER))


def _judge(session: Session, endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    """Of the endpoint itself: does it work, is it gone, has it failed for too long?"""
    if answer.ending is Ending.OK:
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or now
    is_spent = now - endpoint.failing_since >= GIVE_UP_ON_ENDPOINT
    if endpoint.off_reason is None and (answer.http_status == GONE or is_spent):
        reason = OffReason.GONE if answer.http_status == GONE else OffReason.FAILING
        endpoints.switch_off(session, endpoint, reason, now)
        logger.warning("webhook switched off", extra={"endpoint_id": endpoint.id, "reason": reason.value})
