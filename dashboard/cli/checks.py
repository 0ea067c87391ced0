"""Which parts does an installation have, and how is each? One finding a part, whatever else is broken."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config import Settings

from .. import clock, mail
from ..database import db
from ..domain import partitions, watching
from ..domain.partitions import Reach
from ..domain.watching import Standing
from ..gateway import check, token_expires_at
from ..jobs import configured, meters, queues
from ..mail import MailError, MailServer
from ..models import StopReason
from ..web import health
from .gateway import describe

# A worker looks every two seconds; a long arming or a restart may take a while.
LONGEST_SILENCE = timedelta(seconds=60)
LITTLE_DISK, NO_DISK = 2 * 1024**3, 256 * 1024**2
# Header fields tell whole seconds, and the network takes its time.
CLOCK_WARN, CLOCK_FAIL = timedelta(seconds=5), timedelta(seconds=60)

STOPS = {
    None: "somebody has stopped everything",
    StopReason.ASLEEP: "the service has stopped everything: it was asleep while messages waited",
    StopReason.RESTORED: "the service has stopped everything: its database comes from a backup",
}


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    verdict: Verdict
    said: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which one would look: what the others stand on first."""
    findings = [_of_settings(settings), _of_data_folder(settings), _of_disk(settings)]
    findings += _of_database()
    findings += _of_redis(settings)
    findings += _of_gateway(settings)
    findings += _of_mail(settings)
    return findings


def _ok(part: str, said: str) -> Finding:
    return Finding(part, Verdict.OK, said)


def _of_settings(settings: Settings) -> Finding:
    """Wrong ones keep every command from starting, and are named by that."""
    if not settings.production:
        advice = "for customers set VESTNIK_ENV=production, and what it asks for"
        return Finding("settings", Verdict.WARN, "they are for development", advice)
    if settings.registration == "open":
        advice = (
            "anybody who reaches the address can send at once: set REGISTRATION=approval, unless it is meant so"
        )
        return Finding("settings", Verdict.WARN, "registration is open", advice)
    return _ok("settings", "complete, for production")


def _of_data_folder(settings: Settings) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=settings.data_dir):
            return _ok("data folder", f"{settings.data_dir} can be written to")
    except OSError as error:
        said = f"{settings.data_dir} cannot be written to ({error.strerror})"
        advice = "make the folder, or give it to the user who runs Vestnik; DATA_DIR says which it is"
        return Finding("data folder", Verdict.FAIL, said, advice)


def _of_disk(settings: Settings) -> Finding:
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        return Finding("disk", Verdict.FAIL, f"nobody knows how full it is ({error.strerror})", "see data folder")
    said = f"{free / 1024**3:,.1f} GiB free"
    advice = "make room where DATA_DIR lies, before the database can write nothing any more"
    if free < NO_DISK:
        return Finding("disk", Verdict.FAIL, said, advice)
    return Finding("disk", Verdict.WARN, said, advice) if free < LITTLE_DISK else _ok("disk", said)


def _of_database() -> Iterator[Finding]:
    if not health.database_answers():
        advice = "start it, or correct DATABASE_URL; everything else waits for it"
        yield Finding("database", Verdict.FAIL, "it does not answer", advice)
        return
    yield _ok("database", f"{db.engine.dialect.name} answers")
    if not health.is_migrated():
        said = "its tables are not those of this version"
        yield Finding("migrations", Verdict.FAIL, said, "run `flask --app wsgi db upgrade`")
        return
    yield _ok("migrations", "the tables are those of this version")
    try:
        standing, reach = watching.standing(), partitions.reach()
    except SQLAlchemyError as error:
        db.session.rollback()
        said = f"it cannot be read ({type(error).__name__})"
        yield Finding(
            "tables", Verdict.FAIL, said, "look at the database's own log; restore a backup if it is lost"
        )
        return
    yield _clock("clock", standing.at - clock.now(), "the database's clock")
    yield _sending(standing)
    yield _brakes(standing)
    if reach is not None:
        yield _partitions(reach)


def _clock(part: str, off: timedelta, whose: str) -> Finding:
    by = abs(off)
    said = f"{whose} and this machine's differ by {by.total_seconds():.0f} s"
    advice = "let NTP set the clocks: starts, windows and leases go by them"
    if by >= CLOCK_FAIL:
        return Finding(part, Verdict.FAIL, said, advice)
    return Finding(part, Verdict.WARN, said, advice) if by >= CLOCK_WARN else _ok(part, said)


