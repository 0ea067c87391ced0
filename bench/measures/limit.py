"""How much would be possible? A bare C client calls the gateway while the database takes the same rows in bulk."""

import json
import subprocess
import time
from collections.abc import Iterator

from sqlalchemy import TextClause, func, select, text

from bench.measures.throughput import MESSAGES, rates
from bench.results import Figure, Reach, median
from bench.sending import TEXT, WrongRun, schedule, select_all
from bench.stand import Stand
from dashboard import clock
from dashboard.database import db, transaction
from dashboard.models import Message

CONNECTIONS = 64
ROWS_AT_ONCE = 1_000
# The quickest form that each database knows for many rows by their key.
WRITE = {
    "postgres": "UPDATE messages SET status = 'sent', tries = 1, settled_at = :now, duration_ms = 1"
    " WHERE id = ANY(:ids)",
    "sqlite": "UPDATE messages SET status = 'sent', tries = 1, settled_at = :now, duration_ms = 1"
    " WHERE id IN (SELECT value FROM json_each(:ids))",
}


def raw_share(stand: Stand) -> Iterator[Figure]:
    """What share of the possible is what Vestnik does with everything on?"""
    size = stand.plan.size(MESSAGES)
    possible = [_both(stand, size) for _ in range(stand.plan.repeats)]
    share = median(rates(stand, size)) / median(possible)
    yield Figure("raw_share", stand.database, "C client and bulk rows, a second", median(possible), runs=possible)
    yield Figure("raw_share", stand.database, "share of that, end to end", share, Reach(at_least=0.25))


def _both(stand: Stand, messages: int) -> float:
    """Messages a second until the client has all answers and the database all rows."""
    with stand.installation(messages) as place:
        schedule(place)
        select_all()
        ids = list(db.session.scalars(select(Message.id).order_by(Message.id)))
        stand.gateway.reset()
        words = (stand.gateway.port, CONNECTIONS, messages, ids[0], TEXT)
        started = time.monotonic()
        client = subprocess.Popen([str(stand.programs.client), *map(str, words)], stdout=subprocess.DEVNULL)
        for at in range(0, messages, ROWS_AT_ONCE):
            _write(stand.database, ids[at : at + ROWS_AT_ONCE])
        code = client.wait(60)
        seconds = time.monotonic() - started
        written = db.session.scalar(select(func.count()).where(Message.status == "sent"))
        if code or written != messages or stand.gateway.seen().distinct != messages:
            raise WrongRun(f"the C client ended with {code}, {written} rows are written")
    return messages / seconds


def _write(database: str, ids: list[int]) -> None:
    statement: TextClause = text(WRITE[database])
    now = clock.now()
    told = {"now": now, "ids": ids} if database == "postgres" else {"now": str(now), "ids": json.dumps(ids)}
    with transaction() as session:
        session.execute(statement, told)
