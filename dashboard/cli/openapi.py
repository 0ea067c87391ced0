"""`flask openapi` writes down what describes the API."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from ..api import openapi
from ..api.openapi import collection

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("openapi")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the description there.")
@click.option("--postman", type=FILE, metavar="FILE", help="Write a collection of requests for Postman there.")
@with_appcontext
def openapi_command(output: Path | None, postman: Path | None) -> None:
    """Print the API's description (OpenAPI 3.1), or write it and a collection of requests into files."""
    described = openapi.of(current_app)
    if output is not None:
        output.write_text(openapi.text_of(described), "utf-8")
    if postman is not None:
        postman.write_text(openapi.text_of(collection.of(described)), "utf-8")
    if output is None and postman is None:
        click.echo(openapi.text_of(described), nl=False)
