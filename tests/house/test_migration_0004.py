"""Does the fourth migration keep the imports that there are, and give up those it cannot go on with?"""

import pytest
from flask import Flask

from tests.support.first_slice import START, add, downgrade_to, migrate_afresh_to, read, upgrade_to, user

pytestmark = pytest.mark.usefixtures("any_context")
STATES = ("waiting", "running", "finished", "failed", "cancelled")


def imported(number: int, state: str) -> dict[str, object]:
    file = {"filename": "a.csv", "known": "update", "timezone": "UTC", "size_bytes": 9, "bytes_read": 9}
    counts = {"rows_read": 7, "created": 4, "updated": 1, "unchanged": 1, "bad": 1}
    return {"id": number, "owner_id": 1, "state": state, "created_at": START, **file, **counts}


def fill() -> None:
    add("users", user())
    add("imports", *(imported(number, state) for number, state in enumerate(STATES, start=1)))
    add("import_problems", {"id": 1, "import_id": 3, "line": 2, "value": "x", "code": "phone_invalid"})


def test_imports_are_kept_and_those_under_way_are_given_up(any_context: Flask) -> None:
    migrate_afresh_to("0003")
    fill()

    upgrade_to("0004")

    after = read("imports")
    assert [row["state"] for row in after] == ["failed", "failed", "finished", "failed", "cancelled"]
    assert [row["failure"] for row in after] == ["file_lost", "file_lost", None, None, None]
    assert {(row["created"], row["rows_total"], row["duplicates"], row["filename"]) for row in after} == {
        (4, 7, 0, "a.csv")
    }
    assert [row["import_id"] for row in read("import_problems")] == [3]


def test_taking_it_back_ends_what_the_older_version_does_not_know(any_context: Flask) -> None:
    migrate_afresh_to("0004")
    add("users", user())
    steps = ("mapping", "checking", "checked", *STATES)
    added = {"rows_done": 0, "duplicates": 2}
    add("imports", *(imported(number, state) | added for number, state in enumerate(steps, start=1)))

    downgrade_to("0003")

    after = read("imports")
    assert {row["state"] for row in after} == {"finished", "failed", "cancelled"}
    assert "mapping" not in after[0]
