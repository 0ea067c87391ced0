"""How long does it take to make a million messages, and how much memory?"""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil

from bench.neighbour import Beside, nothing
from bench.results import Figure, Reach, median
from bench.sending import WrongRun, schedule
from bench.stand import Stand
from dashboard.database import db, end_reading
from dashboard.domain import fan_out as domain
from dashboard.domain import starting, statistics, tallies
from dashboard.models import Status
from tests.support.apps import running_app

MESSAGES = 1_000_000
# The database's page cache in this process (32 MiB on SQLite) has filled by then; what comes later would grow
# with the mailing.
SECONDS_TO_SETTLE = 1.0
MEGABYTE = 1024 * 1024


def fan_out(stand: Stand) -> Iterator[Figure]:
    """From 1,000,000 clients of 11 zones, by tag and code, in a process of its own."""
    size = stand.plan.size(MESSAGES)
    runs = [one(stand, size) for _ in range(stand.plan.repeats)]
    seconds = [seconds for seconds, _growth in runs]
    growth = [growth / MEGABYTE for _seconds, growth in runs]
    reach = Reach(at_most=size * (12 if stand.database == "postgres" else 6) / MESSAGES)
    yield Figure("fan_out", stand.database, "seconds", median(seconds), reach, seconds)
    yield Figure(
        "fan_out", stand.database, "MB more after the first second", max(growth), Reach(at_most=16), growth
    )


def one(stand: Stand, messages: int, *, is_shuffled: bool = False, beside: Beside = nothing) -> tuple[float, int]:
    """Its seconds, and the bytes it grew by after its first second. `beside`: what goes on meanwhile."""
    with stand.installation(messages, is_shuffled=is_shuffled) as place:
        mailing_id = schedule(place)
        end_reading()
        db.engine.dispose()
        # Spawned, not forked: memory that this process has freed would hide what is taken.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, beside(place.folder):
            seconds, growth = pool.submit(_walk, place.folder, place.environ).result()
        if statistics.counts(mailing_id)[Status.QUEUED] != messages or tallies.check(mailing_id):
            raise WrongRun(f"the fan-out has made {statistics.counts(mailing_id)}")
    return seconds, growth


def _walk(folder: Path, environ: dict[str, str]) -> tuple[float, int]:
    """Seconds from the start to the last message; bytes by which the process grew after its first second."""
    process = psutil.Process()
    with running_app(folder, **environ) as app, app.app_context():
        started = time.monotonic()
        starting.start_due()
        settled = most = 0
        while domain.one_range():
            rss = process.memory_info().rss
            if time.monotonic() - started < SECONDS_TO_SETTLE:
                settled = rss
            most = max(most, rss)
        return time.monotonic() - started, most - settled
