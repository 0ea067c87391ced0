"""`flask erase` forgets a person who asks for it."""

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings

from ..domain import erasing
from ..domain.errors import Conflict, Invalid
from .users import database_explained, in_words


@click.command("erase")
@click.argument("phone")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def erase_command(phone: str, yes: bool) -> None:
    """Forget whoever has this PHONE: clients, texts, traces; the numbers of mailings stay. It cannot be undone."""
    settings: Settings = current_app.config["SETTINGS"]
    if not yes:
        click.confirm("Everything that leads to this person goes for good. Go on?", abort=True)
    with database_explained():
        try:
            done = erasing.erase(None, phone, settings.imports_dir)
        except Invalid as refusal:
            raise click.ClickException("\n".join(map(in_words, refusal.problems))) from None
        except Conflict as refusal:
            raise click.ClickException(in_words(refusal.code)) from None
    click.echo(
        f"{done.phone}: {done.clients} clients and {done.messages} messages emptied, {done.traces} traces removed."
    )
    if done.is_stopped:
        click.echo("Should the phone come back, it is on the stop list again.")
