"""`flask web`: how does the web server run by itself, where each process is somebody else's to watch?"""

import os

import click
from flask import current_app
from flask.cli import with_appcontext

from ..database import db
from .supervisor import gunicorn


@click.command("web")
@with_appcontext
def web_command() -> None:
    """Run the web server alone; `up` starts it with everything else."""
    db.engine.dispose()
    command = gunicorn(current_app.config["SETTINGS"])
    # In this process' place, so that signals reach it.
    os.execv(command[0], command)  # our own interpreter  # nosec B606
