"""Does each line of the log say what it is about, and nothing of phones, texts and tokens?"""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import logs
from dashboard.database import db, transaction
from dashboard.domain import api_tokens, clients
from dashboard.gateway import Verdict
from dashboard.jobs import queues, worker
from dashboard.models import Client, Message, Scope
from dashboard.redaction import Redactor
from tests.factories import make_actor, make_user, sign_in
from tests.factories_mailings import written
from tests.support.engine import ScriptedGateway, add_clients, answer, deliver, fan_out_all

PHONE, TEXT, TOKEN = "79997654321", "A text of nobody's business", "a-token-that-opens-the-gateway"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.c2lnbmF0dXJl"
TROUBLE = f"cannot reach https://me:{TOKEN}x@host/setup/{'aB3-' * 10}?token={TOKEN}&phone=%2B{PHONE} for {PHONE}"


class Written:
    """What the log holds so far."""

    def __init__(self) -> None:
        self.file = StringIO()

    @property
    def text(self) -> str:
        return self.file.getvalue()

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def said(self, message: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line["message"] == message]


@pytest.fixture
def log() -> Iterator[Written]:
    """All that is said at DEBUG, as production writes it."""
    written = Written()
    handler = logging.StreamHandler(written.file)
    handler.setFormatter(logs.JsonFormatter(Redactor((TOKEN,))))
    root, ours = logging.getLogger(), logging.getLogger("dashboard")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel("DEBUG")
    yield written
    root.removeHandler(handler)
    ours.setLevel(before)


def line_of(formatter: logging.Formatter, message: str, **more: object) -> str:
    record = logging.makeLogRecord({"name": "dashboard.x", "levelname": "INFO", "msg": message, **more})
    return formatter.format(record)


def test_a_line_is_an_object_or_a_sentence_with_the_same_fields() -> None:
    about = {"mailing_id": 7, "count": 3, "note": None}

    with logs.working_for(request="order-8", job="b1"):
        as_json = json.loads(line_of(logs.JsonFormatter(Redactor()), "mailing started", **about))
        as_text = line_of(logs.TextFormatter(Redactor()), "mailing\nstarted", **about)
    outside = json.loads(line_of(logs.JsonFormatter(Redactor()), "mailing started"))

    assert list(as_json)[:4] == ["time", "level", "logger", "message"]
    assert as_json | {"time": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "dashboard.x",
        "message": "mailing started",
        "request_id": "order-8",
        "job_id": "b1",
        "mailing_id": 7,
        "count": 3,
    }
    assert as_text.endswith(" INFO dashboard.x [order-8 b1]: mailing\\nstarted (mailing_id=7 count=3)")
    assert set(outside) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("79991234567", "7999•••••67"),
        ("to +7 999 123-45-67.", "to 7999•••••67."),
        ("8 (999) 123-45-67", "7999•••••67"),
        ("q=9991234567&x", "q=7999•••••67&x"),
        ("phone=%2B79991234567", "phone=7999•••••67"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [token]"),
        (f"got {JWT} there", "got [token] there"),
        ("redis://:hunter22@host/0", "redis://[password]@host/0"),
        ("/reset?token=abc&next=/", "/reset?token=[secret]&next=/"),
        (f"GET /setup/{'aB3-' * 10}", "GET /setup/[token]"),
        ("vst_" + "a" * 40, "vst_[token]"),
        ("the word swordfish1", "the word [secret]"),
        ("2026-11-22 00:40:20,123", "2026-11-22 00:40:20,123"),
        ("msgId 71234 in 1700000000123 ms", "msgId 71234 in 1700000000123 ms"),
        ("/srv/vestnik/var/imports/17.csv", "/srv/vestnik/var/imports/17.csv"),
        ("dashboard.domain.unknown_decisions_of_mailings", "dashboard.domain.unknown_decisions_of_mailings"),
    ],
)
def test_what_is_recognised_is_masked_and_nothing_else(said: str, kept: str) -> None:
    assert Redactor(("swordfish1",)).text(said) == kept


def test_extras_are_masked_however_deep_they_lie() -> None:
    found = Redactor().value({"a": [{PHONE: int(PHONE)}], "b": 7, "c": True})

    assert found == {"a": [{"7999•••••21": "7999•••••21"}], "b": 7, "c": True}


def test_of_an_exception_the_first_line_and_the_way_there_is_told() -> None:
    try:
        try:
            raise KeyError(PHONE)
        except KeyError as error:
            raise RuntimeError(f"it broke\nDETAIL: {TEXT}") from error
    except RuntimeError as error:
        told = Redactor().exception(error)

    assert "KeyError: '7999•••••21'" in told
    assert told.endswith("RuntimeError: it broke")
    assert "tests/test_logs.py" in told
    assert TEXT not in told.replace('raise RuntimeError(f"it broke\\nDETAIL: {TEXT}")', "")


