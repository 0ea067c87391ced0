"""How many messages a second leave, and what does a worker take meanwhile?"""

from collections.abc import Iterator

from bench import naive
from bench.results import Figure, Reach, median
from bench.sending import Sent, send
from bench.stand import Stand

MESSAGES, MILLION = 100_000, 1_000_000
MEGABYTE = 1024 * 1024
LATENCY_MS, CONNECTIONS, WORKERS = 50, 256, 2
# Twelve seconds at the ceiling: three rounds of each worker.
LATENCY_MESSAGES = 120_000


def runs(stand: Stand, messages: int) -> list[Sent]:
    """Without latency, selected before; measured once for all who ask."""
    if messages not in stand.runs:
        stand.runs[messages] = [send(stand, messages) for _ in range(stand.plan.repeats)]
    return stand.runs[messages]


def rates(stand: Stand, messages: int) -> list[float]:
    return [run.rate for run in runs(stand, messages)]


def end_to_end(stand: Stand) -> Iterator[Figure]:
    """100,000 messages through a gateway that answers at once, beside the task-per-message design."""
    usual = [naive.rate(stand) for _ in range(stand.plan.repeats)]
    size = stand.plan.size(MESSAGES)
    ours, cpu = rates(stand, size), [run.cpu_us for run in runs(stand, size)]
    times = median(ours) / median(usual)
    yield Figure("end_to_end", stand.database, "messages a second", median(ours), runs=ours)
    yield Figure("end_to_end", stand.database, "task per message, messages a second", median(usual), runs=usual)
    yield Figure("end_to_end", stand.database, "µs of CPU a message, both workers", median(cpu), runs=cpu)
    yield Figure("end_to_end", stand.database, "times as many", times, Reach(at_least=60))


def million(stand: Stand) -> Iterator[Figure]:
    """The same with a million: seconds, and whether the rate holds."""
    small, size = rates(stand, stand.plan.size(MESSAGES)), stand.plan.size(MILLION)
    large = rates(stand, size)
    seconds = [size / rate for rate in large]
    whole = [send(stand, size, is_selected_before=False).seconds for _ in range(stand.plan.repeats)]
    reach = Reach(at_most=size * (30 if stand.database == "postgres" else 25) / MILLION)
    yield Figure("million", stand.database, "seconds from start to last outcome", median(seconds), reach, seconds)
    yield Figure("million", stand.database, "seconds, fan-out included", median(whole), runs=whole)
    share, what = median(large) / median(small), f"share of the rate at {stand.plan.size(MESSAGES):,}"
    yield Figure("million", stand.database, what, share, Reach(at_least=0.9))


def latency(stand: Stand) -> Iterator[Figure]:
    """A gateway that takes 50 ms: how much of what the connections could carry do they carry?"""
    size = stand.plan.size(LATENCY_MESSAGES)
    reached = [
        send(stand, size, latency_ms=LATENCY_MS, connections=CONNECTIONS).rate for _ in range(stand.plan.repeats)
    ]
    ceiling = WORKERS * CONNECTIONS / (LATENCY_MS / 1000)
    share = median(reached) / ceiling
    yield Figure("latency", stand.database, "messages a second", median(reached), runs=reached)
    yield Figure("latency", stand.database, "share of connections / latency", share, Reach(at_least=0.85))


def memory(stand: Stand) -> Iterator[Figure]:
    """The largest process of a worker at 64 connections, watched from beginning to end."""
    for size in map(stand.plan.size, (MESSAGES, MILLION)):
        largest = send(stand, size, watches_memory=True).rss / MEGABYTE
        yield Figure("memory", stand.database, f"MB at {size:,} messages", largest, Reach(at_most=130))
