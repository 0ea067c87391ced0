"""Can programs write mailings, tell them what to do, and learn how they stand?"""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard.gateway import Verdict
from dashboard.models import Role, Scope
from tests.api.conftest import Program, Programs
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, saying, schedule

SALE = {
    "title": "Spring sale",
    "text": "Dear {{name}}, everything is cheaper.",
    "start_at": "2030-03-01T10:00:00+03:00",
    "end_at": "2030-03-02T20:00:00+03:00",
    "filter": {"tags": ["vip"], "operator_codes": None},
}


def codes(answer: TestResponse) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json["errors"]]


def written(program: Program, **changes: Any) -> dict[str, Any]:
    answer = program.post("/mailings", SALE | changes)
    assert answer.status_code == 201, answer.text
    mailing: dict[str, Any] = answer.json
    return mailing


def test_a_mailing_is_a_draft_until_it_is_launched(program: Program) -> None:
    draft = written(program)

    launched = program.post(f"/mailings/{draft['id']}/launch")

    assert draft | SALE | {"filter": SALE["filter"] | {"exclude": None}} == draft
    assert (draft["state"], draft["actions"]) == ("draft", ["launch"])
    assert (launched.status_code, launched.json["state"]) == (200, "scheduled")


def test_a_mailing_can_be_launched_as_it_is_written(program: Program) -> None:
    assert written(program, launch=True)["state"] == "scheduled"


def test_without_an_offset_a_time_is_read_on_the_users_clock(program_of: Programs) -> None:
    mailing = written(program_of(timezone="Asia/Omsk"), start_at="2030-03-01T10:00", end_at="2030-03-02T20:00")

    assert (mailing["start_at"], mailing["end_at"]) == ("2030-03-01T10:00:00+06:00", "2030-03-02T20:00:00+06:00")


def test_by_the_clients_clocks_times_have_no_offset(program: Program) -> None:
    mailing = written(program, time_basis="client", start_at="2030-03-01T10:00", end_at="2030-03-02T20:00")
    refused = program.post("/mailings", SALE | {"time_basis": "client"})

    assert (mailing["start_at"], mailing["time_basis"]) == ("2030-03-01T10:00:00", "client")
    assert codes(refused) == [("start_at", "offset_by_clients_clock"), ("end_at", "offset_by_clients_clock")]


def test_everything_that_can_be_written_is_told_again(program: Program) -> None:
    more = {
        "filter": {"tags": ["a"], "operator_codes": ["916"], "exclude": {"tags": ["b"], "mailing_id": None}},
        "window": {"from": "09:00", "to": "21:00"},
        "rate": {"limit": 10, "unit": "parts"},
        "canary_size": 5,
        "budget_parts": 100,
    }

    mailing = written(program, **more)

    assert mailing | more == mailing


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"filter": {"tags": None, "operator_codes": None}}, ("filter.tags", "audience_unchosen")),
        ({"filter": None}, ("filter.tags", "audience_unchosen")),
        (
            {"filter": {"tags": ["a"], "operator_codes": ["XYZ"]}},
            ("filter.operator_codes", "operator_code_invalid"),
        ),
        ({"filter": {"tag": ["a"]}}, ("filter.tag", "field_unknown")),
        ({"title": ""}, ("title", "title_empty")),
        ({"text": "Dear {{name"}, ("text", "placeholder_invalid")),
        ({"start_at": "tomorrow"}, ("start_at", "not_a_moment")),
        ({"end_at": "2030-02-01T10:00:00+03:00"}, ("end_at", "ends_before_start")),
        ({"window": {"from": "25:00", "to": "21:00"}}, ("window.from", "not_a_time_of_day")),
        ({"window": {"from": "09:00"}}, ("window.to", "field_missing")),
        ({"rate": {"limit": 0}}, ("rate.limit", "limit_out_of_range")),
        ({"state": "running"}, ("state", "field_unknown")),
    ],
)
def test_what_is_no_mailing_is_told_with_its_field(
    program: Program, changed: dict, fault: tuple[str, str]
) -> None:
    answer = program.post("/mailings", SALE | changed)

    assert answer.status_code == 422
    assert codes(answer) == [fault]


def test_everybody_has_to_be_meant_and_a_filter_ends_it(program: Program) -> None:
    """Whoever sends a filter does not mean everybody; who sends both has not said what they mean."""
    mailing = written(program, filter={"exclude": {"tags": ["debtors"]}}, everybody=True)
    path = f"/mailings/{mailing['id']}"

    filtered = program.ask("PATCH", path, {"filter": {"tags": ["vip"], "exclude": {"tags": ["debtors"]}}}).json
    everybody = program.ask("PATCH", path, {"everybody": True}).json
    by_code = program.ask("PATCH", path, {"filter": {"operator_codes": ["916"]}}).json
    excluding = [
        program.ask("PATCH", path, {"everybody": True, "filter": {"exclude": {"tags": ["a"]}}}),
        program.ask("PATCH", path, {"filter": {"exclude": {"tags": ["b"]}}}),
        program.ask("PATCH", path, {"filter": None}),
    ]
    both = SALE | {"everybody": True}
    refused = [program.post("/mailings", both), program.post("/mailings/preview", both)]
    refused += [program.ask("PUT", path, both), program.ask("PATCH", path, both)]

    assert (mailing["everybody"], filtered["everybody"], filtered["filter"]["tags"]) == (True, False, ["vip"])
    assert (everybody["everybody"], everybody["filter"]["tags"]) == (True, None)
    assert everybody["filter"]["exclude"] == mailing["filter"]["exclude"]
    assert (by_code["everybody"], by_code["filter"]["operator_codes"]) == (False, ["916"])
    assert [answer.json["everybody"] for answer in excluding] == [True] * 3
    assert [codes(answer) for answer in refused] == [[("everybody", "everybody_and_filter")]] * 4


