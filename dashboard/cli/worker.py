"""`flask worker` and `flask scheduler`: the processes beside the web server."""

import logging

import click
from flask.cli import with_appcontext

from ..jobs import queues, schedule, worker


@click.command("worker")
@click.argument("queue", type=click.Choice(queues.QUEUES))
@with_appcontext
def worker_command(queue: str) -> None:
    """Work on one queue: sending, background or webhooks."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    worker.build(queue).work(logging_level="WARNING")


@click.command("scheduler")
@with_appcontext
def scheduler_command() -> None:
    """Knock at the workers, each second and at set times."""
    schedule.Clock(connection=queues.connection()).run()
