"""What happens to the database: it dies, it is locked, it takes nothing, its disk is full?"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
from sqlalchemy.engine import make_url

from dashboard import clock
from dashboard.database import db
from tests.faults.fault import EITHER, KILL_SECONDS, SERVER_SECONDS, Fault
from tests.faults.run import Run, let_go

LOCKED_SECONDS = 10
# The second is longer than a lease, 21 s.
SECONDS_DEAD, SECONDS_AWAY = 2, 30


def kill_postgres(run: Run, seconds: int = SECONDS_DEAD) -> None:
    assert run.postgres is not None
    run.wait_for_some()
    with run.struck():
        run.postgres.kill()
        let_go()
        clock.sleep(seconds)
        run.postgres.start()
    run.doubt_what_is_in_the_air()


def lock(run: Run) -> None:
    """Another process holds what every sender has to write."""
    run.wait_for_some()
    with run.struck(), _locked(run):
        clock.sleep(LOCKED_SECONDS)


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    url = db.engine.url
    let_go()
    if run.database == "sqlite":
        holder = sqlite3.connect(str(url.database), isolation_level=None, timeout=30)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
        return
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        yield


def refuse_writes(run: Run) -> None:
    """As a server does that has become a replica: reads go on, each write fails."""
    assert run.postgres is not None
    run.wait_for_some()
    with run.struck():
        run.postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        run.keep_looking(LOCKED_SECONDS)
        run.postgres.execute(
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )


def refuse_at_first(run: Run) -> None:
    """Refusals leave traces, which need room; PostgreSQL has kept some for the messages' own changes."""
    run.order(latency_ms=[10, 30], http_503=0.5, first_tries=1)


def fill_disk(run: Run) -> None:
    assert run.disk is not None
    run.wait_for_some()
    with run.struck():
        run.disk.fill()
        run.keep_looking(LOCKED_SECONDS)
        run.disk.free()


def the_disk_was_full(run: Run) -> None:
    """Somebody has met it."""
    assert "the database takes nothing" in run.printed, "nobody has noticed the full disk"


FAULTS = (
    Fault(
        "kill -9 of PostgreSQL",
        kill_postgres,
        policies=EITHER,
        databases=("postgres",),
        recovers_in=SERVER_SECONDS,
    ),
    Fault(
        "PostgreSQL killed, and away for 30 s",
        partial(kill_postgres, seconds=SECONDS_AWAY),
        policies=EITHER,
        databases=("postgres",),
        recovers_in=SERVER_SECONDS,
    ),
    Fault("database locked for 10 s", lock, recovers_in=SERVER_SECONDS),
    Fault("database read-only for 10 s", refuse_writes, databases=("postgres",), recovers_in=SERVER_SECONDS),
    Fault(
        "disk full for 10 s",
        fill_disk,
        refuse_at_first,
        the_disk_was_full,
        needs=frozenset({"disk"}),
        recovers_in=KILL_SECONDS,
    ),
)
