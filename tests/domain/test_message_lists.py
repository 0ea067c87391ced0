"""Can every message of a mailing be found in its list, whatever the list is narrowed by, and at what cost?"""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from dashboard.database import db, transaction
from dashboard.domain import message_lists, message_walks, messages, stop_list
from dashboard.domain.errors import NotFound
from dashboard.domain.message_lists import MessagePage
from dashboard.domain.message_walks import Sought
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Message, Status
from tests.factories import make_actor
from tests.support.engine import (
    OTHER,
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

ZONES = ("Europe/Moscow", "Asia/Omsk")


def phones(page: MessagePage) -> list[str]:
    return [row.phone for row in page.items]


def test_pages_follow_each_other_there_and_back_without_gap_or_overlap(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 7)
    mailing_id = fan_out_all(owner)

    first = message_lists.page(owner, mailing_id, limit=3)
    second = message_lists.page(owner, mailing_id, after=first.next_after, limit=3)
    third = message_lists.page(owner, mailing_id, after=second.next_after, limit=3)
    back = message_lists.page(owner, mailing_id, before=third.previous_before, limit=3)

    assert phones(first) + phones(second) + phones(third) == sorted(m.phone for m in messages_of(mailing_id))
    assert phones(back) == phones(second)
    assert (first.previous_before, third.next_after, first.total) == (None, None, 7)


def test_the_list_is_filtered_by_status_and_by_reason(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    stop_list.add(owner, "79000000000")
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(lambda call: refused(call) if call.phone.startswith("7901") else accepted(call)))

    failed = message_lists.page(owner, mailing_id, Sought(Status.FAILED))
    skipped = message_lists.page(owner, mailing_id, Sought(reason="stop_list"))
    neither = message_lists.page(owner, mailing_id, Sought(Status.SENT, "stop_list"))

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

    sending = message_lists.page(owner, mailing_id, Sought(Status.SENDING))
    queued = message_lists.page(owner, mailing_id, Sought(Status.QUEUED))
    everything = message_lists.page(owner, mailing_id)

    assert {each.stretch is None for each in in_the_air} == {True, False}
    assert phones(sending) == sorted(each.phone for each in in_the_air)
    assert len(phones(queued)) == 3
    assert (sending.total, queued.total, everything.total) == (6, 3, 9)
    assert [row.status for row in everything.items if row.phone in phones(sending)] == [Status.SENDING] * 6
    assert {messages.get(owner, each.id).status for each in in_the_air} == {Status.SENDING}


def refused(call: Call) -> Answer:
    return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="no such subscriber")


@pytest.mark.parametrize("sought", [Sought(), Sought(Status.SENT), Sought(Status.FAILED, "http_400")], ids=str)
def test_a_page_is_read_off_its_keys(app_context: Flask, sought: Sought) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "FROM messages" in statement:
            asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    message_lists.page(owner, mailing_id, sought, after="79000000000", limit=2)
    event.remove(db.engine, "before_cursor_execute", note)

    plans = [
        db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        for statement, parameters in asked
    ]
    steps = [row.detail for plan in plans for row in plan]
    assert len(asked) == 2
    assert any("mailing_id=? AND" in step and "phone>?" in step for step in steps)
    # Which of them are in the air is looked up, too.
    assert any("flights" in step and "mailing_id=? AND first_id<?" in step for step in steps)
    assert not [step for step in steps if "SCAN messages" in step]
    # Only what has been looked through, which is bounded, is ever sorted.
    assert sought != Sought() or not [step for step in steps if "TEMP" in step]


def mixed(owner: Actor, count: int = 40) -> int:
    """Codes 900 to 904 and zones in turn; those of 901 are refused, the outcomes of 902 unknown."""
    add_clients(owner, count, ZONES)
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(by_code))
    return mailing_id


def by_code(call: Call) -> Answer:
    if call.phone.startswith("7901"):
        return refused(call)
    return answer(call, Verdict.UNCERTAIN, "timeout") if call.phone.startswith("7902") else accepted(call)


def turned(owner: Actor, mailing_id: int, sought: Sought, **how: int) -> list[MessagePage]:
    """All pages from the first on."""
    pages = [message_lists.page(owner, mailing_id, sought, **how)]
    while pages[-1].next_after is not None:
        pages.append(message_lists.page(owner, mailing_id, sought, after=pages[-1].next_after, **how))
    return pages


FILTERS = [
    Sought(Status.SENT),
    Sought(Status.FAILED, code="901"),
    Sought(reason="timeout", zone="Asia/Omsk"),
    Sought(zone="Asia/Omsk"),
    Sought(code="902"),
    Sought(Status.SENT, code="903", zone="Europe/Moscow"),
    Sought(phone="8 904"),
    Sought(phone="0003"),
    Sought(Status.UNKNOWN, phone="902"),
]


