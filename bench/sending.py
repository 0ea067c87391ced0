"""How long does one mailing take, and was it right? What every measure of speed is made of."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bench.population import CODES, TAG
from bench.stand import Place, Stand
from bench.workers import Workers, running_workers
from dashboard import clock
from dashboard.database import end_reading, transaction
from dashboard.domain import fan_out, starting, statistics, tallies
from dashboard.models import WAITING, Mailing, Service, Status
from tests.support import engine

# 140 characters once the name is in it, as people write them.
TEXT = (
    "Dear {{name}}, your order is on its way and arrives tomorrow between 10 am and 6 pm. Reply 1 to choose "
    "another day. Yours, the Corner Shop"
)
# A second, of a mailing and of the whole installation: each message asks for leave, and none has to wait for it.
NEVER_REACHED = 1_000_000


class WrongRun(Exception):
    """Something was lost, sent twice or miscounted: such a run is no figure."""


@dataclass(frozen=True)
class Sent:
    """`seconds` from the first knock to the last outcome in the database. `rss`: the largest process, in bytes.

    `cpu_seconds` is what the workers used of the processor, without the database's and the gateway's part.
    """

    messages: int
    seconds: float
    rss: int
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_us(self) -> float:
        """Of the workers, for each message."""
        return self.cpu_seconds / self.messages * 1e6


def send(
    stand: Stand,
    messages: int,
    *,
    latency_ms: int = 0,
    connections: int = 64,
    is_selected_before: bool = True,
    watches_memory: bool = False,
) -> Sent:
    """One mailing through two real workers, in a new installation. Raises WrongRun, WorkersFailed.

    `is_selected_before`: the fan-out is done before the time begins; else the workers do it.
    """
    with stand.installation(messages, GATEWAY_CONNECTIONS=str(connections), SENDERS="2") as place:
        mailing_id = schedule(place)
        if is_selected_before:
            select_all()
        with running_workers(place) as workers:
            stand.gateway.reset(latency_ms)
            seconds, rss = _run(workers, mailing_id, messages, watches_memory)
        reckon(stand, [mailing_id], messages)
    return Sent(messages, seconds, rss, workers.cpu_seconds)


def schedule(
    place: Place, rate_limit: int = NEVER_REACHED, of_all: int | None = NEVER_REACHED, **changes: Any
) -> int:
    """A mailing with everything on: name, tag, codes, zones, limits, and a window that is open everywhere now.

    `of_all`: the rate of the whole installation.
    """
    # Shut for one minute a day, which has just passed in every zone whose offset is whole hours.
    opens = clock.now().replace(hour=12, second=0, microsecond=0)
    window = {"window_from": opens.time(), "window_to": (opens - timedelta(minutes=1)).time()}
    draft = {"text": TEXT, "tags": (TAG,), "operator_codes": CODES, **window, **changes}
    mailing_id = engine.schedule(place.owner, **draft)
    with transaction() as session:
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(rate_limit=rate_limit))
        session.execute(update(Service).values(rate_limit=of_all))
    return mailing_id


def select_all() -> None:
    """Start what is due and make all of its messages, in this process."""
    starting.start_due()
    while fan_out.one_range():
        pass


def _run(workers: Workers, mailing_id: int, messages: int, watches_memory: bool) -> tuple[float, int]:
    started, rss = time.monotonic(), 0
    for _done in workers.progress(lambda: outcomes([mailing_id]), messages):
        if watches_memory:
            rss = max(rss, workers.rss())
    return time.monotonic() - started, rss


def outcomes(mailing_ids: list[int]) -> list[int]:
    """Of each mailing, how many messages have one."""
    ledgers = statistics.counts_of(mailing_ids).values()
    end_reading()
    return [sum(counts.values()) - sum(counts[status] for status in WAITING) for counts in ledgers]


def reckon(stand: Stand, mailing_ids: list[int], messages: int) -> None:
    """Raises WrongRun unless the ledger is true, and the gateway has seen each message exactly once."""
    end_reading()
    sent = sum(counts[Status.SENT] for counts in statistics.counts_of(mailing_ids).values())
    differences = [difference for mailing_id in mailing_ids for difference in tallies.check(mailing_id)]
    seen = stand.gateway.seen()
    if sent != messages or differences or seen.wrong or seen.total != messages or seen.distinct != messages:
        raise WrongRun(f"{sent} of {messages} sent, the gateway says {seen}, the ledger {differences}")