def _sending(standing: Standing) -> Finding:
    silence = standing.at - standing.heartbeats["sweep"]
    if silence <= LONGEST_SILENCE:
        return _ok(
            "sending", f"a worker looked {silence.total_seconds():.0f} s ago; {standing.due} messages are due"
        )
    said = f"no worker has looked since {standing.heartbeats['sweep']:%Y-%m-%d %H:%M} UTC"
    return Finding(
        "sending", Verdict.FAIL, said, "see workers, scheduler and Redis; the log says why a round broke"
    )


def _brakes(standing: Standing) -> Finding:
    if standing.is_stopped:
        advice = "if it is over, an administrator lets sending go on by the bar above every page"
        return Finding("brakes", Verdict.WARN, STOPS[standing.stop_reason], advice)
    if standing.is_breaker_open:
        advice = "it closes by itself once the gateway accepts a message; see gateway"
        return Finding("brakes", Verdict.WARN, "the breaker is open: the gateway is in trouble", advice)
    return _ok("brakes", "nothing is stopped")


def _partitions(reach: Reach) -> Finding:
    part, more = "partitions", "lay out more: deploy/postgres/partition-messages.sql"
    if reach.is_passed:
        said = "mailings have passed the last one, and their messages lie in the default one"
        return Finding(part, Verdict.WARN, said, f"{more}; while everything is stopped, see docs/scaling.md")
    if reach.is_last:
        return Finding(part, Verdict.WARN, f"the last one has room for {reach.left} mailings more", more)
    return _ok(part, f"there is room for {reach.left} mailings more")


def _of_redis(settings: Settings) -> Iterator[Finding]:
    try:
        queues.connection().ping()
        workers, schedulers = meters.workers(), meters.schedulers()
    except RedisError as error:
        own = "it is started with the rest: `flask up`" if settings.own_redis else "start it, or correct REDIS_URL"
        yield Finding("redis", Verdict.FAIL, f"it does not answer ({type(error).__name__})", own)
        return
    yield _ok("redis", "it answers")
    missing = [name for name, count in workers.items() if not count]
    if missing:
        said = f"nobody listens to {', '.join(missing)}"
        advice = "start " + ", ".join(f"`flask --app wsgi worker {name}`" for name in missing)
        yield Finding("workers", Verdict.FAIL, said, advice)
    else:
        yield _ok("workers", ", ".join(f"{name}: {count}" for name, count in workers.items()))
    if schedulers:
        yield _ok("scheduler", "it lives")
    else:
        yield Finding("scheduler", Verdict.FAIL, "none lives", "start `flask --app wsgi scheduler`")


def _of_gateway(settings: Settings) -> Iterator[Finding]:
    try:
        result = check(configured.gateway(settings))
    except ValueError as error:
        yield Finding("gateway", Verdict.FAIL, str(error), "correct GATEWAY_URL and GATEWAY_TOKEN")
        return
    expires_at = token_expires_at(settings.gateway_token)
    said = describe(result, expires_at, clock.now()).rstrip(".")
    if result.token_accepted:
        yield _ok("gateway", said)
    else:
        own = "start the simulator: `flask --app wsgi gateway`" if settings.simulated else ""
        refused = "a new token from the gateway's people into GATEWAY_TOKEN, and a restart"
        advice = refused if result.token_accepted is False else own or "correct GATEWAY_URL, or ask its people"
        yield Finding("gateway", Verdict.FAIL, said, advice)
    yield _token(settings)
    if result.answered_at is not None:
        yield _clock("gateway's clock", result.answered_at - clock.now(), "the gateway's clock")


def _token(settings: Settings) -> Finding:
    expiry = watching.token_expiry(token_expires_at(settings.gateway_token), clock.now())
    if expiry is None:
        return _ok("token", "it does not run out soon, or does not say when")
    advice = "get a new token from the gateway's people, set GATEWAY_TOKEN, restart"
    said = f"it {'has run' if expiry.is_over else 'runs'} out at {expiry.at:%Y-%m-%d %H:%M} UTC"
    return Finding("token", Verdict.FAIL if expiry.is_over else Verdict.WARN, said, advice)


def _of_mail(settings: Settings) -> Iterator[Finding]:
    if not settings.smtp_url:
        return
    try:
        mail.check(MailServer.of(settings.smtp_url, settings.mail_from))
    except MailError as error:
        advice = "correct SMTP_URL: letters wait, and are lost after two days"
        yield Finding("mail", Verdict.FAIL, f"the mail server does not take us ({error})", advice)
    else:
        yield _ok("mail", "the mail server takes us")
