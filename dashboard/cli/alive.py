"""Does this host's web server, worker or scheduler do its work? Asked by whoever restarts containers."""

import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer

from .. import clock
from ..jobs import queues, schedule, worker

ANSWER_SECONDS = 5
# A worker shows itself at least every so often, also in the middle of a long job.
SILENCE = timedelta(seconds=3 * worker.WORKER_TTL_SECONDS)


@click.command("alive")
@click.argument("role", type=click.Choice(["web", "scheduler", *queues.QUEUES]))
@with_appcontext
def alive_command(role: str) -> None:
    """Exit with 0 if the web server, the scheduler, or the worker of a queue on this host is at work, else with 1.

    While Redis is away nobody can tell, and a restart would cure nothing: that counts as alive.
    """
    try:
        is_alive = _web_answers() if role == "web" else _shows_itself(role)
    except RedisError as error:
        click.echo(f"Redis does not answer ({type(error).__name__}).", err=True)
        return
    if not is_alive:
        raise click.ClickException(f"{role} does not show itself.")


def _web_answers() -> bool:
    try:
        address = f"{current_app.config['SETTINGS'].address}/healthz"
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS):  # http, to ourselves  # nosec B310
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


def _shows_itself(role: str) -> bool:
    connection = queues.connection()
    if role == "scheduler":
        return any(connection.scan_iter(schedule.Clock.keys_of_this_host(), count=1000))
    found = Worker.all(queue=queues.queue(role), serializer=JSONSerializer)
    return any(each.hostname == socket.gethostname() and _is_fresh(each.last_heartbeat) for each in found)


def _is_fresh(instant: datetime | None) -> bool:
    """RQ keeps it in UTC, with or without saying so."""
    if instant is None:
        return False
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return clock.now() - aware < SILENCE
