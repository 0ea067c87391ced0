"""How long does the server take for a page, and how often does it ask the database, whatever there is?"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, text, update

from bench.measures.poll import running
from bench.population import TAG
from bench.results import Figure, Reach, median
from bench.sending import WrongRun
from bench.stand import Place, Stand
from dashboard import clock, models
from dashboard.database import db, end_reading, transaction
from dashboard.domain import tallies
from dashboard.domain.tallies import Move
from dashboard.domain.tallies import Place as Standing
from dashboard.domain.users import User
from dashboard.models import Client, Mailing, Message, Role, State, Status
from tests.factories import make_user, sign_in

SIZES = (10_000, 100_000, 1_000_000)
# For each client: so many messages the clients of a year have. SQLite, which is for one host, has one.
MESSAGES = {"postgres": 5, "sqlite": 1}
# Finished ones, over the last thirty days.
HISTORY = 1_000
LOOKS = 20
PAGE, POLL = Reach(at_most=100), Reach(at_most=10)
# Stands for what a mailing's page that was fetched just now asks for itself.
SINCE_NOW = "/live?version="
# What a form sends while somebody types; other addresses are only looked at.
TYPED = {
    "/mailings/preview": {
        "text": "Dear {{name}}, come",
        "tags": TAG,
        "starts_at": "2030-05-01T10:00",
        "ends_at": "2030-05-09T21:00",
        "window_from": "09:00",
        "window_to": "21:00",
        "rate_limit": "50",
    }
}


def pages(stand: Stand) -> Iterator[Figure]:
    """Through the application, template and all, as an operator and as an administrator: the slower one counts."""
    sizes = [stand.plan.size(size) for size in SIZES]
    for size in sizes:
        with stand.installation(size) as place:
            mailing_id = _fill(place, size * MESSAGES[stand.database], stand.plan.size(HISTORY))
            if stand.server_url:
                _tidy()
            visitors = [_visitor(_user(place.owner.id)), _visitor(make_user(Role.ADMINISTRATOR))]
            for name, path, reach in _addresses(mailing_id):
                if path.endswith(SINCE_NOW):
                    _pause(mailing_id)
                times, queries = zip(*(_looks(visitor, path) for visitor in visitors), strict=True)
                slower = max(times, key=median)
                what = f"ms, {name}, {size:,} clients"
                yield Figure("pages", stand.database, what, median(slower), reach, slower)
                if size == sizes[-1]:
                    yield Figure("pages", stand.database, f"queries, {name}", max(queries))


def _fill(place: Place, messages: int, history: int) -> int:
    """A running mailing with all of these messages, and what has been before it."""
    ended = clock.now() - timedelta(hours=1)
    row = {"owner_id": place.owner.id, "title": "Earlier", "text": "x", "everybody": True, "state": State.FINISHED}
    ends = [ended - timedelta(days=30) * number / history for number in range(history)]
    rows = [row | _times(ends_at) for ends_at in ends]
    with transaction() as session:
        ids = session.scalars(insert(Mailing).returning(Mailing.id, sort_by_parameter_order=True), rows).all()
        moves = [
            Move(mailing_id, "900", "UTC", None, Standing(status, None, ends_at - timedelta(minutes=minute)), 100)
            for mailing_id, ends_at in zip(ids, ends, strict=True)
            for status in (Status.SENT, Status.EXPIRED)
            for minute in range(5)
        ]
        tallies.record(session, moves)
    return running(place, messages)


def _pause(mailing_id: int) -> None:
    """The pace of a running mailing, and so when it will be done, is other news each second."""
    with transaction() as session:
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(state=State.PAUSED))


def _times(ends_at: Any) -> dict[str, Any]:
    begun = dict.fromkeys(("starts_at", "started_at", "created_at", "launched_at"), ends_at - timedelta(hours=1))
    return begun | dict.fromkeys(("ends_at", "finished_at", "fanned_out_at", "updated_at"), ends_at)


def _tidy() -> None:
    """What autovacuum has long done where so many rows are."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _user(user_id: int) -> User:
    return User.of(db.session.get_one(models.User, user_id))


def _visitor(user: User) -> FlaskClient:
    current_app.config["WTF_CSRF_ENABLED"] = False
    end_reading()
    client = current_app.test_client()
    sign_in(client, user)
    return client


def _addresses(mailing_id: int) -> list[tuple[str, str, Reach]]:
    client_id = db.session.scalars(select(Client.id).order_by(Client.id).limit(1)).one()
    failed = select(Message.id).where(Message.mailing_id == mailing_id, Message.unsent == Status.FAILED)
    message_id = db.session.scalars(failed.limit(1)).one()
    end_reading()
    one = f"/mailings/{mailing_id}"
    return [
        ("overview", "/", PAGE),
        ("days of the overview", "/statistics/days", PAGE),
        ("clients", "/clients", PAGE),
        ("clients by tag", f"/clients?tag={TAG}", PAGE),
        ("clients by code and zone", "/clients?code=905&timezone=Asia/Omsk", PAGE),
        ("clients by tag and zone", f"/clients?tag={TAG}&timezone=Asia/Omsk", PAGE),
        ("clients by all three, by phone", f"/clients?tag={TAG}&code=905&timezone=Asia/Omsk&sort=phone", PAGE),
        ("clients by a piece of the phone", "/clients?q=90510", PAGE),
        ("clients by a phone nobody has", "/clients?q=0000000", PAGE),
        ("client", f"/clients/{client_id}", PAGE),
        ("mailings", "/mailings", PAGE),
        ("mailing", one, PAGE),
        ("chart of a mailing", f"{one}/chart", PAGE),
        ("form of a mailing", "/mailings/new", PAGE),
        ("preview of a mailing", "/mailings/preview", PAGE),
        ("messages of a mailing", f"{one}/messages", PAGE),
        ("failed of a mailing", f"{one}/messages?status=failed", PAGE),
        ("message", f"/messages/{message_id}", PAGE),
        ("unknown outcomes", "/unknown", PAGE),
        ("imports", "/imports", PAGE),
        ("poll with news", f"{one}/live", POLL),
        ("poll without news", f"{one}{SINCE_NOW}", POLL),
    ]


def _poll_of(visitor: FlaskClient, address: str) -> str:
    """What the page that is fetched now asks for itself, to hear that nothing has changed."""
    found = re.search(r'id="live-poll" hx-get="([^"]+)"', visitor.get(address).text)
    if found is None:
        raise WrongRun(f"{address} does not ask for news of itself")
    return found[1].replace("&amp;", "&")


def _looks(visitor: FlaskClient, path: str) -> tuple[list[float], int]:
    """Milliseconds of each look, and queries of one."""
    if path.endswith(SINCE_NOW):
        path = _poll_of(visitor, path.removesuffix(SINCE_NOW))
    _look(visitor, path)
    with _counted_queries() as queries:
        _look(visitor, path)
    return [_look(visitor, path) for _ in range(LOOKS)], len(queries)


def _look(visitor: FlaskClient, path: str) -> float:
    started = time.perf_counter()
    typed = TYPED.get(path)
    answer = visitor.post(path, data=typed, buffered=True) if typed else visitor.get(path, buffered=True)
    milliseconds = (time.perf_counter() - started) * 1000
    if answer.status_code != (204 if "version=" in path else 200):
        raise WrongRun(f"{path} answers {answer.status_code}")
    return milliseconds


@contextmanager
def _counted_queries() -> Iterator[list[str]]:
    queries: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        queries.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield queries
    event.remove(db.engine, "before_cursor_execute", note)