def test_a_draft_is_changed_in_parts_or_as_a_whole_and_nothing_else_is(program: Program) -> None:
    mailing_id = written(program, canary_size=5)["id"]

    patched = program.ask("PATCH", f"/mailings/{mailing_id}", {"title": "Summer"}).json
    put = program.ask("PUT", f"/mailings/{mailing_id}", SALE).json
    program.post(f"/mailings/{mailing_id}/launch")
    late = [program.ask(method, f"/mailings/{mailing_id}", SALE) for method in ("PUT", "PATCH", "DELETE")]

    assert (patched["title"], patched["canary_size"], patched["start_at"]) == ("Summer", 5, SALE["start_at"])
    assert (put["title"], put["canary_size"]) == ("Spring sale", None)
    assert [(answer.status_code, answer.json["code"]) for answer in late] == [(409, "mailing_not_draft")] * 3


def test_who_names_an_older_version_changes_nothing(program: Program) -> None:
    path = f"/mailings/{written(program)['id']}"
    first = program.get(path).headers["ETag"]
    program.ask("PATCH", path, {"title": "Summer"}, If_Match=first)

    late = [
        program.ask("PATCH", path, {"title": "Autumn"}, If_Match=first),
        program.post(f"{path}/launch", If_Match=first),
        program.ask("DELETE", path, If_Match=first),
    ]

    assert [answer.status_code for answer in late] == [412] * 3
    assert program.get(path).json["title"] == "Summer"


def test_a_mailing_obeys(app: Flask, program: Program) -> None:
    with app.app_context():
        add_clients(program.user.actor, 3)
        mailing_id = fan_out_all(program.user.actor)

    states = [
        program.post(f"/mailings/{mailing_id}/{verb}").json.get("state") for verb in ("pause", "resume", "cancel")
    ]
    late = program.post(f"/mailings/{mailing_id}/resume")

    assert states == ["paused", "running", "cancelled"]
    assert (late.status_code, late.json["code"]) == (409, "cannot_resume")


def test_failed_messages_are_sent_again(app: Flask, program: Program) -> None:
    with app.app_context():
        add_clients(program.user.actor, 3)
        mailing_id = schedule(program.user.actor)
        deliver(ScriptedGateway(saying(Verdict.REFUSED, "http_400", http_status=400)))

    before = program.get(f"/mailings/{mailing_id}/statistics").json
    again = program.post(f"/mailings/{mailing_id}/resend", {"reasons": ["http_400"]}).json

    assert (before["failed"], before["total"], before["reasons"]) == (
        3,
        3,
        [{"status": "failed", "reason": "http_400", "count": 3}],
    )
    assert again["resent"] == 3
    assert program.get(f"/mailings/{mailing_id}/statistics").json["queued"] == 3


def test_statistics_add_up(app: Flask, program: Program) -> None:
    with app.app_context():
        add_clients(program.user.actor, 5)
        mailing_id = schedule(program.user.actor)
        deliver(ScriptedGateway())

    told = program.get(f"/mailings/{mailing_id}/statistics").json
    overall = program.get("/statistics").json
    today = program.get("/statistics/days?days=1").json

    assert (told["total"], told["sent"], told["state"]) == (5, 5, "finished")
    assert sum(row["sent"] for row in told["by_operator_code"]) == 5
    assert sum(row["sent"] for row in told["by_timezone"]) == 5
    assert sum(minute["counts"]["sent"] for minute in told["over_time"]) == 5
    assert (overall["totals"]["sent"], overall["items"][0]["mailing_id"]) == (5, mailing_id)
    assert today[0]["counts"]["sent"] == 5


def test_a_preview_says_what_would_happen_and_keeps_nothing(app: Flask, program: Program) -> None:
    with app.app_context():
        add_clients(program.user.actor, 3)

    told = program.post("/mailings/preview", SALE | {"filter": None, "everybody": True}).json

    assert (told["recipients"], told["recipients_is_exact"], told["parts"]) == (3, True, 3)
    assert told["first_reading"] == "Dear N0, everything is cheaper."
    assert "everybody" in [warning["code"] for warning in told["warnings"]]
    assert program.get("/mailings").json["items"] == []


def test_mailings_are_listed_newest_first_page_by_page(program: Program) -> None:
    ids = [written(program, title=f"Sale {number}")["id"] for number in range(5)]
    path, met = "/mailings?limit=2", []

    while path:
        page = program.get(path).json
        met += [each["id"] for each in page["items"]]
        path = page["next"] and page["next"].removeprefix("/api/v1")

    assert met == ids[::-1]
    assert [each["id"] for each in program.get("/mailings?search=SALE 3").json["items"]] == [ids[3]]
    assert program.get("/mailings?state=running").json["total"] == 0


def test_what_is_due_can_be_started_by_an_administrator(app: Flask, program_of: Programs) -> None:
    chief, operator = program_of(Role.ADMINISTRATOR), program_of()
    with app.app_context():
        mailing_id = schedule(operator.user.actor)

    refused = operator.post("/mailings/process-due")
    started = chief.post("/mailings/process-due")

    assert refused.status_code == 403
    assert [(each["mailing_id"], each["state"]) for each in started.json] == [(mailing_id, "running")]


def test_letting_messages_leave_is_a_scope_of_its_own(program_of: Programs) -> None:
    writer = program_of(scopes=(Scope.READ, Scope.WRITE))
    mailing_id = written(writer)["id"]

    refused = [writer.post("/mailings", SALE | {"launch": True}), writer.post(f"/mailings/{mailing_id}/launch")]

    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(403, "scope_not_granted")] * 2
    assert writer.get("/mailings").json["total"] == 1
