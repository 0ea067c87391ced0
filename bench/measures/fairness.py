"""Does a mailing starve while a thousand others run?"""

import time
from collections.abc import Iterator

from bench.results import Figure, Reach
from bench.sending import NEVER_REACHED, outcomes, reckon, schedule, select_all
from bench.stand import Stand
from bench.workers import Workers, running_workers

MAILINGS, MESSAGES_OF_EACH = 1_000, 100
# So that each takes ten seconds, and all of them together ask for 10,000 a second.
RATE = 10


def fairness(stand: Stand) -> Iterator[Figure]:
    """1,000 mailings at once, 100 messages and 10 a second each, watched between a tenth and nine tenths.

    And the same once more with a limit of the whole installation, which all of them then have to ask, too.
    """
    seconds, worst = _run(stand, None)
    yield Figure("fairness", stand.database, "seconds until all have finished", seconds)
    yield Figure("fairness", stand.database, "greatest to least share done", worst, Reach(at_most=2))
    seconds, worst = _run(stand, NEVER_REACHED)
    yield Figure("fairness", stand.database, "seconds, one limit for all besides", seconds)
    yield Figure("fairness", stand.database, "greatest to least, one limit besides", worst)


def _run(stand: Stand, of_all: int | None) -> tuple[float, float]:
    count = stand.plan.size(MAILINGS)
    with stand.installation(MESSAGES_OF_EACH, SENDERS="2") as place:
        mailing_ids = [
            schedule(place, title=f"Mailing {number}", rate_limit=RATE, of_all=of_all) for number in range(count)
        ]
        select_all()
        with running_workers(place) as workers:
            stand.gateway.reset()
            seconds, worst = _watch(workers, mailing_ids)
        reckon(stand, mailing_ids, count * MESSAGES_OF_EACH)
    return seconds, worst


def _watch(workers: Workers, mailing_ids: list[int]) -> tuple[float, float]:
    """Seconds to the end, and the greatest ratio seen; a mailing that has nothing counts as having one."""
    started, worst = time.monotonic(), 1.0
    messages = len(mailing_ids) * MESSAGES_OF_EACH
    for done in workers.progress(lambda: outcomes(mailing_ids), messages):
        if messages * 0.1 <= sum(done) <= messages * 0.9:
            worst = max(worst, max(done) / max(1, min(done)))
    return time.monotonic() - started, worst
