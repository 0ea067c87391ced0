"""How many requests of programs does one web worker answer, and how long does the slowest hundredth wait?"""

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from typing import Any

from sqlalchemy import func, select

from bench.population import TAG, ZONES
from bench.results import Figure, Reach
from bench.sending import TEXT, WrongRun
from bench.stand import Place, Stand
from config import ROOT, Settings
from dashboard.cli import supervisor
from dashboard.database import db, end_reading
from dashboard.domain import api_tokens
from dashboard.models import Client, Scope
from tests.support.installation import free_port

SIZES = (1_000, 1_000_000)
# Kept connections that ask at once: as many as two programs with two workers each.
CONNECTIONS = 4
BATCH = 1_000
SECONDS_TO_START = 30
# Asked before the clock runs: pools are filled, schemas and statements compiled.
WARMING = 20
NEVER_REACHED: dict[str, Any] = {"API_RATE_LIMIT": "1000000/second", "API_CREATE_RATE_LIMIT": "1000000/second"}


@dataclass(frozen=True)
class Kind:
    """`ask` makes the next request: method, path, body."""

    name: str
    requests: int
    status: int
    ask: Callable[[], tuple[str, str, Any]]
    connections: int = CONNECTIONS
    reach: Reach | None = None


def api(stand: Stand) -> Iterator[Figure]:
    """One gunicorn worker with its threads, as `make run` starts it, and programs with an API token."""
    for size in [stand.plan.size(size) for size in SIZES]:
        with stand.installation(size, **NEVER_REACHED) as place:
            token = api_tokens.make(place.owner, "bench", list(Scope))[1]
            last = db.session.scalar(select(func.max(Client.id))) or 0
            end_reading()
            with _served(place) as port:
                for kind in _kinds(size, last):
                    _times(port, token, kind, WARMING if kind.requests > WARMING else 1)
                    times, seconds = _times(port, token, kind, stand.plan.size(kind.requests))
                    what = f"{kind.name}, {size:,} clients"
                    yield Figure("api", stand.database, f"requests a second, {what}", len(times) / seconds)
                    yield Figure("api", stand.database, f"ms of 99 in 100, {what}", _p99(times), kind.reach)


def _kinds(size: int, last: int) -> list[Kind]:
    numbers = count()

    def client() -> dict[str, Any]:
        phone = f"7999{next(numbers):07}"
        return {"phone_number": phone, "tags": [TAG], "timezone": ZONES[1], "attributes": {"name": "Anna"}}

    def mailing() -> dict[str, Any]:
        window = {"from": "09:00", "to": "21:00"}
        times = {"start_at": "2035-03-01T10:00:00+03:00", "end_at": "2035-03-02T20:00:00+03:00", "window": window}
        return {"title": "Sale", "text": TEXT, "filter": {"tags": [TAG], "operator_codes": None}, **times}

    def any_id() -> int:
        return last - random.randrange(size)

    return [
        Kind("list of 50", 500, 200, lambda: ("GET", "/clients?limit=50", None)),
        Kind("get", 2_000, 200, lambda: ("GET", f"/clients/{any_id()}", None)),
        Kind("create", 1_000, 201, lambda: ("POST", "/clients", client())),
        Kind("create a mailing", 1_000, 201, lambda: ("POST", "/mailings", mailing())),
        Kind(
            f"create {BATCH:,} at once",
            40,
            200,
            lambda: ("POST", "/clients/bulk", {"clients": [client() for _ in range(BATCH)]}),
            connections=1,
            reach=Reach(at_most=1_000),
        ),
    ]


@contextmanager
def _served(place: Place) -> Iterator[int]:
    """The port of a web server on this installation."""
    port = free_port()
    environ = {**place.environ, "PORT": str(port), "PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1"}
    programs = supervisor.programs(Settings.from_environ(environ))
    (command,) = [program.command for program in programs if program.name == "web"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS_TO_START)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > give_up_at or process.poll() is not None:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def _times(port: int, token: str, kind: Kind, requests: int) -> tuple[list[float], float]:
    """Milliseconds of each request, and seconds of all. Raises WrongRun for an answer of another kind."""
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    # Made before the clock runs: it is not the worker's time.
    told = (kind.ask() for _ in range(requests))
    asked = [(method, path, body and json.dumps(body)) for method, path, body in told]

    def ask(share: list[tuple[str, str, str | None]]) -> list[float]:
        connection, times = HTTPConnection("127.0.0.1", port, timeout=60), []
        for method, path, body in share:
            started = time.perf_counter()
            connection.request(method, f"/api/v1{path}", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            times.append((time.perf_counter() - started) * 1000)
            if answer.status != kind.status:
                raise WrongRun(f"{method} {path} answers {answer.status}: {said[:200]!r}")
        connection.close()
        return times

    started = time.perf_counter()
    shares = [asked[at :: kind.connections] for at in range(kind.connections)]
    with ThreadPoolExecutor(kind.connections) as threads:
        found = list(threads.map(ask, shares))
    return sum(found, []), time.perf_counter() - started


def _p99(times: list[float]) -> float:
    return sorted(times)[-1 - len(times) // 100]
