"""Can programs keep the directory, and is it the same one that people see?"""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard.api import problems
from dashboard.domain import clients, stop_list
from dashboard.models import Role
from tests.api.conftest import Program, Programs
from tests.factories_clients import make_client

ANNA = {
    "phone_number": "+7 (999) 123-45-67",
    "tags": ["vip"],
    "timezone": "Europe/Moscow",
    "attributes": {"name": "Анна"},
}


def codes(answer: TestResponse) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json["errors"]]


def add(app: Flask, program: Program, phone: str, *tags: str) -> int:
    with app.app_context():
        return make_client(program.user.actor, phone, *tags)


def test_a_client_is_added_and_told_as_it_is_kept(program: Program) -> None:
    made = program.post("/clients", ANNA)

    assert made.status_code == 201
    assert made.json | ANNA == made.json | {"phone_number": "+7 (999) 123-45-67"}
    assert made.json["phone_number"] == "79991234567"
    assert made.json["operator_code"] == "999"
    assert made.json["stop_listed_at"] is None
    assert (
        program.client.get(made.headers["Location"], headers={"Authorization": f"Token {program.token}"}).json
        == made.json
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"tag": "x"}, {"tags": ["x"]}),
        ({"tag": None}, {"tags": []}),
        ({"operator_code": 912}, {"operator_code": "912"}),
        ({"operator_code": "912"}, {"operator_code": "912"}),
        ({"timezone": "GMT+3"}, {"timezone": "UTC+03:00"}),
        ({}, {"timezone": "Asia/Omsk", "tags": [], "attributes": {}}),
        ({"consent_at": "2026-03-01T09:00:00+03:00"}, {"consent_at": "2026-03-01T06:00:00+00:00"}),
    ],
)
def test_there_are_several_ways_to_say_the_same(program_of: Programs, given: dict, kept: dict) -> None:
    made = program_of(timezone="Asia/Omsk").post("/clients", {"phone_number": "89991234567", **given})

    assert made.status_code == 201
    assert made.json | kept == made.json


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"phone_number": "1234567890"}, ("phone_number", "phone_invalid")),
        ({"phone_number": 79991234567}, ("phone_number", "not_text")),
        ({"operator_code": "XYZ"}, ("operator_code", "operator_code_invalid")),
        ({"timezone": "Moon/Base"}, ("timezone", "zone_unknown")),
        ({"tags": ["a;b"]}, ("tags", "tag_separator")),
        ({"attributes": {"name": 1}}, ("attributes.name.value", "not_text")),
        ({"colour": "red"}, ("colour", "field_unknown")),
        ({"tag": "x"}, ("tag", "tag_and_tags")),
        ({"consent_at": "2026-03-01"}, ("consent_at", "not_a_moment")),
    ],
)
def test_what_cannot_be_kept_is_told_with_its_field(
    program: Program, changed: dict, fault: tuple[str, str]
) -> None:
    answer = program.post("/clients", ANNA | changed)

    assert answer.status_code == 422
    assert codes(answer) == [fault]


def test_a_client_is_replaced_as_a_whole_or_in_parts(program: Program) -> None:
    path = f"/clients/{program.post('/clients', ANNA).json['id']}"

    patched = program.ask("PATCH", path, {"tags": ["spring"], "phone_number": "79121234567"}).json
    put = program.ask("PUT", path, {"phone_number": "79131234567"}).json

    assert (patched["tags"], patched["operator_code"]) == (["spring"], "912")
    assert patched["attributes"] == {"name": "Анна"}
    assert (put["phone_number"], put["operator_code"], put["tags"], put["attributes"]) == (
        "79131234567",
        "913",
        [],
        {},
    )


def test_a_deleted_client_is_not_there_any_more(program: Program) -> None:
    path = f"/clients/{program.post('/clients', ANNA).json['id']}"

    assert program.ask("DELETE", path).status_code == 204
    assert [program.ask(method, path, {}).status_code for method in ("GET", "PATCH", "DELETE")] == [404, 404, 404]


def test_who_names_an_older_version_changes_nothing(program: Program) -> None:
    made = program.post("/clients", ANNA)
    path, first = f"/clients/{made.json['id']}", made.headers["ETag"]
    second = program.ask("PATCH", path, {"tags": ["a"]}, If_Match=first).headers["ETag"]

    late = [program.ask(method, path, {"tags": ["b"]}, If_Match=first) for method in ("PATCH", "DELETE")]

    assert [(answer.status_code, answer.json["code"]) for answer in late] == [(412, "changed_since")] * 2
    assert program.get(path).json["tags"] == ["a"]
    assert program.get(path, If_None_Match=second).status_code == 304
    assert program.get(path, If_None_Match=first).status_code == 200


