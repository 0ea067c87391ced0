"""How does a test get a real Redis of its own?"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NotYet

from dashboard.cli.supervisor import redis_server

SECONDS_TO_START = 10


@contextmanager
def running_redis() -> Iterator[str]:
    """Yields its URL. The folder is short, because a socket's path may not be longer than 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="vestnik-redis-"))
    executable = redis_server()
    assert executable, "install redis-server: there is no wheel of it for this machine"
    socket = folder / "redis.sock"
    command = [executable, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(socket)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _wait_for(socket: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    with Redis(unix_socket_path=str(socket)) as client:
        while True:
            try:
                client.ping()
            except NotYet:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
