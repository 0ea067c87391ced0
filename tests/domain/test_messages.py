"""Can every message of a mailing be found, and does it tell its whole story?"""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from dashboard.database import db
from dashboard.domain import clients, messages, stop_list
from dashboard.domain.errors import NotFound
from dashboard.domain.messages import MessageFilter, MessagePage
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Role, Status
from tests.factories import make_actor, make_user
from tests.support.engine import (
    OTHER,
    RETRY,
    ScriptedGateway,
    accepted,
    add_clients,
    another_try_is_due,
    answer,
    arm,
    deliver,
    fan_out_all,
    messages_of,
    saying,
    settle,
)


def phones(page: MessagePage) -> list[str]:
    return [row.phone for row in page.items]


def test_pages_follow_each_other_there_and_back_without_gap_or_overlap(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 7)
    mailing_id = fan_out_all(owner)

    first = messages.page(owner, mailing_id, limit=3)
    second = messages.page(owner, mailing_id, after=first.next_after, limit=3)
    third = messages.page(owner, mailing_id, after=second.next_after, limit=3)
    back = messages.page(owner, mailing_id, before=third.previous_before, limit=3)

    assert phones(first) + phones(second) + phones(third) == sorted(m.phone for m in messages_of(mailing_id))
    assert phones(back) == phones(second)
    assert (first.previous_before, third.next_after, first.total) == (None, None, 7)


def test_the_list_is_filtered_by_status_and_by_reason(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    stop_list.add(owner, "79000000000")
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(lambda call: refused(call) if call.phone.startswith("7901") else accepted(call)))

    failed = messages.page(owner, mailing_id, MessageFilter(Status.FAILED))
    skipped = messages.page(owner, mailing_id, MessageFilter(reason="stop_list"))
    neither = messages.page(owner, mailing_id, MessageFilter(Status.SENT, "stop_list"))

    assert phones(failed) == ["79010000001", "79010000006"]
    assert phones(skipped) == ["79000000000"]
    assert (failed.total, skipped.total, neither.total) == (2, 1, 0)
    assert failed.counts[Status.SENT] == 7
    assert neither.items == []


def test_what_is_in_the_air_is_listed_as_being_sent_and_nowhere_else(any_context: Flask) -> None:
    """From its place, of which its row says nothing yet, and by itself."""
    owner = make_actor()
    add_clients(owner, 9)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 3), saying(Verdict.NOT_ACCEPTED, "http_429"))
    another_try_is_due(mailing_id)
    in_the_air = arm(mailing_id, 2) + arm(mailing_id, 4, OTHER)

    sending = messages.page(owner, mailing_id, MessageFilter(Status.SENDING))
    queued = messages.page(owner, mailing_id, MessageFilter(Status.QUEUED))
    everything = messages.page(owner, mailing_id)

    assert {each.stretch is None for each in in_the_air} == {True, False}
    assert phones(sending) == sorted(each.phone for each in in_the_air)
    assert len(phones(queued)) == 3
    assert (sending.total, queued.total, everything.total) == (6, 3, 9)
    assert [row.status for row in everything.items if row.phone in phones(sending)] == [Status.SENDING] * 6
    assert {messages.get(owner, each.id).status for each in in_the_air} == {Status.SENDING}


def refused(call: Call) -> Answer:
    return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="no such subscriber")


def test_a_page_is_read_off_the_key_without_counting_or_sorting(app_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "FROM messages" in statement:
            asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    messages.page(owner, mailing_id, after="79000000000")
    event.remove(db.engine, "before_cursor_execute", note)

    ((statement, parameters),) = asked
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    steps = [row.detail for row in plan]
    assert "mailing_id=? AND phone>?" in steps[0]
    # Which of them are in the air is looked up, too.
    assert any("flights" in step and "mailing_id=? AND first_id<?" in step for step in steps)
    assert not [step for step in steps if "SCAN" in step.split() or "TEMP" in step]


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

    for ask in (lambda: messages.page(other, mailing_id), lambda: messages.get(other, message.id)):
        with pytest.raises(NotFound):
            ask()

    viewer = make_user(Role.VIEWER)
    assert messages.get(viewer.actor, message.id).id == message.id
