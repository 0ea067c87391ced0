"""Does an older installation find its last days counted by the hour, and no price until somebody gives one?"""

from typing import Any

from flask import Flask
from sqlalchemy import insert

from tests.support.first_slice import (
    RUNNING,
    add,
    downgrade_to,
    mailing,
    migrate_afresh_to,
    read,
    table,
    upgrade_to,
    user,
    writing,
)

NEW_MAILING = {"time_basis": "instant", "rate_unit": "messages", "awaits_approval": False}


def tally(key: str, status: str, slot: int, change: int, dimension: str = "minute") -> dict[str, Any]:
    row = {"mailing_id": RUNNING, "dimension": dimension, "key": key, "status": status}
    return row | {"slot": slot, "change": change}


def an_older_installation() -> None:
    migrate_afresh_to("0002")
    add("users", user())
    add("mailings", mailing(RUNNING, "running", **NEW_MAILING))
    with writing() as connection:
        connection.execute(
            insert(table("tallies")),
            [
                tally("2026-11-20T23:59", "sent", 0, 2),
                tally("2026-11-20T23:59", "sent", 1, 3),
                tally("2026-11-20T23:01", "sent", 1, 5),
                tally("2026-11-21T00:00", "failed", 1, 1),
                # Sent again since.
                tally("2026-11-21T05:00", "failed", 1, 4),
                tally("2026-11-21T05:01", "failed", 0, -4),
                tally("900", "sent", 0, 7, "code"),
            ],
        )


def test_hours_are_added_up_from_the_minutes(any_context: Flask) -> None:
    an_older_installation()

    upgrade_to("0006")

    assert [(row["hour"], row["mailing_id"], row["status"], row["change"]) for row in read("hour_tallies")] == [
        ("2026-11-20T23", RUNNING, "sent", 10),
        ("2026-11-21T00", RUNNING, "failed", 1),
    ]
    assert [(row["price_per_part"], row["currency"]) for row in read("service")] == [(None, "RUB")]


def test_the_way_down_keeps_the_minutes(any_context: Flask) -> None:
    an_older_installation()
    before = read("tallies")
    upgrade_to("0006")

    downgrade_to("0002")

    assert read("tallies") == before
    assert "price_per_part" not in read("service")[0]
