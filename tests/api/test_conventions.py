"""Does every status that docs/api.md names come in answer to what it says?"""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from dashboard.models import Role
from tests.api.conftest import Program, Programs
from tests.support.api_document import section
from tests.support.languages import foreign_in

ANNA = {"phone_number": "79991234567"}


def unreadable(program: Program, content_type: str) -> TestResponse:
    said = {"Authorization": f"Token {program.token}", "Content-Type": content_type}
    said["Accept-Language"] = program.language
    return program.client.post("/api/v1/clients", data='{"phone_number', headers=said)


def too_late(program: Program) -> TestResponse:
    """Somebody else has changed the client since it was read."""
    made = program.post("/clients", ANNA)
    path = f"/clients/{made.json['id']}"
    program.ask("PATCH", path, {"tags": ["a"]})
    return program.ask("PATCH", path, {"tags": ["b"]}, If_Match=made.headers["ETag"])


def not_now(program: Program) -> TestResponse:
    """A draft cannot be paused."""
    span = {"start_at": "2030-03-01T10:00", "end_at": "2030-03-02T10:00"}
    made = program.post("/mailings", {"title": "Sale", "text": "Hello", "everybody": True, **span})
    return program.post(f"/mailings/{made.json['id']}/pause")


ANSWERS: dict[int, Callable[[Program], TestResponse]] = {
    400: lambda program: unreadable(program, "application/json"),
    415: lambda program: unreadable(program, "text/plain"),
    401: lambda program: program.get("/clients", Authorization=""),
    404: lambda program: program.get("/clients/1"),
    405: lambda program: program.ask("DELETE", "/clients"),
    409: not_now,
    412: too_late,
    413: lambda program: program.post("/clients", {"phone_number": "9" * (16 << 20)}),
    422: lambda program: program.post("/clients", {}),
}
# Tested where its limits are, and where something has to break for it.
ELSEWHERE = {403, 429, 500}


@pytest.mark.parametrize("status", ANSWERS)
def test_a_refusal_has_its_status_and_says_why(program: Program, status: int) -> None:
    answer = ANSWERS[status](program)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert {"type", "title", "code", "detail", "request_id"} <= answer.json.keys()
    assert answer.json["detail"] not in ("", answer.json["code"])


def test_nothing_that_is_sent_is_passed_over_in_silence(program: Program) -> None:
    """Unknown wherever it stands, also where an address takes nothing; what is empty says nothing."""
    span = {"start_at": "2030-03-01T10:00", "end_at": "2030-03-02T10:00"}
    draft = {"title": "Sale", "text": "Hello", "everybody": True, **span}
    path = f"/mailings/{program.post('/mailings', draft).json['id']}"
    unknown = {
        "launch": program.post("/mailings?launch=true", draft),
        "dry_run": program.post("/clients/bulk?dry_run=true", {"clients": [ANNA]}),
        "days": program.get(f"{path}/statistics?days=3"),
        "colour": program.get("/users/me?colour=red"),
        "start_at": program.post(f"{path}/launch", {"start_at": "2031-03-01T10:00"}),
    }

    twice = program.get("/clients?tag=a&tag=b")
    whose = {"Authorization": f"Token {program.token}"}
    text = program.client.post(f"/api/v1{path}/launch", data="now", headers=whose)
    empty = program.post(f"{path}/launch", {})
    only_announced = program.client.post(f"/api/v1{path}/pause", headers=whose, content_type="application/json")

    told = {
        name: [(each["field"], each["code"]) for each in answer.json["errors"]] for name, answer in unknown.items()
    }
    assert told == {name: [(name, "field_unknown")] for name in unknown}
    assert [(each["field"], each["code"]) for each in twice.json["errors"]] == [("tag", "given_twice")]
    assert program.get("/clients").json["items"] == []
    assert (text.status_code, empty.status_code, only_announced.status_code) == (415, 200, 409)
    assert only_announced.json["code"] == "cannot_pause"


def test_who_only_looks_on_changes_nothing(program_of: Programs) -> None:
    answer = program_of(Role.VIEWER).post("/clients", ANNA)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_the_page_names_every_status_and_no_other() -> None:
    rows = section("What holds everywhere").tables[1][1:]

    named = {int(status) for row in rows for status in re.findall(r"\d{3}", row[0].replace("5xx", "500"))}

    assert named == {*ANSWERS, *ELSEWHERE}


@pytest.mark.parametrize(
    ("own", "asked", "heard"), [("en", "ru", "ru"), ("ru", "en", "en"), ("ru", "", "ru"), ("en", "", "en")]
)
def test_refusals_are_told_in_the_language_asked_for_or_else_the_users_own(
    program_of: Programs, own: str, asked: str, heard: str
) -> None:
    program = program_of(language=own)
    program.language = asked

    refused = program.post("/clients", {"phone_number": "12345", "tags": 1, "colour": "red"}).json
    bulk = program.post("/clients/bulk", {"clients": [{"phone_number": "12345"}]}).json
    cut_off = unreadable(program, "application/json").json

    words = [refused["detail"], *(each["detail"] for each in refused["errors"]), cut_off["detail"]]
    words += [each["detail"] for each in bulk["results"][0]["errors"]]
    assert len(words) == 5
    assert [foreign_in(each, heard) for each in words] == [[]] * 5


def test_what_is_no_json_is_told_by_its_status_alone(program: Program) -> None:
    answer = unreadable(program, "application/json").json

    assert (answer["code"], answer.get("errors")) == ("bad_request", None)
