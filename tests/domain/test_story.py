"""Is all that happened to a mailing, a message and a client told in order of time, to those who may know?"""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.cli.story import story_command
from dashboard.domain import story
from dashboard.domain.errors import NotFound
from dashboard.domain.story import Kind
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Role, Status
from tests.factories import make_actor, make_user, sign_in
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all, messages_of


def refuse_odd(call: Call) -> Answer:
    if call.message_id % 2:
        return answer(call, Verdict.REFUSED, "http_400", http_status=400)
    return accepted(call)


def test_each_story_is_told_in_order_of_time(any_context: Flask) -> None:
    owner = make_actor()
    client_ids = add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(refuse_odd))
    refused = next(each for each in messages_of(mailing_id) if each.id % 2)

    of_mailing = story.of(owner, Kind.MAILING, mailing_id)
    of_message = story.of(owner, Kind.MESSAGE, refused.id)
    of_client = story.of(make_actor(Role.VIEWER), Kind.CLIENT, refused.client_id)

    whats = [event.what for event in of_mailing.events]
    assert whats.index("launched") < whats.index("started") < whats.index("selected") < whats.index("finished")
    assert [event.message_id for event in of_mailing.events if event.what == "tried"] == [refused.id]
    assert {status: n for status, n in of_mailing.counts.items() if n} == {Status.SENT: 1, Status.FAILED: 1}
    assert [(event.what, event.reason, event.http_status) for event in of_message.events] == [
        ("chosen", None, None),
        ("tried", "http_400", 400),
        ("failed", "http_400", None),
    ]
    assert [event.what for event in of_client.events] == ["entered", "chosen", "failed"]
    assert refused.client_id in client_ids
    for kind, number in ((Kind.MAILING, mailing_id), (Kind.MESSAGE, refused.id), (Kind.CLIENT, client_ids[0])):
        with pytest.raises(NotFound):
            story.of(make_actor(), kind, number)


def test_the_page_and_the_command_say_the_same(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        user = make_user()
        add_clients(user.actor, 2)
        mailing_id = fan_out_all(user.actor)
        deliver(ScriptedGateway(refuse_odd))
        message = next(each for each in messages_of(mailing_id) if each.id % 2)
    sign_in(client, user)
    run = app.test_cli_runner().invoke

    page = client.get(f"/messages/{message.id}/story").text
    printed = run(story_command, ["message", str(message.id)]).output
    of_mailing = run(story_command, ["mailing", str(mailing_id)]).output
    nobody = run(story_command, ["client", "404"])

    for words in ("Selected by the mailing", "Handed to the gateway", "HTTP 400", "Not sent: gateway error"):
        assert words in page
        assert words in printed
    assert f"{message.phone[:4]}•••••{message.phone[-2:]}" in printed
    assert message.phone not in printed
    assert f"message {message.id}" in of_mailing
    assert (nobody.exit_code, nobody.output) == (1, "Error: There is no client 404.\n")
