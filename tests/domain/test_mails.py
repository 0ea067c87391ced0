"""Does every letter go that was asked for, once where nothing breaks, and not for ever?"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import mails
from dashboard.domain.mails import Due
from dashboard.mail import MailError
from dashboard.models import Mail


def post(*kinds: str) -> None:
    with transaction() as session:
        for kind in kinds:
            mails.post(session, kind, f"{kind}@example.com", params={"n": 1})


def waiting() -> list[tuple[str, int]]:
    db.session.rollback()
    return [(row.kind, row.tries) for row in db.session.scalars(select(Mail).order_by(Mail.id))]


def refuse(due: Due) -> None:
    raise MailError("smtp_451", is_permanent=due.kind == "hopeless")


def test_a_letter_that_fails_waits_for_its_next_try_and_a_hopeless_one_is_gone(any_context: Flask) -> None:
    post("first", "hopeless")

    assert mails.run(5.0, refuse) is False
    taken: list[Due] = []
    mails.run(5.0, taken.append)

    assert waiting() == [("first", 1)]
    assert taken == []  # not yet

    with transaction() as session:
        session.execute(update(Mail).values(next_try_at=clock.now()))
    mails.run(5.0, taken.append)

    assert [(due.kind, due.address, due.params) for due in taken] == [("first", "first@example.com", {"n": 1})]
    assert waiting() == []


def test_in_the_end_a_letter_is_given_up(app_context: Flask) -> None:
    post("first", "late")
    with transaction() as session:
        session.execute(update(Mail).where(Mail.kind == "late").values(expires_at=clock.now() - timedelta(1)))

    for _ in range(len(mails.WAITS) + 1):
        assert waiting()
        mails.run(5.0, refuse)
        with transaction() as session:
            session.execute(update(Mail).values(next_try_at=clock.now()))

    assert waiting() == []


def test_of_two_workers_each_letter_is_taken_by_one_and_a_dead_ones_by_the_next(any_app: Flask) -> None:
    with any_app.app_context():
        post(*(f"kind-{number}" for number in range(20)))
    lock, taken = threading.Lock(), list[str]()

    def work(_number: int) -> None:
        def keep(due: Due) -> None:
            with lock:
                taken.append(due.kind)

        with any_app.app_context():
            mails.run(10.0, keep)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert sorted(taken) == sorted(f"kind-{number}" for number in range(20))
    with any_app.app_context():
        post("first")
        assert mails._take() is not None  # and dies
        assert mails._take() is None
        with transaction() as session:
            session.execute(update(Mail).values(next_try_at=Mail.created_at))
        assert mails._take() is not None


def test_a_round_that_is_told_to_stop_leaves_the_rest_as_it_was(app_context: Flask) -> None:
    post("first", "second")
    taken: list[Due] = []

    more = mails.run(5.0, taken.append, is_stopping=lambda: bool(taken))

    assert more
    assert len(taken) == 1
    assert len(waiting()) == 1
    assert mails.run(5.0, taken.append) is False
    assert len(taken) == 2
