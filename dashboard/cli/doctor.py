"""`flask doctor`: what of this installation is not well, and what is to be done about it?"""

import json
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings

from .checks import Finding, Verdict, examine

SIGNS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL"}
COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects.")
@with_appcontext
def doctor_command(as_json: bool) -> None:
    """Look at every part and say what to do. Ends with 1 if anything fails; changes and sends nothing."""
    settings: Settings = current_app.config["SETTINGS"]
    findings = examine(settings)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            _show(finding)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise click.exceptions.Exit(1)


def _show(finding: Finding) -> None:
    sign = click.style(SIGNS[finding.verdict], fg=COLOURS[finding.verdict])
    click.echo(f"{sign}  {finding.part}: {finding.said}")
    if finding.advice:
        click.echo(f"        → {finding.advice}")