def test_many_are_added_at_once_and_each_gets_its_verdict(program: Program) -> None:
    rows = [{"phone_number": f"7999000{number:04}"} for number in range(120)]
    rows[3], rows[70], rows[119] = {"phone_number": "12"}, {"phone": "79990000070"}, dict(rows[0])

    answer = program.post("/clients/bulk", {"clients": rows}).json

    failed = {at: result["errors"] for at, result in enumerate(answer["results"]) if result["id"] is None}
    assert (answer["created"], answer["failed"]) == (117, 3)
    assert [errors[0]["code"] for errors in failed.values()] == ["phone_invalid", "field_missing", "phone_taken"]
    assert list(failed) == [3, 70, 119]
    assert program.get("/clients").json["total"] == 117


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_its_bounds(program: Program, count: int) -> None:
    answer = program.post("/clients/bulk", {"clients": [{}] * count})

    assert codes(answer) == [("clients", "batch_out_of_range")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=vip", ["79120000001", "79130000002"]),
        ("operator_code=913", ["79130000002"]),
        ("phone=8 (913) 000-00-02", ["79130000002"]),
        ("search=0003", ["79140000003"]),
        ("stop_listed=true", ["79130000002"]),
        ("stop_listed=false&tag=vip", ["79120000001"]),
        ("timezone=Asia/Omsk", []),
        ("order=newest&limit=1", ["79140000003"]),
    ],
)
def test_clients_are_found(app: Flask, program: Program, query: str, found: list[str]) -> None:
    add(app, program, "79120000001", "vip")
    add(app, program, "79130000002", "vip")
    add(app, program, "79140000003")
    with app.app_context():
        stop_list.add(program.user.actor, "79130000002")

    answer = program.get(f"/clients?{query}")

    assert [each["phone_number"] for each in answer.json["items"]] == found


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", ("limit", "limit_out_of_range")),
        ("limit=501", ("limit", "limit_out_of_range")),
        ("limit=x", ("limit", "not_whole")),
        ("order=random", ("order", "not_a_choice")),
        ("colour=red", ("colour", "field_unknown")),
        ("phone=12", ("phone_number", "phone_invalid")),
    ],
)
def test_a_query_that_cannot_be_understood_is_refused(
    program: Program, query: str, fault: tuple[str, str]
) -> None:
    answer = program.get(f"/clients?{query}")

    assert answer.status_code == 422
    assert codes(answer) == [fault]


@pytest.mark.parametrize("order", ["oldest", "newest", "phone"])
def test_a_walk_meets_everybody_once_while_others_come_and_go(app: Flask, program: Program, order: str) -> None:
    there = [add(app, program, f"7999000{number:04}") for number in range(10)]
    met, path = [], f"/clients?limit=3&order={order}"

    while path:
        page = program.get(path).json
        met += [each["id"] for each in page["items"]]
        add(app, program, f"7999100{len(met):04}")
        with app.app_context():
            clients.delete(program.user.actor, met[-1])  # it has been met
        path = page["next"] and page["next"].removeprefix("/api/v1")
        if len(met) > 100:
            break

    assert len(met) == len(set(met))
    assert set(there) <= set(met)


def test_whom_one_sees_is_the_same_as_on_the_pages(app: Flask, program: Program, program_of: Programs) -> None:
    client_id = add(app, program, "79990000001")
    others = {role: program_of(role) for role in Role}

    seen = {role: other.get(f"/clients/{client_id}").status_code for role, other in others.items()}
    changed = {role: other.ask("PATCH", f"/clients/{client_id}", {}).status_code for role, other in others.items()}

    assert seen == {Role.ADMINISTRATOR: 200, Role.OPERATOR: 404, Role.VIEWER: 200}
    assert changed == {Role.ADMINISTRATOR: 200, Role.OPERATOR: 404, Role.VIEWER: 403}


def test_a_row_that_is_no_client_at_all_has_its_own_verdict(program: Program) -> None:
    answer = program.post("/clients/bulk", {"clients": [None, 5, [], {"phone_number": "+7 999 123-45-67"}]})

    assert (answer.status_code, answer.json["created"], answer.json["failed"]) == (200, 1, 3)
    assert [[fault["code"] for fault in row["errors"]] for row in answer.json["results"]] == [
        *([["body_not_object"]] * 3),
        [],
    ]


def test_a_fault_of_a_thousand_rows_is_put_into_words_once(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    worded = []
    words_of = problems.get_template_attribute

    def counting(*names: str) -> Any:
        worded.append(names)
        return words_of(*names)

    monkeypatch.setattr(problems, "get_template_attribute", counting)

    answer = program.post("/clients/bulk", {"clients": [None] * 1000})

    assert answer.json["failed"] == 1000
    assert len({row["errors"][0]["detail"] for row in answer.json["results"]}) == 1
    assert len(worded) == 1
