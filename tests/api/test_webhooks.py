"""Can a program ask to be told, look what became of it, and touch nothing of others?"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard.database import transaction
from dashboard.jobs import queues
from dashboard.models import Role, Scope, WebhookDelivery
from tests.api.conftest import Program, Programs
from tests.support.receiver import receiving
from tests.support.webhooks import deliver_webhooks

PUBLIC = "https://93.184.216.34/hooks"
BODY = {"url": PUBLIC, "events": ["mailing.finished", "messages.settled"], "description": "CRM"}


@pytest.fixture
def made(program: Program) -> int:
    webhook_id: int = program.post("/webhooks", BODY).json["id"]
    return webhook_id


def test_it_is_made_and_its_secret_shown_once(program: Program) -> None:
    answer = program.post("/webhooks", BODY)
    shown = program.get(f"/webhooks/{answer.json['id']}")
    listed = program.get("/webhooks")

    assert answer.status_code == 201
    assert answer.location == f"/api/v1/webhooks/{answer.json['id']}"
    assert answer.json["secret"].startswith("whsec_")
    assert shown.json == {name: value for name, value in answer.json.items() if name != "secret"}
    assert {name: shown.json[name] for name in BODY} == BODY
    assert (shown.json["is_on"], shown.json["off_reason"]) == (True, None)
    assert listed.json == {"items": [shown.json], "total": 1, "total_is_exact": True, "next": None}


@pytest.mark.parametrize(
    "change, field, code",
    [
        ({"url": "https://10.0.0.1/"}, "url", "webhook_url_private"),
        ({"url": "http://93.184.216.34/"}, "url", "webhook_url_not_https"),
        ({"url": "nowhere"}, "url", "webhook_url_invalid"),
        ({"url": None}, "url", "field_null"),
        ({"events": []}, "events", "webhook_events_missing"),
        ({"events": ["ping"]}, "events", "webhook_event_unknown"),
        ({"events": ["mailing.born"]}, "events.0", "not_a_choice"),
        ({"description": "x" * 201}, "description", "description_too_long"),
        ({"secret": "mine"}, "secret", "field_unknown"),
    ],
)
def test_what_is_wrong_is_named(
    program: Program, made: int, change: dict[str, object], field: str, code: str
) -> None:
    answers = [program.post("/webhooks", BODY | change), program.ask("PATCH", f"/webhooks/{made}", change)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert [[(e["field"], e["code"]) for e in answer.json["errors"]] for answer in answers] == [
        [(field, code)]
    ] * 2


def test_a_user_can_have_ten(program: Program) -> None:
    statuses = [program.post("/webhooks", BODY).status_code for _ in range(11)]

    assert statuses == [201] * 10 + [422]


def test_it_is_changed_in_part_and_as_a_whole(program: Program, made: int) -> None:
    off = program.ask("PATCH", f"/webhooks/{made}", {"is_on": False})
    whole = program.ask("PUT", f"/webhooks/{made}", {"url": PUBLIC, "events": ["mailing.started"]})

    assert (off.json["is_on"], off.json["off_reason"], off.json["events"]) == (False, "person", BODY["events"])
    assert (whole.json["is_on"], whole.json["off_reason"], whole.json["off_at"]) == (True, None, None)
    assert (whole.json["description"], whole.json["events"]) == ("", ["mailing.started"])


def test_a_change_meant_for_another_version_is_refused(program: Program, made: int) -> None:
    read = program.get(f"/webhooks/{made}").headers["ETag"]
    first = program.ask("PATCH", f"/webhooks/{made}", {"description": "new"}, If_Match=read)

    second = program.ask("PATCH", f"/webhooks/{made}", {"description": "newer"}, If_Match=read)

    assert (first.status_code, second.status_code) == (200, 412)


def test_its_secret_can_be_changed(program: Program, made: int) -> None:
    secrets = [program.post(f"/webhooks/{made}/rotate-secret").json["secret"] for _ in range(2)]

    assert len(set(secrets)) == 2
    assert program.get(f"/webhooks/{made}").json["rotated_at"]


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/{made}/rotate-secret"])
def test_a_secret_is_not_kept_for_a_request_that_is_repeated(program: Program, made: int, path: str) -> None:
    said = [
        program.post(path.format(made=made), BODY if path == "/webhooks" else None, Idempotency_Key="once")
        for _ in range(2)
    ]

    assert said[0].json["secret"]
    assert (said[1].status_code, said[1].json["code"]) == (409, "answer_shown_once")


@pytest.fixture
def tried(app: Flask, program: Program) -> Iterator[tuple[int, str]]:
    """A webhook that leads to a receiver on this machine, as the setting allows; and the path of its one ping."""
    with receiving(lambda number: (503 if number == 1 else 200, b"busy", {})) as receiver, app.app_context():
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], webhook_private_addresses=True)
        made = program.post("/webhooks", BODY | {"url": receiver.url}).json["id"]
        ping = program.post(f"/webhooks/{made}/ping")
        assert ping.status_code == 202
        assert (ping.json["event"], ping.json["state"], ping.json["tries"]) == ("ping", "waiting", 0)
        deliver_webhooks()
        yield made, f"/webhooks/{made}/deliveries/{ping.json['id']}"


def test_a_ping_is_delivered_and_logged_and_can_be_sent_again(program: Program, tried: tuple[int, str]) -> None:
    made, path = tried
    [failed] = program.get(f"/webhooks/{made}/deliveries").json["items"]

    again = program.post(f"{path}/resend")
    deliver_webhooks()

    [done] = program.get(f"/webhooks/{made}/deliveries").json["items"]
    assert (failed["state"], failed["http_status"], failed["answer"]) == ("waiting", 503, "busy")
    assert failed["next_try_at"] > failed["tried_at"]
    assert again.status_code == 202
    assert (done["state"], done["http_status"], done["tries"]) == ("delivered", 200, 1)
    assert done["event_id"] == failed["event_id"]


def test_the_log_is_walked_page_by_page_whatever_its_numbers(app: Flask, program: Program, made: int) -> None:
    pings = [program.post(f"/webhooks/{made}/ping").json["id"] + 2**40 for _ in range(5)]
    with app.app_context(), transaction() as session:
        session.execute(update(WebhookDelivery).values(id=WebhookDelivery.id + 2**40))
    path, met = f"/webhooks/{made}/deliveries?limit=2", []

    while path:
        page = program.get(path.removeprefix("/api/v1")).json
        met += [delivery["id"] for delivery in page["items"]]
        path = page["next"]

    assert met == pings[::-1]


def test_a_ping_knocks_at_the_worker(app: Flask, program: Program, made: int) -> None:
    program.post(f"/webhooks/{made}/ping")

    with app.app_context():
        assert queues.queue(queues.WEBHOOKS).count == 1


def test_one_that_is_off_is_not_pinged(program: Program, made: int) -> None:
    program.ask("PATCH", f"/webhooks/{made}", {"is_on": False})

    answer = program.post(f"/webhooks/{made}/ping")

    assert (answer.status_code, answer.json["code"]) == (409, "webhook_off")


def test_a_deleted_one_is_gone_with_its_log(program: Program, made: int) -> None:
    program.post(f"/webhooks/{made}/ping")

    answer = program.ask("DELETE", f"/webhooks/{made}")

    assert answer.status_code == 204
    assert program.get(f"/webhooks/{made}").status_code == 404
    assert program.get(f"/webhooks/{made}/deliveries").status_code == 404


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR])
def test_those_of_others_are_not_there(program: Program, program_of: Programs, made: int, role: Role) -> None:
    ping = program.post(f"/webhooks/{made}/ping").json["id"]
    stranger = program_of(role)
    own = stranger.post("/webhooks", BODY).json["id"]
    asked = [
        ("GET", f"/webhooks/{made}", None),
        ("PUT", f"/webhooks/{made}", BODY),
        ("PATCH", f"/webhooks/{made}", {"is_on": False}),
        ("DELETE", f"/webhooks/{made}", None),
        ("POST", f"/webhooks/{made}/rotate-secret", None),
        ("POST", f"/webhooks/{made}/ping", None),
        ("GET", f"/webhooks/{made}/deliveries", None),
        ("POST", f"/webhooks/{made}/deliveries/{ping}/resend", None),
        ("POST", f"/webhooks/{own}/deliveries/{ping}/resend", None),
    ]

    statuses = [stranger.ask(method, path, body).status_code for method, path, body in asked]

    assert statuses == [404] * len(asked)
    assert [each["id"] for each in stranger.get("/webhooks").json["items"]] == [own]


def test_viewers_and_tokens_that_only_read_make_none(program_of: Programs) -> None:
    viewer, reader = program_of(Role.VIEWER), program_of(scopes=(Scope.READ,))

    assert [each.post("/webhooks", BODY).status_code for each in (viewer, reader)] == [403, 403]
