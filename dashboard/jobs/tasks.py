"""What does RQ run? Each task hands over to the domain, with the settings it needs."""

import signal
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from flask import current_app

from config import Settings

from .. import meanwhile
from ..connections import lock_patience
from ..domain import (
    client_bulk,
    client_bulk_running,
    delivery,
    digest,
    folding,
    handing_over,
    imports,
    mails,
    trials,
)
from ..domain.imports import FileLimits
from ..domain.webhooks import delivering
from ..gateway import HttpGateway, token_expires_at
from . import configured, letters, queues
from .worker import STOP_SIGNAL

# A fork and new connections cost a twentieth of a second. A deploy need not wait: it asks a round to stop.
ROUND_SECONDS = 20.0
# Who waits for the database does not listen to the gateway: not for longer than this share of a call's time, so
# that no answer is found too late, and never for so many seconds.
LOCK_SHARE, LOCK_SECONDS = 0.25, 2.0


def work() -> None:
    """A round of sending, and of everything that keeps the ledger true."""
    settings: Settings = current_app.config["SETTINGS"]
    patience = min(LOCK_SECONDS, LOCK_SHARE * settings.gateway_timeout_seconds)
    with lock_patience(patience), HttpGateway(configured.gateway(settings)) as gateway:
        sending_round = delivery.Round(gateway, configured.policy(settings))
        signal.signal(STOP_SIGNAL, lambda *_: sending_round.stop())
        with meanwhile.attended_by(sending_round.attend):
            more_is_due = sending_round.run(ROUND_SECONDS)
    if more_is_due:
        queues.work_later()


def run_import(import_id: int) -> None:
    """Check or write a file of clients; a run that another worker holds is left alone."""
    settings: Settings = current_app.config["SETTINGS"]
    if not imports.run(import_id, settings.imports_dir, file_limits(settings), is_stopping=_told_to_stop()):
        queues.import_later(import_id)


def change_clients(change_id: int) -> None:
    """Do something to many clients; what another worker has under way is left alone."""
    if not client_bulk_running.run(change_id):
        queues.change_clients_later(change_id)


def hand_over(user_id: int) -> None:
    """Give what a user owns who is being deleted to another one."""
    if not handing_over.run(user_id, ROUND_SECONDS, is_stopping=_told_to_stop()):
        queues.hand_over_later(user_id)


def resume() -> None:
    """Knock for what waits in the background, or whose worker died; remove files that nobody needs."""
    imports.sweep(current_app.config["SETTINGS"].imports_dir)
    for import_id in imports.unfinished():
        queues.import_later(import_id)
    for change_id in client_bulk.unfinished():
        queues.change_clients_later(change_id)
    for user_id in handing_over.unfinished():
        queues.hand_over_later(user_id)


def retain() -> None:
    """Remove messages and lines of the audit log that are older than the installation keeps them."""
    settings: Settings = current_app.config["SETTINGS"]
    days = settings.message_retention_days, settings.audit_retention_days
    if not folding.run(*days, is_stopping=_told_to_stop()):
        queues.retain_later()


def send_trial(trial_id: int) -> None:
    """Send one message to somebody's own phone."""
    settings: Settings = current_app.config["SETTINGS"]
    with HttpGateway(replace(configured.gateway(settings), connections=1)) as gateway:
        trials.run(trial_id, gateway, settings.gateway_timeout_seconds)


def tell_webhooks() -> None:
    """Tell other programs what has happened, as far as it is due."""
    settings: Settings = current_app.config["SETTINGS"]
    private_allowed = settings.webhook_private_addresses
    if delivering.run(ROUND_SECONDS, private_allowed=private_allowed, is_stopping=_told_to_stop()):
        queues.tell_webhooks_later()


def write_digest() -> None:
    """Write the letters about the day that has ended, if nobody has."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.digest_at is None:
        return
    expires_at = token_expires_at(settings.gateway_token)
    if digest.write_due(settings.digest_at, ZoneInfo(settings.timezone), expires_at):
        queues.mail_later()


def send_mail() -> None:
    """Hand the letters that are due to the mail server."""
    if mails.run(ROUND_SECONDS, letters.deliver, is_stopping=_told_to_stop()):
        queues.mail_later()


def _told_to_stop() -> Callable[[], bool]:
    """Asked between two steps: has a deploy told this job to end?"""
    stops: list[int] = []
    signal.signal(STOP_SIGNAL, lambda number, _frame: stops.append(number))
    return lambda: bool(stops)


def file_limits(settings: Settings) -> FileLimits:
    return FileLimits(settings.import_max_megabytes, settings.import_max_rows)
