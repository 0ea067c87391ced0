"""Does a database with messages in it get the new words for the same conditions, and nothing else?"""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from dashboard.database import db
from tests.support.first_slice import (
    downgrade_to,
    fill_the_first_slice,
    migrate_afresh_to,
    read,
    read_all,
    upgrade_to,
    writing,
)
from tests.support.schema import sqlite_shape

# Before any release; what is released is upgraded in test_upgrades, each time.
pytestmark = pytest.mark.slow


def an_older_installation() -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    upgrade_to("0006")


def set_status(status: str) -> None:
    """Of all messages, by a connection that has seen the schema before."""
    with writing() as connection:
        connection.execute(text("UPDATE messages SET status = :status"), {"status": status})


def test_rows_come_through_up_and_down(any_context: Flask) -> None:
    an_older_installation()
    before = read_all()
    upgrade_to("0007")
    between = read_all()

    downgrade_to("0006")

    assert before == between == read_all()


def test_no_other_status_is_taken_than_before(any_context: Flask) -> None:
    an_older_installation()

    upgrade_to("0007")

    with pytest.raises(IntegrityError):
        set_status("lost")
    for status, unsent in (("sent", None), ("failed", "failed"), ("unknown", "unknown"), ("queued", None)):
        set_status(status)
        assert {row["unsent"] for row in read("messages")} == {unsent}


def test_sqlite_finds_its_file_whole(app_context: Flask) -> None:
    an_older_installation()
    with db.engine.connect() as connection:
        before = sqlite_shape(connection)

    upgrade_to("0007")
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert " IN (" not in sqlite_shape(connection)["messages"]["checks"]["ck_messages_status"]

    downgrade_to("0006")
    with db.engine.connect() as connection:
        assert sqlite_shape(connection) == before
