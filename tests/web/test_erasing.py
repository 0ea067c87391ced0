"""Can an administrator forget a person by page, by program and by command?"""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.database import db
from dashboard.domain import api_tokens, stop_list
from dashboard.models import Client, Role, Scope
from tests.factories import SignedIn, make_user
from tests.factories_clients import make_client, numbered

PHONE = "79161234567"


def test_a_person_is_forgotten_from_their_page_and_the_log_says_so_without_the_phone(
    app: Flask, signed_in: SignedIn
) -> None:
    administrator, operator = signed_in(Role.ADMINISTRATOR), signed_in(Role.OPERATOR)
    with app.app_context():
        client_id = make_client(make_user().actor, PHONE, name="Canarina")

    page = administrator.get(f"/clients/{client_id}").text
    form = administrator.get(f"/erase?client={client_id}").text
    done = administrator.post("/erase", data={"phone": "8 916 123-45-67"})
    again = administrator.post("/erase", data={"phone": PHONE})
    log = administrator.get("/audit").text

    assert f"/erase?client={client_id}" in page
    assert f'value="{PHONE}"' in form
    assert "+7 916 ***-**-67" in done.text
    assert ["Nothing led to this phone" in each.text for each in (done, again)] == [False, True]
    assert administrator.get(f"/clients/{client_id}").status_code == 404
    assert "person erased" in log
    assert PHONE not in log
    assert "Canarina" not in log
    assert administrator.post("/erase", data={"phone": "12"}).status_code == 422
    assert [operator.get("/erase").status_code, operator.post("/erase").status_code] == [403, 403]


def test_a_program_and_a_command_forget_likewise(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        boss = make_user(Role.ADMINISTRATOR).actor
        for number in (1, 2):
            make_client(boss, numbered(number))
            stop_list.add(boss, numbered(number))
        _token, text = api_tokens.make(boss, "robot", list(Scope))
    headers = {"Authorization": f"Token {text}"}

    answer = client.post("/api/v1/erasures", json={"phone_number": numbered(1)}, headers=headers)
    told = app.test_cli_runner().invoke(args=["erase", numbered(2), "--yes"])
    refused = app.test_cli_runner().invoke(args=["erase", "12", "--yes"])
    log = client.get("/api/v1/audit?limit=2&verb=phone.erase", headers=headers).json

    assert answer.json == {
        **{"phone_number": "+7 900 ***-**-01", "clients": 1, "messages": 0},
        **{"traces": answer.json["traces"], "is_stopped": True},
    }
    assert told.exit_code == 0
    assert "on the stop list again" in told.output
    assert refused.exit_code == 1
    assert "phone: This is no phone number" in refused.output
    assert [(line["via"], line["after"]["phone"]) for line in log["items"]] == [
        ("command", "+7 900 ***-**-02"),
        ("api", "+7 900 ***-**-01"),
    ]
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Client.deleted_at.is_(None))) == 0


def test_the_log_is_walked_by_cursor_and_odd_numbers_find_nothing(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        boss = make_user(Role.ADMINISTRATOR).actor
        for number in range(5):
            stop_list.add(boss, numbered(number))
        _token, text = api_tokens.make(boss, "robot", [Scope.READ])
    headers = {"Authorization": f"Token {text}"}
    address, phones = "/api/v1/audit?limit=2&object_type=phone", []

    while address:
        page = client.get(address, headers=headers).json
        phones += [line["object_id"] for line in page["items"]]
        address = page["next"]
    odd = client.get(f"/api/v1/audit?object_id={2**70}&actor_id={2**40}", headers=headers)

    assert phones == [int(numbered(number)) for number in range(4, -1, -1)]
    assert odd.json["items"] == []
