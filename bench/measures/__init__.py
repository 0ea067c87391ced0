"""What is measured? Each measure is one function of the stand, which yields its figures."""

from collections.abc import Callable, Iterator

from bench.measures.api import api
from bench.measures.fairness import fairness
from bench.measures.fan_out import fan_out
from bench.measures.imports import import_clients
from bench.measures.limit import raw_share
from bench.measures.pages import pages
from bench.measures.poll import poll
from bench.measures.throughput import end_to_end, latency, memory, million
from bench.measures.waiting import due_to_first_call
from bench.measures.write_lock import write_lock
from bench.results import Figure
from bench.stand import Stand

MEASURES: dict[str, Callable[[Stand], Iterator[Figure]]] = {
    measure.__name__: measure
    for measure in (
        end_to_end,
        raw_share,
        million,
        latency,
        fan_out,
        import_clients,
        write_lock,
        memory,
        poll,
        pages,
        api,
        due_to_first_call,
        fairness,
    )
}
