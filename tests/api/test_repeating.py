"""Is a request that is sent twice done once?"""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from dashboard import clock
from dashboard.domain import clients, idempotency
from tests.api.conftest import Program, Programs

ANNA = {"phone_number": "79991234567", "timezone": "Europe/Moscow"}
BORIS = {"phone_number": "79991234568", "timezone": "Europe/Moscow"}


def add(program: Program, body: dict[str, str], key: str = "a") -> TestResponse:
    return program.post("/clients", body, Idempotency_Key=key)


def test_the_same_request_gets_the_same_answer_and_is_done_once(program: Program) -> None:
    first, second = add(program, ANNA), add(program, ANNA)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert (first.headers["ETag"], first.headers["Location"]) == (
        second.headers["ETag"],
        second.headers["Location"],
    )
    assert "Idempotent-Replayed" in second.headers
    assert program.get("/clients").json["total"] == 1


def test_another_request_by_the_same_key_is_refused(program: Program) -> None:
    add(program, ANNA)

    answer = add(program, BORIS)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_keys_belong_to_their_user_and_are_kept_for_a_day(program: Program, program_of: Programs) -> None:
    add(program, ANNA)

    others = add(program_of(), BORIS)
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        later = add(program, BORIS)

    assert (others.status_code, later.status_code) == (201, 201)


def test_what_was_refused_may_be_sent_again_in_a_better_form(program: Program) -> None:
    assert add(program, {"phone_number": "12"}).status_code == 422
    assert add(program, ANNA).status_code == 201


def test_a_request_that_has_no_answer_yet_is_not_done_beside_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was stopped in the midst of it does not stand in the way for long."""
    monkeypatch.setattr(idempotency, "keep", lambda *_arguments: None)
    add(program, ANNA)
    monkeypatch.undo()

    refused = add(program, ANNA)
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        later = add(program, ANNA)

    assert (refused.status_code, refused.json["code"]) == (409, "request_in_progress")
    assert later.json["errors"][0]["code"] == "phone_taken"


def test_what_broke_on_our_side_may_be_sent_again(
    app: Flask, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with monkeypatch.context() as broken:
        broken.setattr(clients, "add", lambda *_arguments: 1 / 0)
        first = add(program, ANNA)

    assert first.status_code == 500
    assert first.content_type == "application/problem+json"
    assert add(program, ANNA).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_its_bounds(program: Program, key: str) -> None:
    assert add(program, ANNA, key).json["code"] == "idempotency_key_invalid"
