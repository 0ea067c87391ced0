"""Does the one door to the database keep what it promises, on both databases?"""

from contextlib import suppress
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import text

from dashboard.database import db, snapshot, transaction
from dashboard.models import Service


def failed_probes() -> int:
    return db.session.get_one(Service, 1, populate_existing=True).breaker_failed_probes


def change_elsewhere(app: Flask, failed_probes: int) -> None:
    """As another worker would, in a session of its own."""

    def change() -> None:
        with app.app_context(), transaction() as session:
            session.get_one(Service, 1).breaker_failed_probes = failed_probes

    other = Thread(target=change)
    other.start()
    other.join()


def test_an_error_undoes_everything_that_was_done_in_a_transaction(any_context: Flask) -> None:
    with suppress(ValueError), transaction() as session:
        session.get_one(Service, 1).breaker_failed_probes = 7
        session.flush()
        raise ValueError

    assert failed_probes() == 0


def test_a_transaction_inside_another_stands_and_falls_with_it(any_context: Flask) -> None:
    with suppress(ValueError), transaction():
        with transaction() as inner:
            inner.get_one(Service, 1).breaker_failed_probes = 7
        raise ValueError

    assert failed_probes() == 0


def test_a_transaction_reads_anew_what_an_earlier_one_has_read(any_context: Flask) -> None:
    with transaction() as session:
        kept = session.get_one(Service, 1)
    change_elsewhere(any_context, failed_probes=7)

    with transaction() as session:
        found = session.get_one(Service, 1)

    assert found is kept
    assert found.breaker_failed_probes == 7


def test_what_was_changed_outside_a_transaction_is_refused_not_written(any_context: Flask) -> None:
    db.session.get_one(Service, 1).breaker_failed_probes = 7

    with pytest.raises(RuntimeError, match="outside"), transaction():
        pass

    db.session.rollback()
    assert failed_probes() == 0


def test_a_snapshot_sees_one_instant_whoever_commits_meanwhile(any_context: Flask) -> None:
    with snapshot():
        before = failed_probes()
        change_elsewhere(any_context, failed_probes=7)
        meanwhile = failed_probes()
    afterwards = failed_probes()

    assert (before, meanwhile, afterwards) == (0, 0, 7)


@pytest.mark.postgres
def test_a_transaction_of_one_instant_sees_no_change_of_another(pg_app: Flask) -> None:
    """On SQLite nobody else can write meanwhile."""
    with pg_app.app_context():
        with transaction(one_instant=True):
            before = failed_probes()
            change_elsewhere(pg_app, failed_probes=7)
            meanwhile = failed_probes()
        afterwards = failed_probes()

    assert (before, meanwhile, afterwards) == (0, 0, 7)


def test_only_a_transaction_that_may_be_lost_does_not_wait_for_the_disk(any_context: Flask) -> None:
    asked, waits, waits_not = (
        ("PRAGMA synchronous", 2, 1)
        if db.engine.dialect.name == "sqlite"
        else ("SHOW synchronous_commit", "on", "off")
    )

    found = []
    for may_be_lost in (False, True, False):
        with transaction(may_be_lost=may_be_lost) as session:
            found.append(session.scalar(text(asked)))

    assert found == [waits, waits_not, waits]
