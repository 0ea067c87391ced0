"""`flask story` tells everything about a mailing, a message or a client, in order of time."""

from collections.abc import Callable

import click
from flask import get_template_attribute
from flask.cli import with_appcontext
from flask_babel import force_locale

from ..domain import story
from ..domain.errors import NotFound
from ..domain.permissions import Actor
from ..domain.story import Event, Kind, Story
from ..models import Role
from .users import database_explained

# Whoever may run commands on this machine may see everything.
EVERYBODY = Actor(0, Role.ADMINISTRATOR)


@click.command("story")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("number", type=click.IntRange(1))
@with_appcontext
def story_command(kind: str, number: int) -> None:
    """Tell what has happened to the mailing, message or client NUMBER. Phones are masked, texts left out."""
    with database_explained():
        try:
            told = story.of(EVERYBODY, Kind(kind), number)
        except NotFound:
            raise click.ClickException(f"There is no {kind} {number}.") from None
    for line in _lines(told):
        click.echo(line)


def _lines(told: Story) -> list[str]:
    about = {
        "state": told.standing,
        "phone": f"{told.phone[:4]}•••••{told.phone[-2:]}" if told.phone else None,
        "mailing": told.mailing_id,
        "client": told.client_id if told.kind is not Kind.CLIENT else None,
        **{status.value: count for status, count in told.counts.items() if count},
    }
    head = f"{told.kind.value} {told.id}" + (f" “{told.title}”" if told.title else "")
    facts = [f"  {name}: {value}" for name, value in about.items() if value is not None]
    with force_locale("en"):
        return [head, *facts, *map(_line, told.events)]


def _line(event: Event) -> str:
    """By the page's own words."""
    word: Callable[[Event], str] = get_template_attribute("story/_words.html", "event_word")
    more: Callable[[Event], str] = get_template_attribute("story/_words.html", "event_more")
    about = [f"message {event.message_id}" if event.message_id else "", str(more(event))]
    said = " · ".join(filter(None, (str(word(event)), *about)))
    return f"{event.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"Z  {said}"
