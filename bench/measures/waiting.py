"""How long after its time does the first message of a mailing leave?"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.population import TAG, add_clients
from bench.programs import Gateway
from bench.results import Figure, Reach, median
from bench.sending import TEXT, WrongRun
from bench.stand import TOKEN, Stand
from config import Settings
from dashboard import clock, create_app
from dashboard.database import db, end_reading
from dashboard.domain.permissions import Actor
from tests.factories import make_actor
from tests.support import engine
from tests.support.installation import Installation
from tests.support.postgres import create_database, drop_database

STARTS, STARTS_AFTER_A_KILL = 30, 5
CLIENTS = 10
SECONDS_TO_WAIT = 40


def due_to_first_call(stand: Stand) -> Iterator[Figure]:
    """A whole idle installation, as `make run` starts it; mailings become due at random instants, one by one."""
    with _installation(stand) as (installation, owner):
        delays = [_delay(stand.gateway, owner) for _ in range(stand.plan.size(STARTS))]
        kills = [_delay(stand.gateway, owner, installation) for _ in range(stand.plan.size(STARTS_AFTER_A_KILL))]
    yield Figure("due_to_first_call", stand.database, "seconds, median", median(delays), runs=delays)
    yield Figure(
        "due_to_first_call", stand.database, f"seconds, greatest of {len(delays)}", max(delays), Reach(at_most=3)
    )
    what = f"seconds, scheduler killed, greatest of {len(kills)}"
    yield Figure("due_to_first_call", stand.database, what, max(kills), Reach(at_most=15), kills)


@contextmanager
def _installation(stand: Stand) -> Iterator[tuple[Installation, Actor]]:
    environ = {"GATEWAY_URL": stand.gateway.url, "GATEWAY_TOKEN": TOKEN}
    if stand.server_url:
        environ["DATABASE_URL"] = create_database(stand.server_url, "bench_waiting")
    with TemporaryDirectory(dir=stand.folder) as name, Installation(Path(name), **environ) as installation:
        app = create_app(Settings.from_environ(installation.environ))
        with app.app_context():
            owner = make_actor()
            add_clients(owner, CLIENTS)
            yield installation, owner
            db.session.remove()
            db.engine.dispose()
    if stand.server_url:
        drop_database(stand.server_url, "bench_waiting")


def _delay(gateway: Gateway, owner: Actor, killed: Installation | None = None) -> float:
    """Seconds from the start of a mailing to the arrival of its first message. `killed` loses its scheduler."""
    gateway.reset()
    starts_at = clock.now() + timedelta(seconds=random.uniform(2, 4))
    ends_at = starts_at + timedelta(hours=1)
    engine.schedule(owner, starts_at=starts_at, ends_at=ends_at, tags=(TAG,), text=TEXT)
    end_reading()
    if killed:
        # So late that the next one is not there yet when the mailing is due.
        time.sleep((starts_at - clock.now()).total_seconds() - random.uniform(0, 1))
        killed.processes("scheduler")[0].kill()
    give_up_at = time.monotonic() + SECONDS_TO_WAIT
    while (seen := gateway.seen()).total < CLIENTS:
        if time.monotonic() > give_up_at:
            raise WrongRun(f"{seen.total} of {CLIENTS} messages have left {SECONDS_TO_WAIT} s after they were due")
        time.sleep(0.05)
    return seen.first_at - starts_at.timestamp()
