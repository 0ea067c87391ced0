"""`flask users` makes users, lists them, lets in those who have registered, and resets second factors."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from flask import current_app, get_template_attribute
from flask.cli import AppGroup
from flask_babel import force_locale
from sqlalchemy.exc import OperationalError, ProgrammingError

from config import Settings

from ..domain import registration, second_factor, users
from ..domain.errors import Conflict, Invalid, NotFound, Problem
from ..models import Role

group = AppGroup("users", help="Make users, list them, let them in.")


@group.command("create")
@click.argument("name")
@click.option("--email", required=True, help="Address of the user; also good for signing in.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.OPERATOR.value)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def create(name: str, email: str, role: str, password_stdin: bool) -> None:
    """Make the user NAME. On a terminal the password is asked for."""
    settings: Settings = current_app.config["SETTINGS"]
    new = users.NewUser(
        name=name,
        email=email,
        password=_password(password_stdin),
        role=Role(role),
        language=settings.language,
        timezone=settings.timezone,
    )
    with database_explained():
        try:
            users.create(new)
        except Invalid as refusal:
            raise click.ClickException("\n".join(map(_in_words, refusal.problems))) from None
    click.echo(f"{name} ({role}) can sign in now.")


@group.command("list")
def list_() -> None:
    """List all users."""
    with database_explained():
        found = users.listed()
    for user in found:
        columns = [user.name, user.email, user.role.value, *([] if user.is_active else ["inactive"])]
        click.echo("\t".join(columns))
    if not found:
        click.echo("There are no users yet.", err=True)


@group.command("waiting")
def waiting() -> None:
    """List those who have registered and wait for approval."""
    with database_explained():
        found = registration.waiting()
    for user in found:
        click.echo("\t".join([user.name, user.email, f"{user.created_at:%Y-%m-%d %H:%M} UTC"]))
    if not found:
        click.echo("Nobody is waiting.", err=True)


@group.command("approve")
@click.argument("name")
def approve(name: str) -> None:
    """Let the user NAME in, who has registered."""
    with database_explained():
        try:
            user = registration.approve_by_name(name)
        except NotFound:
            raise click.ClickException(f"There is no user {name}.") from None
        except Conflict:
            raise click.ClickException(f"{name} is not waiting for approval.") from None
    click.echo(f"{user.name} ({user.role.value}) can sign in now.")


@group.command("reset-second-factor")
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Let the user NAME in by the password alone, who has lost authenticator and recovery codes."""
    with database_explained():
        try:
            user = second_factor.reset_by_name(name)
        except NotFound:
            raise click.ClickException(f"There is no user {name}.") from None
        except Conflict:
            raise click.ClickException(f"{name} has no second factor.") from None
    click.echo(f"{user.name} has no second factor any more, and is signed out everywhere.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return _readable(sys.stdin.readline().rstrip("\r\n"))
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    raise click.UsageError("There is no terminal to ask for a password: use --password-stdin.")


def _readable(password: str) -> str:
    """Bytes that are no UTF-8 come as lone surrogates, which nothing can hash."""
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise click.UsageError("The password on standard input is not UTF-8.")
    return password


def _in_words(problem: Problem) -> str:
    """By the pages' own table of wordings."""
    problem_text: Callable[[Problem], str] = get_template_attribute("components/reasons.html", "problem_text")
    with force_locale("en"):
        return f"{problem.field}: {problem_text(problem)}"


@contextmanager
def database_explained() -> Iterator[None]:
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(
            f"The database cannot be used ({reason}). If it is new, run `flask --app wsgi db upgrade` first."
        ) from None
