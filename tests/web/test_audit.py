"""Can an administrator find out who has done what, and take it along?"""

from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import clients, stop_list
from dashboard.models import Role
from tests.factories import SignedIn, make_actor
from tests.factories_clients import draft, make_client


def test_the_history_of_a_client_shows_what_was_changed_and_from_where(app: Flask, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR, name="Boss")
    with app.app_context():
        owner = make_actor()
        client_id = make_client(owner, "79990000001", city="=1+1")
        clients.change(owner, client_id, draft("79990000001", city="Tomsk"), clients.get(owner, client_id).version)
    administrator.post(f"/clients/{client_id}/stop-list", headers={"X-Request-ID": "by-hand"})

    page = administrator.get(f"/clients/{client_id}").text
    far_on = administrator.get(f"/audit?thing=client&before={2**40}").text
    history = administrator.get(f"/audit?thing=client&number={client_id}").text
    stopped = administrator.get("/audit?thing=phone&number=79990000001").text
    table = administrator.get("/audit/export.csv?thing=client").text

    assert f"/audit?thing=client&amp;number={client_id}" in page
    assert "client changed" in history
    assert "after=" in far_on
    assert "=1+1" in history
    assert "Tomsk" in history
    assert "put on the stop list" in stopped
    assert "Boss" in stopped
    assert "by-hand" in stopped
    assert "127.0.0.1" in stopped
    assert "client.add" in table
    assert "phone.stop" not in table


def test_filters_that_mean_nothing_are_none_and_nobody_else_sees_the_log(app: Flask, signed_in: SignedIn) -> None:
    administrator, viewer = signed_in(Role.ADMINISTRATOR), signed_in(Role.VIEWER)
    with app.app_context():
        stop_list.add(make_actor(Role.ADMINISTRATOR), "79990000001")
    odd = "?person=0&thing=x&number=9223372036854775808&verb=%00&from=0001-01-01&to=9999-12-31&before=x"

    assert "put on the stop list" in administrator.get(f"/audit{odd}").text
    assert "Nothing like that was done" in administrator.get("/audit?from=2001-01-01&to=2001-01-01").text
    assert [viewer.get(path).status_code for path in ("/audit", "/audit/export.csv")] == [403, 403]


def test_what_a_program_or_a_command_does_is_told_from_what_a_person_does(
    app: Flask, client: FlaskClient, signed_in: SignedIn
) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    made = administrator.post("/api-tokens/new", data={"name": "robot", "scopes": ["read", "write"]})
    token = made.text.partition("vst_")[2].partition("<")[0].partition('"')[0]
    headers = {"Authorization": f"Token vst_{token}"}
    client.post("/api/v1/stop-list", json={"phone_numbers": ["79990000001"]}, headers=headers)
    arguments = ["users", "create", "ann", "--email", "ann@example.com", "--password-stdin"]
    app.test_cli_runner().invoke(args=arguments, input="correct horse battery staple\n")

    by_program = administrator.get("/audit?thing=phone").text
    by_command = administrator.get("/audit?verb=user.create").text
    tokens = administrator.get("/audit?verb=api_token.make").text

    assert "API, token 1" in by_program
    assert "command" in by_command
    assert "ann@example.com" in by_command
    assert ">Operator</code>" in by_command
    assert ">Read, Write</code>" in tokens
