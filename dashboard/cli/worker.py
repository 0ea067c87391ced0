"""`flask worker` and `flask scheduler`: the processes beside the web server."""

import logging
from importlib import import_module

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from ..jobs import queues, schedule, worker
from .alive import alive_command
from .gateway import gateway


@click.command("worker")
@click.argument("queue", type=click.Choice(queues.QUEUES))
@with_appcontext
def worker_command(queue: str) -> None:
    """Work on one queue: sending, background or webhooks."""
    if queue == queues.WEBHOOKS and not current_app.blueprints:
        raise click.UsageError("This queue writes letters, which are pages, too: start it with --app wsgi.")
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    # Loaded before the first fork, and not in each.
    import_module(queues.TASKS)
    worker.build(queue).work(logging_level="WARNING")


@click.command("scheduler")
@with_appcontext
def scheduler_command() -> None:
    """Knock at the workers, each second and at set times."""
    schedule.Clock(connection=queues.connection()).run()


def init_app(app: Flask) -> None:
    """For an application that has no other commands."""
    for command in (worker_command, scheduler_command, alive_command, gateway):
        app.cli.add_command(command)
