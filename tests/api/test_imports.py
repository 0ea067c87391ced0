"""Can programs bring in a file of clients, and learn what becomes of it?"""

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook
from werkzeug.test import TestResponse

from dashboard.domain import imports
from dashboard.domain.imports import FileLimits
from dashboard.models import Role
from tests.api.conftest import Program, Programs, program_in
from tests.factories_clients import LIMITS

ROWS = "phone;tags;name\n8 999 123-45-67;vip;Анна\n12345;vip;Nobody\n79991234568;;Boris\n79991234567;;Twice\n"
PHONES = ["79991234567", "79991234568"]
MAPPING = {
    "has_header": True,
    "columns": [
        {"meaning": "phone"},
        {"meaning": "ignore"},
        {"meaning": "attribute", "name": "first_name"},
    ],
}


def send(program: Program, content: str | bytes = ROWS, name: str = "clients.csv", **more: Any) -> TestResponse:
    headers = {"Authorization": f"Token {program.token}", "Accept-Language": program.language}
    headers |= {key.replace("_", "-"): more.pop(key) for key in ("Idempotency_Key",) if key in more}
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return program.client.post("/api/v1/imports", data={"file": (file, name), **more}, headers=headers)


def sent(program: Program, content: str | bytes = ROWS, name: str = "clients.csv", **more: Any) -> str:
    """The address of a new import."""
    answer = send(program, content, name, **more)
    assert answer.status_code == 202, answer.text
    location: str = answer.headers["Location"]
    return location.removeprefix("/api/v1")


def work(app: Flask, path: str) -> None:
    """What a worker does, until there is nothing left to do."""
    with app.app_context():
        while not imports.run(int(path.split("/")[2]), app.config["SETTINGS"].imports_dir, LIMITS):
            pass


def counts(told: dict[str, Any]) -> tuple[int, ...]:
    return tuple(told[name] for name in ("created", "updated", "unchanged", "bad", "duplicates"))


def faults(answer: TestResponse) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json["errors"]]


def phones_of(program: Program) -> list[str]:
    return [client["phone_number"] for client in program.get("/clients").json["items"]]


def test_a_file_is_looked_at_and_then_brought_in(any_app: Flask) -> None:
    program = program_in(any_app)
    answer = send(program)
    path = f"/imports/{answer.json['id']}"
    work(any_app, path)
    checked = program.get(path).json
    before = phones_of(program)

    started = program.post(f"{path}/start")
    work(any_app, path)
    finished = program.get(path).json

    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1{path}")
    assert (answer.json["state"], answer.json["filename"]) == ("checking", "clients.csv")
    assert (checked["state"], counts(checked), checked["rows_total"]) == ("checked", (2, 0, 0, 1, 1), 4)
    assert before == []
    assert (started.status_code, started.json["state"]) == (202, "waiting")
    assert (finished["state"], counts(finished), finished["progress"]) == ("finished", (2, 0, 0, 1, 1), 100)
    assert phones_of(program) == PHONES


def test_an_import_that_is_told_so_goes_on_by_itself(any_app: Flask) -> None:
    program = program_in(any_app)

    path = sent(program, start="true")
    work(any_app, path)

    assert program.get(path).json["state"] == "finished"
    assert phones_of(program) == PHONES


def test_known_phones_are_updated_or_skipped(app: Flask, program: Program) -> None:
    work(app, sent(program, start="true"))

    updated, skipped = sent(program, start="true"), sent(program, start="true", known_phones="skip")
    again = sent(program, ROWS.replace("Boris", "Bob"), start="true")
    for path in (updated, skipped, again):
        work(app, path)

    assert [counts(program.get(path).json)[:3] for path in (updated, skipped, again)] == [
        (0, 0, 2),
        (0, 0, 2),
        (0, 1, 1),
    ]


def test_the_columns_are_guessed_and_told(program: Program) -> None:
    told = program.get(sent(program)).json["mapping"]

    assert told == {
        "has_header": True,
        "columns": [
            {"title": "phone", "meaning": "phone", "name": None},
            {"title": "tags", "meaning": "tags", "name": None},
            {"title": "name", "meaning": "attribute", "name": "name"},
        ],
    }


def test_the_columns_can_be_said_with_the_file_or_later(app: Flask, program: Program) -> None:
    at_once, later = sent(program, mapping=json.dumps(MAPPING)), sent(program)

    patched = program.ask("PATCH", later, {"mapping": MAPPING, "timezone": "GMT+3", "start": True})
    work(app, later)
    (client, _other) = program.get("/clients").json["items"]

    assert patched.status_code == 202
    assert program.get(at_once).json["mapping"] == patched.json["mapping"]
    assert (patched.json["state"], patched.json["timezone"]) == ("checking", "UTC+03:00")
    assert (client["attributes"], client["tags"]) == ({"first_name": "Анна"}, [])