def matches(message: Message, sought: Sought) -> bool:
    wanted = {
        "status": sought.status or message.status,
        "reason": sought.reason or message.reason,
        "operator_code": sought.code or message.operator_code,
        "timezone": sought.zone or message.timezone,
    }
    is_there = not sought.phone or sought.phone.replace("8 904", "904") in message.phone
    return is_there and all(getattr(message, name) == value for name, value in wanted.items())


@pytest.mark.parametrize("sought", FILTERS, ids=str)
def test_however_little_a_page_looks_through_nothing_is_left_out_nor_shown_twice(
    any_context: Flask, sought: Sought
) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)
    expected = sorted(each.phone for each in messages_of(mailing_id) if matches(each, sought))

    at_once = message_lists.page(owner, mailing_id, sought)
    pages = turned(owner, mailing_id, sought, limit=3, look=5)
    back = message_lists.page(owner, mailing_id, sought, before=pages[-1].previous_before, limit=3, look=5)

    assert expected
    assert (sorted(phones(at_once)), at_once.total, at_once.next_after) == (expected, len(expected), None)
    assert sorted(sum(map(phones, pages), [])) == expected
    assert not set(phones(back)) & set(phones(pages[-1]))
    assert [row.phone for row in message_lists.every(owner, mailing_id, sought)] == phones(at_once)


def test_a_page_that_has_looked_far_enough_says_so_and_where_to_go_on(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)

    page = message_lists.page(owner, mailing_id, Sought(phone="0000039"), look=10)
    whole = message_lists.page(owner, mailing_id, Sought(phone="0000039"), look=100)

    assert (page.items, page.looked_through, page.total) == ([], 10, None)
    assert page.next_after == sorted(each.phone for each in messages_of(mailing_id))[9]
    assert (phones(whole), whole.looked_through, whole.total) == (["79040000039"], None, 1)


def test_going_back_from_an_empty_page_shows_what_was_before_it(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)
    sought = Sought(phone="0000035")

    first = message_lists.page(owner, mailing_id, sought, look=10)
    second = message_lists.page(owner, mailing_id, sought, after=first.next_after, look=10)
    back = message_lists.page(owner, mailing_id, sought, before=second.previous_before, look=10)

    assert (phones(first), phones(second), phones(back)) == (["79000000035"], [], ["79000000035"])
    assert back.next_after is not None


def test_who_was_given_another_code_by_hand_is_listed_after_those_whose_phone_shows_it(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)
    with transaction() as session:
        first, last = (update(Message).where(Message.phone == phone) for phone in ("79000000000", "79040000039"))
        session.execute(first.values(operator_code="902"))
        session.execute(last.values(operator_code="902"))

    listed = phones(message_lists.page(owner, mailing_id, Sought(code="902")))
    turned_over = sum(map(phones, turned(owner, mailing_id, Sought(code="902"), limit=2)), [])

    assert len(listed) == 10
    assert listed == turned_over
    assert listed[-2:] == ["79000000000", "79040000039"]


@pytest.mark.parametrize("typed", ["+7 (904) 000-00-39", "8 904 0000039", "9040000039"])
def test_a_phone_is_found_in_any_notation(any_context: Flask, typed: str) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)

    assert phones(message_lists.page(owner, mailing_id, Sought(phone=typed))) == ["79040000039"]


@pytest.mark.parametrize("typed", ["Anna", "+1 212 555 01 00", "7904000003999", "%", "٣"])
def test_what_is_no_phone_finds_nothing(any_context: Flask, typed: str) -> None:
    owner = make_actor()
    mailing_id = mixed(owner)

    page = message_lists.page(owner, mailing_id, Sought(phone=typed))

    assert (page.items, page.total) == ([], 0)


def test_many_that_wait_are_listed_without_those_in_the_air(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_walks, "FEW", 0)
    owner = make_actor()
    add_clients(owner, 9)
    mailing_id = fan_out_all(owner)
    in_the_air = {each.phone for each in arm(mailing_id, 4)}

    page = message_lists.page(owner, mailing_id, Sought(Status.QUEUED))
    exported = [row.phone for row in message_lists.every(owner, mailing_id, Sought(Status.QUEUED))]

    assert len(page.items) == 5
    assert not in_the_air & set(phones(page))
    assert exported == phones(page)


def test_an_export_goes_through_all_batches(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_lists, "BATCH", 7)
    owner = make_actor()
    mailing_id = mixed(owner)

    exported = [row.phone for row in message_lists.every(owner, mailing_id, Sought())]

    assert exported == sorted(each.phone for each in messages_of(mailing_id))


def test_others_lists_are_not_found(any_context: Flask) -> None:
    mailing_id = mixed(make_actor())
    stranger = make_actor()

    for ask in (message_lists.page, message_lists.every):
        with pytest.raises(NotFound):
            ask(stranger, mailing_id, Sought())
