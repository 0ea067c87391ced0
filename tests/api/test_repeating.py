"""Is a request that is sent twice done once?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import api_tokens, clients, idempotency
from dashboard.domain.errors import Conflict
from dashboard.domain.idempotency import Begun, KeptAnswer
from dashboard.models import Client, IdempotencyKey, Mailing, Scope
from tests.api.conftest import Program, Programs, program_in
from tests.factories import make_user

ANNA = {"phone_number": "79991234567", "timezone": "Europe/Moscow"}
SALE = {
    "title": "Sale",
    "text": "Hello",
    "start_at": "2030-03-01T10:00:00Z",
    "end_at": "2030-03-02T10:00:00Z",
    "everybody": True,
}
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


def cut_off(app: Flask, ago: timedelta = timedelta(minutes=3)) -> None:
    """As whoever was killed between the work and its answer has left it; PostgreSQL goes by its own clock."""
    began = clock.now() - ago
    with app.app_context(), transaction() as session:
        session.execute(update(IdempotencyKey).values(status=None, body=None, created_at=began))
        session.execute(update(Mailing).values(created_at=began))


@pytest.mark.parametrize("launch", [True, False])
def test_a_mailing_whose_request_was_cut_off_is_not_made_twice(any_app: Flask, launch: bool) -> None:
    """Nobody gets an SMS twice because a machine broke down. A day later the same key makes another mailing."""
    program, sale = program_in(any_app), SALE | {"launch": launch}
    first = program.post("/mailings", sale, Idempotency_Key="a")
    cut_off(any_app)

    again = program.post("/mailings", sale, Idempotency_Key="a")
    other = program.post("/mailings", sale, Idempotency_Key="b")
    program.ask("PATCH", f"/mailings/{first.json['id']}", {"title": "Changed"})
    cut_off(any_app)
    after_a_change = program.post("/mailings", sale, Idempotency_Key="a")
    cut_off(any_app, timedelta(hours=25))
    tomorrow = program.post("/mailings", sale, Idempotency_Key="a")

    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert again.json["state"] == ("scheduled" if launch else "draft")
    assert (after_a_change.status_code, tomorrow.status_code) == (201 if launch else 409, 201)
    assert program.get("/mailings").json["total"] == 3
    assert len({first.json["id"], other.json["id"], tomorrow.json["id"]}) == 3


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


SECRETS = {
    "/tokens": {"name": "CRM", "scopes": ["read"]},
    "/webhooks": {"url": "https://93.184.216.34/hooks", "events": ["mailing.finished"]},
}


@pytest.mark.parametrize("path", SECRETS)
def test_a_secret_is_shown_once_and_kept_nowhere(app: Flask, program: Program, path: str) -> None:
    first, again = (program.post(path, SECRETS[path], Idempotency_Key="a") for _ in range(2))

    with app.app_context():
        kept = db.session.scalars(select(IdempotencyKey.body)).all()
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.json["code"] == "answer_shown_once"
    assert kept == [""]


def test_of_two_at_once_only_one_is_done(any_app: Flask) -> None:
    """On both databases: the other waits for nobody, and is told to ask again."""
    with any_app.app_context():
        ann = make_user()
        _token, text = api_tokens.make(ann.actor, "test", tuple(Scope))
        start = Barrier(4)

    def ask(_number: int) -> int:
        headers = {"Authorization": f"Token {text}", "Idempotency-Key": "a"}
        start.wait()
        return any_app.test_client().post("/api/v1/clients", json=ANNA, headers=headers).status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(ask, range(4)))

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    with any_app.app_context():
        assert db.session.scalar(select(func.count(Client.id))) == 1


def begun(*request: Any) -> Begun:
    found = idempotency.begin(*request)
    assert isinstance(found, Begun)
    return found


def test_what_took_too_long_does_not_put_its_answer_in_anothers_place(app_context: Flask) -> None:
    ann = make_user().actor
    slow = begun(ann, "a", "first")
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        idempotency.begin(ann, "a", "second")

        idempotency.keep(slow, KeptAnswer(201, {}, "first"))

        with pytest.raises(Conflict, match="request_in_progress"):
            idempotency.begin(ann, "a", "second")


def test_answers_of_before_yesterday_are_cleared_away_whoever_asked(any_context: Flask) -> None:
    ann, bob = make_user().actor, make_user().actor
    for number in range(50):
        idempotency.keep(begun(ann, f"old {number}", "x"), KeptAnswer(201, {}, ""))
    with transaction() as session:
        session.execute(update(IdempotencyKey).values(created_at=clock.now() - timedelta(hours=25)))

    for number in range(3):
        idempotency.begin(bob, f"new {number}", "x")

    assert db.session.scalar(select(func.count(IdempotencyKey.id))) == 3
    assert isinstance(idempotency.begin(ann, "old 1", "another"), Begun)
