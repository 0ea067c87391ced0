"""Can programs keep the stop list?"""

import pytest
from flask import Flask

from tests.api.conftest import Program
from tests.factories_clients import make_client


@pytest.fixture(autouse=True)
def known(app: Flask, program: Program) -> None:
    with app.app_context():
        for number in range(5):
            make_client(program.user.actor, f"7999000000{number}")


def test_phones_are_listed_shown_and_taken_off(program: Program) -> None:
    added = program.post(
        "/stop-list", {"phone_numbers": ["8 999 000-00-01", "79990000002", "12", "79160000000"]}
    ).json
    again = program.post("/stop-list", {"phone_numbers": ["79990000001"]}).json
    removed = program.post("/stop-list/remove", {"phone_number": "79990000001"})
    listed = program.get("/stop-list").json

    assert (added["added"], added["known"]) == (2, 0)
    assert [(each["phone_number"], each["code"]) for each in added["refused"]] == [
        ("12", "phone_invalid"),
        ("79160000000", "phone_not_yours"),
    ]
    assert (again["added"], again["known"]) == (0, 1)
    assert removed.status_code == 204
    assert [each["phone_number"] for each in listed["items"]] == ["79990000002"]


def test_the_list_is_walked_through(program: Program) -> None:
    phones = [f"7999000000{number}" for number in range(5)]
    program.post("/stop-list", {"phone_numbers": phones})
    path, met = "/stop-list?limit=2", []

    while path:
        page = program.get(path).json
        met += [each["phone_number"] for each in page["items"]]
        path = page["next"] and page["next"].removeprefix("/api/v1")

    assert sorted(met) == phones
    assert program.get("/stop-list?search=0003").json["total"] == 1


def test_nothing_is_no_list(program: Program) -> None:
    answer = program.post("/stop-list", {"phone_numbers": []})

    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [("phone_numbers", "phone_empty")]
