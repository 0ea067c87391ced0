"""How is a worker told that there may be something to do?

A knock may be lost (Redis is away, or was emptied): the scheduler knocks again, and the database holds the work.
So no knock ever fails, and none carries more than a row's id.
"""

import logging
from typing import Any

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from .. import logs

logger = logging.getLogger(__name__)

SENDING = "sending"
BACKGROUND = "background"
# Of its own: who waits for other people's servers must not keep imports waiting.
WEBHOOKS = "webhooks"
QUEUES = (SENDING, BACKGROUND, WEBHOOKS)
# Where workers find what they are knocked for.
TASKS = "dashboard.jobs.tasks"

CONNECT_SECONDS, ANSWER_SECONDS = 2, 5
# Knocks of the background queue that may wait before more are pointless.
MOST_WAITING = 100


def connection() -> Redis:
    """This application's Redis; its pool notices a fork by itself."""
    redis = current_app.extensions.get("redis")
    if redis is None:
        url = current_app.config["SETTINGS"].redis_url
        redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            # A Redis that hangs must not hang a page; a worker, which waits for jobs, gives itself more.
            socket_timeout=ANSWER_SECONDS,
            health_check_interval=30,
        )
        current_app.extensions["redis"] = redis
    return redis


def queue(name: str) -> Queue:
    """JSON instead of RQ's pickles: what Redis holds is never executed while it is read."""
    return Queue(name, connection=connection(), serializer=JSONSerializer)


def work_later() -> None:
    """Knock at the sending workers, unless as many knocks wait already as there are workers."""
    _knock(SENDING, "work", most_waiting=current_app.config["SETTINGS"].senders)


def import_later(import_id: int) -> None:
    _knock(BACKGROUND, "run_import", import_id)


def change_clients_later(change_id: int) -> None:
    _knock(BACKGROUND, "change_clients", change_id)


def hand_over_later(user_id: int) -> None:
    _knock(BACKGROUND, "hand_over", user_id)


def resume_later() -> None:
    """One knock for all that was left lying: of several, the first in the queue would keep the others out."""
    _knock(BACKGROUND, "resume", most_waiting=1)


def retain_later() -> None:
    """Where anything is to go at all."""
    settings = current_app.config["SETTINGS"]
    if settings.message_retention_days or settings.audit_retention_days:
        _knock(BACKGROUND, "retain")


def tell_webhooks_later() -> None:
    """One that waits sees all that came before it begins."""
    _knock(WEBHOOKS, "tell_webhooks", most_waiting=1)


def digest_later() -> None:
    """Mostly there is nothing to do; but who knocked only at the set time might be away then."""
    settings = current_app.config["SETTINGS"]
    if settings.smtp_url and settings.digest_at:
        _knock(WEBHOOKS, "write_digest", most_waiting=2)


def mail_later() -> None:
    """In the queue of those who wait for other people's servers; beside one knock for webhooks there is room."""
    if current_app.config["SETTINGS"].smtp_url:
        _knock(WEBHOOKS, "send_mail", most_waiting=2)


def send_trial_later(trial_id: int) -> None:
    """Nobody repeats this knock: lost, the message is not sent, and the page says so."""
    _knock(BACKGROUND, "send_trial", trial_id)


def _knock(name: str, task: str, *args: Any, most_waiting: int = MOST_WAITING) -> None:
    try:
        target = queue(name)
        if target.count < most_waiting:
            # No time limit: RQ's alarm would strike between a call and its settling. Rounds end by themselves.
            # `meta`: the job's lines name the request that knocked, if any.
            options = {"job_timeout": -1, "result_ttl": 0, "failure_ttl": 3600}
            meta = {"request_id": logs.request_id.get()}
            target.enqueue(f"{TASKS}.{task}", *args, meta=meta, **options)
    except RedisError as error:
        logger.warning("knock lost, the scheduler repeats it", extra={"task": task, "error": type(error).__name__})
