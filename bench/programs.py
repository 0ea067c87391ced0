"""Where do the two C programs come from, and how is the gateway asked what it has seen?"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.installation import free_port

SOURCES = Path(__file__).parent
SECONDS_TO_START = 5


class NoCompiler(Exception):
    """There is no C compiler on this machine."""


@dataclass(frozen=True)
class Programs:
    """The built programs; their sources say how they are called."""

    gateway: Path
    client: Path


def build(folder: Path) -> Programs:
    """Into `folder`. Raises NoCompiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise NoCompiler("the benchmark's gateway is a C program: install a compiler (Debian: apt install gcc)")
    for name in ("gateway", "client"):
        subprocess.run([compiler, "-O2", "-o", str(folder / name), str(SOURCES / f"{name}.c")], check=True)
    return Programs(folder / "gateway", folder / "client")


@dataclass(frozen=True)
class Seen:
    """What has arrived at the gateway since the last reset; the times are seconds since 1970, 0 for never."""

    total: int
    distinct: int
    wrong: int
    first_at: float
    last_at: float


class Gateway:
    """A running `gateway.c`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def reset(self, latency_ms: int = 0) -> None:
        """Forget what has come, and answer so much later from now on."""
        self._ask("/reset")
        self._ask(f"/latency/{latency_ms}")

    def seen(self) -> Seen:
        told = self._ask("/stats")
        wrong = told["repeats"] + told["bad"] + told["unauthorised"]
        return Seen(told["total"], told["distinct"], wrong, told["first_at"], told["last_at"])

    def _ask(self, path: str) -> dict[str, Any]:
        with urlopen(f"{self.url}{path}", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def running_gateway(programs: Programs) -> Iterator[Gateway]:
    gateway = Gateway(free_port())
    process = subprocess.Popen([str(programs.gateway), str(gateway.port)])
    try:
        _wait_for(gateway)
        yield gateway
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(gateway: Gateway) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            gateway.reset()
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
        else:
            return
