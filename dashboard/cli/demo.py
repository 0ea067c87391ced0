"""`flask demo` fills an installation with something to look at."""

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings

from ..domain import demo, permissions, user_rules, users
from ..domain.users import User
from ..jobs import queues
from ..models import Role
from .users import database_explained

CLIENTS = 2_160


@click.command("demo")
@click.option("--clients", type=click.IntRange(1, demo.MOST_CLIENTS), default=CLIENTS, show_default=True)
@click.option("--owner", metavar="NAME", help="Whose they are; the first administrator, unless told.")
@with_appcontext
def demo_command(clients: int, owner: str | None) -> None:
    """Add clients of all Russian time zones and a few mailings. May be repeated: nothing comes twice."""
    settings: Settings = current_app.config["SETTINGS"]
    with database_explained():
        user = _owner(owner)
        added = demo.add(user.actor, clients, user.timezone, is_safe=settings.simulated)
    click.echo(f"{user.name} has {added.clients} more clients and {added.mailings} more mailings.")
    if added.is_started:
        queues.work_later()
        click.echo("One of them is due now: it goes out to the simulator as soon as Vestnik runs.")
    if added.mailings and not settings.simulated:
        click.echo("A real gateway is set, so all of them are drafts: these numbers may be somebody's.")


def _owner(name: str | None) -> User:
    everybody = [user for user in users.listed() if user.is_active]
    if name is not None:
        everybody = [user for user in everybody if user_rules.name_key(user.name) == user_rules.name_key(name)]
        if not everybody:
            raise click.ClickException(f"There is no user {name!r}: `flask users list` shows who there is.")
        if not permissions.may_change(everybody[0].actor):
            raise click.ClickException(f"{name} is a viewer, and viewers own no clients.")
        return everybody[0]
    administrators = [user for user in everybody if user.role is Role.ADMINISTRATOR]
    if not administrators:
        raise click.ClickException(
            "There is no administrator yet. Make one with `flask users create NAME --email ADDRESS "
            "--role administrator --password-stdin`, or by the set-up link that `make run` prints."
        )
    return min(administrators, key=lambda user: user.id)
