"""How does one run the gateway simulator (`flask gateway`), and ask the gateway (`flask gateway check`)?"""

import asyncio
import dataclasses
from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from .. import clock
from ..gateway import CheckResult, Reason, check, token_expires_at
from ..gateway.simulator import Simulator
from ..gateway.simulator_faults import Faults, FaultsError
from ..gateway.simulator_log import AcceptedLog
from ..gateway.simulator_server import serve
from ..jobs import configured


def _read_faults(context: click.Context, parameter: click.Parameter, value: str) -> Faults:
    try:
        return Faults.from_json(value)
    except FaultsError as error:
        raise click.BadParameter(str(error)) from error


@click.group("gateway", cls=AppGroup, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port (default: SIMULATOR_PORT).")
@click.option("--token", help="The token to ask for (default: GATEWAY_TOKEN).")
@click.option("--check-expiry", is_flag=True, help="Refuse the token once its own `exp` has passed.")
@click.option("--log", "log_file", type=click.Path(dir_okay=False, path_type=Path), help="Append to this file.")
@click.option("--recognise-repeats", is_flag=True, help="Answer OK to a repeated msgId, but accept it once.")
@click.option("--seed", type=int, help="The same seed, the same faults for the same calls.")
@click.option("--faults", default="{}", callback=_read_faults, help='JSON: {"http_503": 0.5}')
@with_appcontext
def gateway(
    host: str,
    port: int | None,
    token: str | None,
    check_expiry: bool,
    log_file: Path | None,
    recognise_repeats: bool,
    seed: int | None,
    faults: Faults,
) -> None:
    """Run the gateway simulator: it stands in for the SMS gateway, and no message leaves the house.

    Ends on SIGTERM or Ctrl-C. While it runs, PUT /faults steers it; GET /log and /stats tell what came.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    settings = current_app.config["SETTINGS"]
    port = settings.simulator_port if port is None else port
    faults = faults if seed is None else dataclasses.replace(faults, seed=seed)
    try:
        with AcceptedLog(log_file) as log:
            simulator = Simulator(token or settings.gateway_token, log, faults, recognise_repeats, check_expiry)
            asyncio.run(serve(simulator, host, port, lambda port: _announce(host, port)))
    except OSError as error:
        raise click.ClickException(f"The simulator cannot start on {host}:{port}: {error}.") from error


def _announce(host: str, port: int) -> None:
    click.echo(f"The gateway simulator listens on http://{host}:{port}; no SMS leaves the house.")


@gateway.command("check")
def check_gateway() -> None:
    """Ask the configured gateway whether it answers and takes the token; sends no message."""
    settings = current_app.config["SETTINGS"]
    try:
        target = configured.gateway(settings)
    except ValueError as error:
        raise click.ClickException(f"The gateway's settings cannot work: {error}.") from error
    result = check(target)
    sentence = describe(result, token_expires_at(settings.gateway_token), clock.now())
    if result.token_accepted:
        click.echo(sentence)
    else:
        raise click.ClickException(sentence)


def describe(result: CheckResult, expires_at: datetime | None, now: datetime) -> str:
    """The check's result in one sentence."""
    if not result.reachable:
        return f"The gateway cannot be reached: {_UNREACHABLE.get(result.reason, result.reason)}."
    if result.token_accepted:
        expiry = f"; the token runs out at {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else ""
        return f"The gateway answers in {result.duration_ms} ms and accepts the token{expiry}."
    if result.token_accepted is False:
        why = "it has run out" if expires_at and expires_at <= now else "check GATEWAY_TOKEN"
        return f"The gateway refuses the token with HTTP {result.http_status}: {why}."
    return (
        f"Something answers with HTTP {result.http_status}, where the gateway would answer 400 to an empty"
        " message: check GATEWAY_URL."
    )


_UNREACHABLE: dict[str, str] = {
    Reason.REFUSED_CONNECTION: "the connection was refused",
    Reason.UNRESOLVED: "its host name is not known",
    Reason.CONNECT_TIMEOUT: "connecting took too long",
    Reason.TIMEOUT: "it took too long to answer",
    Reason.TLS: "its certificate or the encryption failed",
    Reason.RESET: "the connection broke",
}