def test_what_was_told_of_the_columns_can_be_sent_back(program: Program) -> None:
    path = sent(program)
    told = program.get(path).json["mapping"]

    answer = program.ask("PATCH", path, {"mapping": told})

    assert (answer.status_code, answer.json["mapping"]) == (202, told)


def test_columns_that_cannot_be_guessed_wait_to_be_said(app: Flask, program: Program) -> None:
    path = sent(program, "a;b\nx;y\nz;8 999 123-45-67\n", start="true")
    waiting = program.get(path).json
    mapping = waiting["mapping"] | {"columns": [{"meaning": "ignore"}, {"meaning": "phone"}]}

    program.ask("PATCH", path, {"mapping": mapping})
    work(app, path)

    assert (waiting["state"], waiting["start"]) == ("mapping", True)
    assert counts(program.get(path).json) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"mapping": "{"}, ("mapping", "not_json")),
        ({"mapping": "[]"}, ("mapping", "body_not_object")),
        ({"mapping": '{"columns": []}'}, ("mapping.has_header", "field_missing")),
        ({"mapping": {"columns": [{"meaning": "phone"}]}}, ("mapping.columns", "columns_miscounted")),
        ({"mapping": {"columns": [{"meaning": "fax"}]}}, ("mapping.columns.0.meaning", "not_a_choice")),
        ({"mapping": {"columns": [{"meaning": "ignore"}] * 3}}, ("mapping.columns.0.meaning", "no_phone_column")),
        (
            {"mapping": {"columns": [*MAPPING["columns"][:2], {"meaning": "attribute", "name": "two words"}]}},
            ("mapping.columns.2.name", "attribute_name_invalid"),
        ),
        ({"known_phones": "guess"}, ("known_phones", "not_a_choice")),
        ({"timezone": "Moon/Base"}, ("timezone", "zone_unknown")),
        ({"start": "soon"}, ("start", "not_true_or_false")),
        ({"colour": "red"}, ("colour", "field_unknown")),
    ],
)
def test_what_cannot_be_done_with_a_file_is_told_and_nothing_is_kept(
    program: Program, said: dict[str, Any], fault: tuple[str, str]
) -> None:
    if isinstance(said.get("mapping"), dict):
        said = {"mapping": json.dumps({"has_header": True} | said["mapping"])}

    answer = send(program, **said)

    assert answer.status_code == 422
    assert faults(answer) == [fault]
    assert program.get("/imports").json["items"] == []


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "clients.csv", "file_empty"),
        (b"phone;name\n", "clients.csv", "file_header_only"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "clients", "file_not_text"),
        (b"PK\x03\x04 and nothing behind it", "clients.xlsx", "file_not_workbook"),
        (b"\xd0\xcf\x11\xe0", "clients.xls", "file_is_old_workbook"),
    ],
)
def test_what_is_no_table_of_clients_is_refused(program: Program, content: bytes, name: str, code: str) -> None:
    answer = send(program, content, name)

    assert answer.status_code == 422
    assert faults(answer) == [("file", code)]


def test_what_is_no_form_with_a_file_is_refused(program: Program) -> None:
    headers = {"Authorization": f"Token {program.token}"}

    answers = [
        program.post("/imports", {"file": "phone"}),
        program.client.post("/api/v1/imports", data={"start": "true"}, headers=headers),
        program.client.post("/api/v1/imports", data={"file": "79991234567"}, headers=headers),
    ]
    form = program.client.post(
        "/api/v1/imports", data={"file": "79991234567"}, headers=headers, content_type="multipart/form-data"
    )

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(415, "form_needed")] * 3
    assert faults(form) == [("file", "not_a_file")]


def test_a_file_that_is_too_large_is_refused(app: Flask, program: Program) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1_000

    for more in ({}, {"Idempotency_Key": "a"}):
        answer = send(program, "7" * 2_000, **more)

        assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")


def test_a_workbook_is_read_as_on_the_pages(app: Flask, program: Program) -> None:
    book, file = Workbook(), io.BytesIO()
    for row in (["phone", "name"], [79991234567, "Анна"]):
        book.active.append(row)
    book.save(file)

    path = sent(program, file.getvalue(), "clients.xlsx", start="true")
    work(app, path)

    assert counts(program.get(path).json) == (1, 0, 0, 0, 0)


def test_bad_rows_are_told_with_line_value_and_reason(app: Flask, program: Program) -> None:
    path = sent(program, "phone\n" + "".join(f"bad {number}\n" for number in range(25)))
    work(app, path)
    met, page = [], f"{path}/problems?limit=10"

    first = program.get(page).json
    while page:
        told = program.get(page).json
        met += told["items"]
        page = told["next"] and told["next"].removeprefix("/api/v1")

    assert met[0] == {"line": 2, "value": "bad 0", "code": "phone_invalid", "detail": "This is no phone number"}
    assert [each["line"] for each in met] == list(range(2, 27))
    assert (first["total"], first["total_is_exact"]) == (25, True)
    assert program.get(path).json["problems"] == met[:10]


