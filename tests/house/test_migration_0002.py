"""Does every row come through the change to chunks and flights, up and down, and go on to mean the same?"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.first_slice import (
    BACK_OFF,
    NOW,
    RUNNING,
    SETTLED,
    START,
    Rows,
    add,
    downgrade_to,
    fill_the_first_slice,
    mailing,
    message,
    migrate_afresh_to,
    read,
    read_all,
    table,
    upgrade_to,
    user,
    writing,
)

# Before any release; what is released is upgraded in test_upgrades, each time.
pytestmark = pytest.mark.slow

UNSENT = SETTLED[1:]
# What a row of 0002 needs besides.
NEW_MAILING = {"time_basis": "instant", "rate_unit": "messages", "awaits_approval": False}


def only(rows: Rows, columns: Iterable[str]) -> Rows:
    kept = set(columns)
    return [{name: value for name, value in row.items() if name in kept} for row in rows]


def aware(instant: datetime | None) -> datetime | None:
    """SQLite's are naive."""
    return instant and instant.replace(tzinfo=UTC)


def test_no_row_is_lost_on_the_way_up(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    before = read_all()

    upgrade_to("0002")

    after = read_all()
    changed = {"messages", "attempts", "tallies"}
    empty = [name for name, rows in before.items() if not rows]
    assert empty == []
    assert {name: only(after[name], rows[0].keys()) for name, rows in before.items() if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }
    assert [row["id"] for row in after["attempts"]] == [1, 2, 3]
    assert after["attempts"] == before["attempts"][:3]
    kept = set(before["messages"][0]) - {"send_after"}
    assert only(after["messages"], kept) == only(before["messages"], kept)


def test_what_waited_waits_by_itself_and_what_is_settled_has_no_time(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()

    upgrade_to("0002")

    messages = {row["status"]: row for row in read("messages")}
    assert aware(messages["queued"]["send_after"]) == BACK_OFF
    assert aware(messages["sending"]["send_after"]) == START
    assert [messages[status]["send_after"] for status in SETTLED] == [None] * len(SETTLED)
    assert {row["unsent"] for row in messages.values()} == {None, *UNSENT}
    assert [messages[status]["unsent"] for status in UNSENT] == list(UNSENT)


def test_counts_are_added_up_and_new_columns_hold_what_was_meant_before(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()

    upgrade_to("0002")

    assert [(row["key"], row["status"], row["slot"], row["change"]) for row in read("tallies")] == [
        ("", "queued", 0, 2),
        ("", "sent", 0, 7),
    ]
    mailings = read("mailings")
    assert {row["time_basis"] for row in mailings} == {"instant"}
    assert {row["rate_unit"] for row in [*mailings, *read("service")]} == {"messages"}
    assert {row["awaits_approval"] for row in mailings} == {False}
    assert {row["state"]: row["pause_reason"] for row in mailings if row["pause_reason"]} == {"paused": "operator"}
    assert read("allowances") == [{"scope": 0, "next_at": None, "canary_left": None, "parts_left": None}]


def test_the_way_down_gives_back_what_was_there(any_context: Flask) -> None:
    migrate_afresh_to("0001")
    fill_the_first_slice()
    before = read_all()
    upgrade_to("0002")

    downgrade_to("0001")

    after = read_all()
    changed = {"attempts", "tallies"}
    assert {name: rows for name, rows in after.items() if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }
    assert after["attempts"] == before["attempts"][:3]
    counts = [(row["id"], row["status"], row["change"]) for row in after["tallies"]]
    assert counts == [(1, "queued", 2), (2, "sent", 7)]


def test_what_is_in_a_chunk_or_a_flight_is_decided_by_the_older_engine(any_context: Flask) -> None:
    migrate_afresh_to("0002")
    add("users", user())
    add("mailings", mailing(RUNNING, "running", **NEW_MAILING))
    add("chunks", {"first_id": 1, "last_id": 2, "mailing_id": RUNNING, "timezone": "Europe/Moscow"})
    flight = {"token": "f", "armed_at": START, "lease_until": NOW + timedelta(days=9)}
    add("flights", {"first_id": 3, "last_id": 6, "mailing_id": RUNNING} | flight)
    add(
        "messages",
        *(message(number, "queued", send_after=None) for number in (1, 2, 3, 4)),
        message(5, "sent", send_after=None, settled_at=NOW),
        message(6, "queued", send_after=BACK_OFF),
    )

    downgrade_to("0001")

    found = [(row["status"], row["lease_token"], aware(row["send_after"])) for row in read("messages")]
    assert found == [
        ("queued", None, START),
        ("queued", None, START),
        ("sending", "f", START),
        ("sending", "f", START),
        ("sent", None, START),
        ("queued", None, BACK_OFF),
    ]
    leases = [aware(row["lease_until"]) for row in read("messages") if row["lease_until"]]
    assert len(leases) == 2
    assert max(leases) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("of_mailing", "of_service"),
    [
        ({"awaits_approval": True}, {}),
        ({"rate_limit": 5}, {}),
        ({"canary_size": 5}, {}),
        ({"budget_parts": 5}, {}),
        ({"time_basis": "client", "starts_wall": START, "ends_wall": NOW}, {}),
        ({}, {"stopped_at": NOW, "stopped_by_id": 1}),
        ({}, {"rate_limit": 5}),
        ({}, {"frequency_cap": 1, "frequency_days": 7}),
    ],
    ids=lambda values: "-".join(values),
)
def test_what_the_older_engine_cannot_limit_does_not_go_on_by_itself(
    any_context: Flask, of_mailing: dict[str, Any], of_service: dict[str, Any]
) -> None:
    migrate_afresh_to("0002")
    add("users", user())
    states = ("scheduled", "running", "finished")
    add(
        "mailings", *(mailing(id_, state, **NEW_MAILING | of_mailing) for id_, state in enumerate(states, start=1))
    )
    with writing() as connection:
        connection.execute(update(table("service")).values({"id": 1, **of_service}))

    downgrade_to("0001")

    assert [row["state"] for row in read("mailings")] == ["draft", "paused", "finished"]


def test_a_mailing_whose_message_would_lose_its_own_text_waits_for_a_person(any_context: Flask) -> None:
    migrate_afresh_to("0002")
    add("users", user())
    add("mailings", mailing(RUNNING, "running", **NEW_MAILING))
    add("messages", message(1, "queued", send_after=START, text="Только вам"))

    downgrade_to("0001")

    assert [row["state"] for row in read("mailings")] == ["paused"]


def test_what_has_no_limits_goes_on(any_context: Flask) -> None:
    migrate_afresh_to("0002")
    add("users", user())
    add("mailings", mailing(1, "scheduled", **NEW_MAILING), mailing(RUNNING, "running", **NEW_MAILING))
    add("messages", message(1, "sent", send_after=None, text="Только вам"))

    downgrade_to("0001")

    assert [row["state"] for row in read("mailings")] == ["scheduled", "running"]