def test_a_hostile_line_is_looked_through_quickly() -> None:
    redactor = Redactor()
    began = logging.makeLogRecord({}).created

    for hostile in ("7 ( - " * 20_000, "/" + "a" * 100_000, "eyJ" * 40_000, "://" * 40_000, "token=" * 20_000):
        redactor.text(hostile)

    assert logging.makeLogRecord({}).created - began < 1


def fail_with(error: str) -> Callable[..., None]:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(error)

    return fail


def test_pages_and_api_tell_ids_but_no_phone_text_or_token(
    app: Flask, client: FlaskClient, log: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        user = make_user()
        token = api_tokens.make(user.actor, "test", Scope)[1]
    anna, as_program = {"phone": PHONE, "timezone": "Europe/Moscow"}, {"Authorization": f"Token {token}"}

    boris = {"phone_number": PHONE, "timezone": "UTC"}
    sign_in(client, user)
    client.post("/clients/new", data=anna)
    client.post("/clients/1/edit", data=anna)
    client.get(f"/clients?q={PHONE}")
    client.post("/mailings/new", data=written(text=TEXT))
    client.post("/api/v1/clients", json=boris, headers=as_program)
    client.get(f"/api/v1/clients?phone={PHONE}", headers=as_program)
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    monkeypatch.setattr(clients, "add", fail_with(TROUBLE))
    page = client.post("/clients/new", data=anna, headers={"X-Request-ID": "order-9"})
    program = client.post("/api/v1/clients", json=boris, headers=as_program | {"X-Request-ID": "order-10"})

    told = {(line["method"], line["route"], line["status"]): line for line in log.said("request")}
    broken = [line["request_id"] for line in log.lines if line["level"] == "ERROR"]
    assert (page.status_code, program.status_code) == (500, 500)
    assert told["POST", "/clients/new", 303]["level"] == "INFO"
    assert told["POST", "/clients/<client_id>/edit", 303]["client_id"] == 1
    assert told["GET", "/clients", 200]["level"] == "DEBUG"
    assert broken == ["order-9", "order-9", "order-10", "order-10"]
    assert log.text.count("RuntimeError: cannot reach https://[password]@host/setup/[token]?token=[secret]") == 2
    for canary in (PHONE, PHONE[1:], TEXT, TOKEN, token, "aB3-"):
        assert canary not in log.text, canary


def test_each_call_to_the_gateway_is_told_without_what_it_carried(app_context: Flask, log: Written) -> None:
    owner = make_actor()
    ids = add_clients(owner, 5)
    with transaction() as session:
        session.get_one(Client, ids[0]).phone = PHONE
    endings = [
        (Verdict.ACCEPTED, "ok", 200, 0),
        (Verdict.REFUSED, "http_400", 400, None),
        (Verdict.UNCERTAIN, "timeout", None, None),
        (Verdict.UNCERTAIN, "wrong_code", 200, 17),
        (Verdict.NOT_ACCEPTED, "http_503", 503, None),
    ]

    def script(call: object) -> object:
        verdict, reason, status, code = endings[call.message_id % 5]
        excerpt = f"{call.phone} {call.text} {TOKEN}"
        return answer(call, verdict, reason, http_status=status, code=code, excerpt=excerpt)

    mailing_id = fan_out_all(owner, text=TEXT)
    deliver(ScriptedGateway(script))

    told = log.said("gateway called")
    messages = set(db.session.scalars(db.select(Message.id)))
    assert {line["message_id"] for line in told} == messages
    assert {line["mailing_id"] for line in told} == {mailing_id}
    assert {(line["verdict"], line["reason"], line.get("http_status"), line.get("code")) for line in told} >= set(
        endings[:4]
    )
    assert {line["level"] for line in told if line["verdict"] == "accepted"} == {"DEBUG"}
    assert {line["level"] for line in told if line["verdict"] != "accepted"} == {"INFO"}
    for canary in (PHONE, TEXT, TOKEN):
        assert canary not in log.text, canary


def test_a_job_names_the_request_that_knocked_and_its_failure_holds_no_phone(
    app_context: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("INFO", "json", (TOKEN,))
    with logs.working_for(request="order-10"):
        queues.queue(queues.BACKGROUND).enqueue(
            "tests.test_logs.a_job_that_fails", meta={"request_id": logs.request_id.get()}
        )
        queues.send_trial_later(404)

    worker.build(queues.BACKGROUND).work(burst=True, logging_level="WARNING")

    said = capfd.readouterr().err
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    failed = [line for line in lines if line["message"] == "job failed"]
    assert [(line["request_id"], line["task"]) for line in failed] == [
        ("order-10", "tests.test_logs.a_job_that_fails")
    ]
    assert failed[0]["job_id"]
    assert "IntegrityError" in failed[0]["exception"]
    for canary in (PHONE, TEXT, TOKEN):
        assert canary not in said, canary


def a_job_that_fails() -> None:
    """By a refusal of the database, whose error knows all that should have been written."""
    with transaction() as session:
        session.execute(
            db.insert(Message),
            [{"id": 1, "phone": PHONE, "text": TEXT, "mailing_id": None, "client_id": 1, "status": "queued"}],
        )