def test_bad_rows_come_as_csv_too(app: Flask, program: Program) -> None:
    path = sent(program)
    work(app, path)

    by_name = program.get(f"{path}/problems.csv")
    by_type = program.get(f"{path}/problems", Accept="text/csv")
    again = program.get(f"{path}/problems.csv", If_None_Match=by_name.headers["ETag"])

    rows = list(csv.reader(io.StringIO(by_name.text.removeprefix("\ufeff"))))
    assert rows == [
        ["line", "code", "detail", "value"],
        ["3", "phone_invalid", "This is no phone number", "12345"],
        ["5", "duplicate_in_file", "The phone stands in the file twice", "79991234567"],
    ]
    assert by_type.text == by_name.text
    assert (by_name.mimetype, by_type.mimetype, again.status_code) == ("text/csv", "text/csv", 304)


def test_an_import_can_be_cancelled_and_then_takes_no_orders(app: Flask, program: Program) -> None:
    path = sent(program)
    early = program.post(f"{path}/start")

    cancelled = program.post(f"{path}/cancel")
    late = [
        program.post(f"{path}/start"),
        program.post(f"{path}/cancel"),
        program.ask("PATCH", path, {"start": True}),
    ]
    work(app, path)

    assert (early.status_code, early.json["code"]) == (409, "import_not_checked")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert [(answer.status_code, answer.json["code"]) for answer in late] == [(409, "import_ended")] * 3
    assert phones_of(program) == []


def test_a_file_that_cannot_be_read_to_its_end_says_why(app: Flask, program: Program) -> None:
    path = sent(program)
    with app.app_context():
        imports.run(int(path.split("/")[2]), app.config["SETTINGS"].imports_dir, FileLimits(megabytes=1, rows=2))
    told = program.get(path).json

    assert told["state"] == "failed"
    assert told["failure"] == {"code": "too_many_rows", "detail": "The file has too many rows"}


def test_imports_are_listed_newest_first_page_by_page(program: Program) -> None:
    ids = [int(sent(program).split("/")[2]) for _ in range(5)]
    path, met = "/imports?limit=2", []

    while path:
        page = program.get(path).json
        met += [each["id"] for each in page["items"]]
        path = page["next"] and page["next"].removeprefix("/api/v1")

    assert met == ids[::-1]
    assert page["total"] == 5
    assert program.get("/imports?cursor=WzBd").json["code"] == "cursor_invalid"


def test_what_has_been_read_is_not_sent_again(program: Program) -> None:
    for path in (sent(program), "/imports"):
        etag = program.get(path).headers["ETag"]

        assert program.get(path, If_None_Match=etag).status_code == 304


def test_others_see_it_as_on_the_pages(program: Program, program_of: Programs) -> None:
    path = sent(program)
    others = {role: program_of(role) for role in Role}

    seen = {role: other.get(path).status_code for role, other in others.items()}
    rows = {role: other.get(f"{path}/problems.csv").status_code for role, other in others.items()}
    changed = {role: other.ask("PATCH", path, {}).status_code for role, other in others.items()}
    started = send(others[Role.VIEWER]).status_code

    assert seen == {Role.ADMINISTRATOR: 200, Role.OPERATOR: 404, Role.VIEWER: 200}
    assert rows == seen
    assert changed == {Role.ADMINISTRATOR: 202, Role.OPERATOR: 404, Role.VIEWER: 403}
    assert started == 403


def test_a_file_that_is_sent_twice_by_one_key_is_taken_once(program: Program) -> None:
    first = send(program, Idempotency_Key="a")
    second = send(program, Idempotency_Key="a")
    other = send(program, ROWS.replace("Boris", "Bob"), Idempotency_Key="a")

    assert (second.status_code, second.json, second.headers["Location"]) == (
        202,
        first.json,
        first.headers["Location"],
    )
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert program.get("/imports").json["total"] == 1


def test_a_large_file_with_a_key_is_not_held_in_memory(program: Program) -> None:
    """Beside what this test itself holds; the form's parser and the copy work in pieces."""
    content = b"phone;name\n" + b"79991234567;Anna\n" * 1_200_000
    body, boundary = _form(content)
    headers = {"Authorization": f"Token {program.token}", "Idempotency-Key": "a"}
    stream = io.BytesIO(body)

    tracemalloc.start()
    answer = program.client.post(
        "/api/v1/imports",
        input_stream=stream,
        headers=headers | {"Content-Length": str(len(body))},
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.status_code == 202
    assert most < len(content) / 2


def _form(content: bytes) -> tuple[bytes, str]:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="clients.csv"\r\n\r\n'
    return head + content + b"\r\n--b--\r\n", "b"
