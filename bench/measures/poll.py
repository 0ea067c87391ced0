"""What does one look at a mailing cost, whatever its size?"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, null, select, update

from bench.population import code_of, numbers, phone_of, zone_of
from bench.results import Figure, Reach, median
from bench.sending import WrongRun, schedule
from bench.stand import Place, Stand
from dashboard import clock
from dashboard.database import db, end_reading, transaction
from dashboard.domain import ids, live, starting, tallies
from dashboard.domain.tallies import Move
from dashboard.domain.tallies import Place as Standing
from dashboard.models import Attempt, Mailing, Message, Status

SIZES = (1_000, 100_000, 5_000_000)
LOOKS = 200
MINUTES = 60


def poll(stand: Stand) -> Iterator[Figure]:
    """The query behind the live page: the whole picture of a running mailing, in one snapshot."""
    with stand.installation() as place:
        mailings = {size: running(place, size) for size in map(stand.plan.size, SIZES)}
        for size, mailing_id in mailings.items():
            times = [_look(place, mailing_id) for _ in range(LOOKS)]
            what = f"ms at {size:,} messages"
            yield Figure("poll", stand.database, what, median(times), Reach(at_most=5), times)


def _look(place: Place, mailing_id: int) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    live.picture(place.owner, mailing_id)
    milliseconds = (time.perf_counter() - started) * 1000
    end_reading()
    return milliseconds


def running(place: Place, messages: int) -> int:
    """A mailing an hour after its start: nine of ten sent, some failed with their calls, some still waiting."""
    mailing_id = schedule(place, title=f"{messages} messages")
    starting.start_due()
    began = clock.now() - timedelta(minutes=MINUTES)
    with transaction() as session:
        done = {"fanned_out_at": clock.now(), "started_at": began}
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(**done))
    _insert_messages(mailing_id, messages)
    _insert_attempts(mailing_id)
    _count(mailing_id)
    if tallies.check(mailing_id):
        raise WrongRun(f"the books of the poll's mailing are wrong: {tallies.check(mailing_id)}")
    return mailing_id


def _insert_messages(mailing_id: int, messages: int) -> None:
    number = numbers(messages).c.number
    turn = number % 100
    now = literal(clock.now(), Message.created_at.type)
    columns: dict[str, ColumnElement[Any]] = {
        "id": literal(ids.take(messages)) + number,
        "mailing_id": literal(mailing_id),
        "client_id": number + 1,
        "phone": phone_of(number),
        "operator_code": code_of(number),
        "timezone": zone_of(number),
        "created_at": now,
        "status": case((turn < 90, "sent"), (turn < 94, "failed"), (turn < 95, "skipped"), else_="queued"),
        "reason": case((turn < 90, null()), (turn < 94, "http_400"), (turn < 95, "stop_list"), else_=null()),
        "tries": case((turn < 94, 1), else_=0),
        "settled_at": case((turn < 95, now), else_=null()),
    }
    with transaction() as session:
        rows = select(*columns.values())
        session.execute(insert(Message).from_select(list(columns), rows, include_defaults=False))


def _insert_attempts(mailing_id: int) -> None:
    """A call for each that failed."""
    columns = {
        "message_id": Message.id,
        "mailing_id": Message.mailing_id,
        "at": Message.settled_at,
        "duration_ms": literal(40),
        "verdict": literal("refused"),
        "reason": literal("http_400"),
        "http_status": literal(400),
        "excerpt": literal('{"message": "wrong number"}'),
    }
    failed = select(*columns.values()).where(Message.mailing_id == mailing_id, Message.status == Status.FAILED)
    with transaction() as session:
        session.execute(insert(Attempt).from_select(list(columns), failed, include_defaults=False))


def _count(mailing_id: int) -> None:
    """What an hour of settling would have left in the books: outcomes in each of its minutes."""
    groups = (Message.operator_code, Message.timezone, Message.status, Message.reason)
    counted = select(*groups, func.count()).where(Message.mailing_id == mailing_id).group_by(*groups)
    began = clock.now() - timedelta(minutes=MINUTES)
    moves = []
    for code, zone, status, reason, count in db.session.execute(counted).all():
        for minute, share in Counter(at * MINUTES // count for at in range(count)).items():
            place = Standing(status, reason, began + timedelta(minutes=minute))
            moves.append(Move(mailing_id, code, zone, None, place, share))
    with transaction() as session:
        tallies.record(session, moves)
