"""What has to be right before everything starts, and what is a person told then?"""

import errno
import fcntl
import os
import socket
import stat
from pathlib import Path

import click
import flask_migrate
import psutil
import redis
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from config import ROOT, Settings

from ..database import db
from ..domain import setup_links, users
from .supervisor import programs, redis_server, supervise


@click.command()
@with_appcontext
def up() -> None:
    """Start everything: web, workers, scheduler, and where needed Redis and the gateway simulator."""
    settings: Settings = current_app.config["SETTINGS"]
    make_folders(settings)
    lock = be_the_only_one(settings.data_dir)
    check_ports(settings)
    check_redis(settings)
    upgrade_database()
    announce(settings, first_steps(settings))
    db.engine.dispose()
    supervise(programs(settings), settings.run_dir)
    os.close(lock)


def make_folders(settings: Settings) -> None:
    """The folder for sockets is private: who reaches Redis may run code here."""
    for folder in (settings.data_dir, settings.data_dir / "redis"):
        folder.mkdir(parents=True, exist_ok=True)
    settings.run_dir.mkdir(mode=0o700, exist_ok=True)
    found = settings.run_dir.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise click.ClickException(
            f"The folder {settings.run_dir} belongs to somebody else: remove it, or shorten DATA_DIR."
        )
    settings.run_dir.chmod(0o700)


def be_the_only_one(data_dir: Path) -> int:
    """Two Vestniks in one data folder would write into one Redis journal. The lock ends with this process."""
    lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "unknown"
        raise click.ClickException(
            f"Vestnik already runs in {data_dir} (process {holder}): stop it, or choose another DATA_DIR."
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def check_ports(settings: Settings) -> None:
    check_port("PORT", settings.host, settings.port)
    if settings.simulated:
        check_port("SIMULATOR_PORT", "127.0.0.1", settings.simulator_port)


def check_port(name: str, host: str, port: int) -> None:
    """Raises ClickException unless a server could listen there; `name` is the setting that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Another socket may be bound with SO_REUSEADDR as well; only one can listen.
            probe.listen(1)
        except OSError as error:
            raise click.ClickException(_port_problem(name, host, port, error)) from None


def _port_problem(name: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        another = f"{name}={port + 10 if port < 65000 else 8000} make run"
        return f"Port {port} is taken{_holder(port)}: stop what uses it, or choose another one: {another}"
    if error.errno == errno.EACCES:
        return f"Port {port} is for the system's administrator only: choose a {name} above 1023."
    return f"HOST {host} is no address of this machine ({error.strerror}): set HOST to one of its own."


def _holder(port: int) -> str:
    """The process, where this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.Error, OSError):
        pass
    return ""


def check_redis(settings: Settings) -> None:
    if settings.own_redis:
        if not redis_server():
            raise click.ClickException(
                "There is no redis-server for this machine: install it (on Debian and Ubuntu: "
                "sudo apt install redis-server) or set REDIS_URL."
            )
        return
    client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
    try:
        client.ping()
    except redis.RedisError as error:
        reason = type(error).__name__
        raise click.ClickException(
            f"REDIS_URL: no Redis answers there ({reason}): start it or correct it."
        ) from None
    finally:
        client.close()


def upgrade_database() -> None:
    try:
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(f"DATABASE_URL: the database cannot be used: {reason}") from None


def first_steps(settings: Settings) -> str:
    """On an empty database, how to become its first administrator."""
    if users.has_users():
        return ""
    link = f"{settings.address}/setup/{setup_links.issue()}"
    return f"Nobody can sign in yet. Create the first administrator (the link works once):\n  {link}"


def announce(settings: Settings, steps: str) -> None:
    gateway = (
        f"the simulator at {settings.gateway_url}; no SMS leaves the house"
        if settings.simulated
        else settings.gateway_url
    )
    click.echo(f"Vestnik: {settings.address}  (Ctrl-C stops it)\nGateway: {gateway}")
    if steps:
        click.echo(steps)
