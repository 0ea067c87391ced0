"""Does a sender go on with its calls while it waits for the database, on both databases?"""

from threading import Event, Thread

from flask import Flask
from sqlalchemy import select, text

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.meanwhile import attended_by
from dashboard.models import Service


def lock_service() -> None:
    db.session.execute(select(Service.id).with_for_update()).one()


def test_whoever_attends_gets_turns_while_a_lock_is_waited_for(any_context: Flask) -> None:
    is_held, is_seen = Event(), Event()
    turns: list[float] = []

    def attend() -> None:
        turns.append(clock.monotonic())
        if len(turns) == 20:
            is_seen.set()

    def hold() -> None:
        with any_context.app_context(), transaction():
            lock_service()
            is_held.set()
            is_seen.wait(10)

    other = Thread(target=hold)
    other.start()
    is_held.wait(10)
    with attended_by(attend), transaction():
        lock_service()
    other.join()

    assert is_seen.is_set()


def test_a_statement_gives_the_same_whether_somebody_attends_or_not(any_context: Flask) -> None:
    turns: list[str] = []
    numbers = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n"
    )

    with attended_by(lambda: turns.append("a turn")):
        attended = db.session.scalars(numbers).all()

    assert attended == db.session.scalars(numbers).all() == list(range(1, 5001))
    assert turns


def test_a_long_statement_gives_turns_all_the_while(any_context: Flask) -> None:
    count = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n"
    )
    turns: list[float] = []

    with attended_by(lambda: turns.append(clock.monotonic())):
        begun = clock.monotonic()
        assert db.session.scalar(count) == 1_000_000
        took = clock.monotonic() - begun

    assert len([at for at in turns if at > begun + took / 4]) > 20


def test_afterwards_nobody_attends_any_more(any_context: Flask) -> None:
    turns: list[str] = []
    with attended_by(lambda: turns.append("a turn")):
        db.session.execute(text("SELECT 1"))
    so_far = len(turns)

    db.session.execute(text("SELECT 1"))

    assert len(turns) == so_far > 0
