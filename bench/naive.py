"""How fast is the usual design, one task a message? RQ, `requests`, an ORM object and a commit for each.

It is built as its tutorials build it, and spared what Vestnik does beside: the text is ready, there are no
attempts, counters, windows or brakes, and its one table has no index but the key. Each of its two processes keeps
its connections to the gateway and the database open from message to message.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import requests
from redis import Redis
from rq import Queue, SimpleWorker
from sqlalchemy import Engine, create_engine, func, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.sending import WrongRun
from bench.stand import Place, Stand
from config import ROOT
from dashboard import connections

MESSAGES = 3_000
PROCESSES = 2
QUEUE = "naive"
TEXT = "Dear Client 1234567, your order is on its way and arrives tomorrow between 10 am and 6 pm. " + "Yours." * 8


class Base(DeclarativeBase):
    """Its own table, beside Vestnik's."""


class PlainMessage(Base):
    __tablename__ = "plain_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    phone: Mapped[str]
    text: Mapped[str]
    status: Mapped[str]


def rate(stand: Stand) -> float:
    """Messages a second, from the moment both processes are told to begin until both are done."""
    messages = stand.plan.size(MESSAGES)
    with stand.installation() as place, _table(place) as engine, Redis.from_url(stand.redis_url) as redis:
        redis.flushall()
        _fill(engine, redis, messages)
        stand.gateway.reset()
        workers = [_start(place) for _ in range(PROCESSES)]
        while int(redis.get("ready") or 0) < PROCESSES:
            time.sleep(0.02)
        started = time.monotonic()
        redis.lpush("go", *range(PROCESSES))
        while _sent(engine) < messages and None in {worker.poll() for worker in workers}:
            time.sleep(0.05)
        seconds = time.monotonic() - started
        for worker in workers:
            worker.wait(30)
        if _sent(engine) != messages or stand.gateway.seen().distinct != messages:
            raise WrongRun(f"{_sent(engine)} of {messages} sent by the task-per-message design")
    return messages / seconds


@contextmanager
def _table(place: Place) -> Iterator[Engine]:
    engine = _engine(place.environ["DATABASE_URL"])
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    connections.configure(engine)
    return engine


def _fill(engine: Engine, redis: Redis, messages: int) -> None:
    ids = range(1, messages + 1)
    with Session(engine) as session, session.begin():
        rows = [{"id": each, "phone": "79991234567", "text": TEXT, "status": "queued"} for each in ids]
        session.execute(insert(PlainMessage), rows)
    queue = Queue(QUEUE, connection=redis)
    queue.enqueue_many([Queue.prepare_data("bench.naive.send_one", args=(each,)) for each in ids])


def _sent(engine: Engine) -> int:
    with Session(engine) as session:
        query = select(func.count()).select_from(PlainMessage).where(PlainMessage.status == "sent")
        return session.scalar(query) or 0


def _start(place: Place) -> subprocess.Popen[bytes]:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **place.environ}
    command = [sys.executable, "-c", "from bench import naive; naive.work()"]
    return subprocess.Popen(command, cwd=ROOT, env=environ)


# ---- In the worker ----


def work() -> None:
    """Until the queue is empty, from the moment it is told to."""
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        worker = SimpleWorker([QUEUE], connection=redis)
        _own_engine(), _own_session()
        redis.incr("ready")
        redis.blpop(["go"])
        worker.work(burst=True, logging_level="WARNING")


def send_one(message_id: int) -> None:
    """The task: load, call, write."""
    with Session(_own_engine(), expire_on_commit=False) as session:
        message = session.get_one(PlainMessage, message_id)
        session.commit()  # no transaction is open during the call
        body = {"id": message.id, "phone": int(message.phone), "text": message.text}
        answer = _own_session().post(f"{os.environ['GATEWAY_URL']}/v1/send/{message.id}", json=body, timeout=10)
        message.status = "sent" if answer.json()["code"] == 0 else "failed"
        session.commit()


@cache
def _own_engine() -> Engine:
    return _engine(os.environ["DATABASE_URL"])


@cache
def _own_session() -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {os.environ['GATEWAY_TOKEN']}"
    return session
