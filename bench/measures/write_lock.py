"""SQLite has one writer at a time: for how long do the longest pieces of work keep all others waiting?"""

from collections.abc import Iterator

from bench.measures.fan_out import one as one_fan_out
from bench.measures.imports import one as one_import
from bench.neighbour import neighbour
from bench.results import Figure, Reach
from bench.stand import Stand

ROWS = 1_000_000
GREATEST = 200  # ms


def write_lock(stand: Stand) -> Iterator[Figure]:
    """A fan-out and an import of a million, phones in any order; nothing on PostgreSQL, which locks rows."""
    if stand.server_url:
        return
    size = stand.plan.size(ROWS)
    selecting: list[float] = []
    one_fan_out(stand, size, is_shuffled=True, beside=neighbour(selecting))
    yield from _figures(stand, "a fan-out", selecting)
    importing: list[float] = []
    one_import(stand, size, beside=neighbour(importing))
    yield from _figures(stand, "an import", importing)


def _figures(stand: Stand, work: str, waits: list[float]) -> Iterator[Figure]:
    name, reach = write_lock.__name__, Reach(at_most=GREATEST)
    milliseconds = sorted(1000 * wait for wait in waits)
    longest = milliseconds[-20:]
    usual = milliseconds[len(milliseconds) * 99 // 100]
    yield Figure(name, stand.database, f"ms at most behind {work}", milliseconds[-1], reach, longest)
    yield Figure(name, stand.database, f"ms behind {work}, 99 of 100 waits", usual, None)
