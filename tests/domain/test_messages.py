"""Can every message of a mailing be found, and does it tell its whole story?"""

import pytest
from flask import Flask

from dashboard.domain import clients, messages
from dashboard.domain.errors import NotFound
from dashboard.gateway import Verdict
from dashboard.models import Role, Status
from tests.factories import make_actor, make_user
from tests.support.engine import (
    RETRY,
    ScriptedGateway,
    add_clients,
    another_try_is_due,
    answer,
    deliver,
    fan_out_all,
    messages_of,
)


def test_the_story_of_a_message_that_was_accepted_at_once(any_context: Flask) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    mailing_id = fan_out_all(owner, text="Dear {{name}}, hello")
    deliver(ScriptedGateway())
    (message,) = messages_of(mailing_id)

    story = messages.get(owner, message.id)

    assert (story.status, story.text, story.client_id) == (Status.SENT, "Dear N0, hello", client_id)
    (only,) = story.attempts
    assert (only.verdict, only.reason, only.http_status, only.code) == ("accepted", "ok", 200, 0)
    assert only.duration_ms == message.duration_ms
    assert message.settled_at is not None
    assert only.at <= message.settled_at


def test_the_story_of_a_message_that_needed_a_second_try_tells_both_in_order(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    busy = ScriptedGateway(lambda call: answer(call, Verdict.NOT_ACCEPTED, "http_503", http_status=503))
    deliver(busy, RETRY, seconds=1)
    another_try_is_due(mailing_id)
    deliver(ScriptedGateway(), RETRY)
    (message,) = messages_of(mailing_id)

    story = messages.get(owner, message.id)

    assert [each.reason for each in story.attempts] == ["http_503"] * (message.tries - 1) + ["ok"]
    assert message.tries >= 2
    assert [each.at for each in story.attempts] == sorted(each.at for each in story.attempts)


def test_the_story_of_a_message_that_never_left_says_why_and_shows_no_half_filled_text(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner, text="Dear {{surname}}")
    (message,) = messages_of(mailing_id)

    story = messages.get(owner, message.id)

    assert (story.status, story.reason) == (Status.SKIPPED, "missing_value")
    assert (story.text, story.attempts) == (None, [])


def test_a_deleted_client_is_not_linked_but_the_story_stays(any_context: Flask) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    clients.delete(owner, client_id)
    (message,) = messages_of(mailing_id)

    story = messages.get(owner, message.id)

    assert (story.client_id, story.phone) == (None, "79000000000")


def test_others_messages_are_not_found(any_context: Flask) -> None:
    owner, other = make_actor(), make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    (message,) = messages_of(mailing_id)

    with pytest.raises(NotFound):
        messages.get(other, message.id)

    viewer = make_user(Role.VIEWER)
    assert messages.get(viewer.actor, message.id).id == message.id
