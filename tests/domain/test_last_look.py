"""Is nobody messaged who must not be after all, and nobody else left out?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import clients, fan_out, outbox, picking, starting, stop_list
from dashboard.domain.client_rules import ClientDraft
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import Service, Status
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    TOKEN,
    add_clients,
    another_try_is_due,
    arm,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    schedule,
    set_mailing,
    set_messages,
    settle,
)


def cap(messages: int | None, days: int | None = 1) -> None:
    with transaction() as session:
        service = session.get_one(Service, 1)
        service.frequency_cap, service.frequency_days = messages, None if messages is None else days


def reasons(mailing_id: int) -> set[str | None]:
    return {message.reason for message in messages_of(mailing_id) if message.status is Status.SKIPPED}


def test_who_enters_the_stop_list_after_the_start_is_skipped_at_the_last_instant(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    listed, other = messages_of(mailing_id)
    stop_list.add(owner, listed.phone)

    armed = arm(mailing_id)

    assert [each.phone for each in armed] == [other.phone]
    assert ledger(mailing_id) == {Status.SKIPPED: 1, Status.SENDING: 1}
    assert reasons(mailing_id) == {"stop_list"}


def test_who_enters_the_stop_list_between_two_tries_gets_no_second_one(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0))
    another_try_is_due(mailing_id)
    stop_list.add(owner, messages_of(mailing_id)[0].phone)

    assert arm(mailing_id) == []
    assert ledger(mailing_id) == {Status.SKIPPED: 1}


def test_who_leaves_the_stop_list_in_time_is_messaged(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    phone = messages_of(mailing_id)[0].phone
    stop_list.add(owner, phone)
    stop_list.remove(owner, phone)

    assert len(arm(mailing_id)) == 1


def test_a_deleted_client_keeps_the_message_and_its_number(any_context: Flask) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    clients.delete(owner, client_id)

    armed = arm(mailing_id)

    assert [each.phone for each in armed] == ["79000000000"]


def test_nobody_gets_more_messages_than_the_cap_allows(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    cap(2)
    three = [fan_out_all(owner) for _ in range(3)]

    for mailing_id in three:
        settle(arm(mailing_id))

    assert [ledger(each) for each in three] == [{Status.SENT: 3}, {Status.SENT: 3}, {Status.SKIPPED: 3}]
    assert reasons(three[2]) == {"frequency_cap"}


def test_the_cap_counts_a_phone_not_a_client_of_one_owner(any_context: Flask) -> None:
    first, second = make_actor(), make_actor()
    add_clients(first, 2)
    add_clients(second, 1)
    cap(1)
    settle(arm(fan_out_all(first)))

    mailing_id = fan_out_all(second)

    assert arm(mailing_id) == []
    assert ledger(mailing_id) == {Status.SKIPPED: 1}


def test_the_cap_follows_the_phone_when_a_client_gets_another(any_context: Flask) -> None:
    """There and back: each phone is held to what has gone to it, whoever has it now."""
    first, second = make_actor(), make_actor()
    (client_id,) = add_clients(first, 1)
    cap(1)
    settle(arm(fan_out_all(first)))
    give_phone(first, client_id, "79000000075")
    add_clients(second, 1)

    to_whoever_has_the_old_one = arm(fan_out_all(second))
    to_the_new_one = settle(arm(fan_out_all(first)))
    give_phone(first, client_id, "79000000000")
    add_clients(second, 1, tag="other", first=75)
    after_the_return = arm(fan_out_all(first)) + arm(fan_out_all(second, tags=("other",)))

    assert to_whoever_has_the_old_one == []
    assert [each.armed.phone for each in to_the_new_one] == ["79000000075"]
    assert after_the_return == []


def give_phone(owner: Actor, client_id: int, phone: str) -> None:
    draft = ClientDraft(phone, "Europe/Moscow", tags=("vip",))
    clients.change(owner, client_id, draft, clients.get(owner, client_id).version)


@pytest.mark.parametrize(
    "script, counts",
    [
        (saying(Verdict.ACCEPTED, "ok"), True),
        (saying(Verdict.UNCERTAIN, "timeout"), True),
        (saying(Verdict.REFUSED, "http_400"), False),
        (saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=60.0), False),
    ],
)
def test_what_was_sent_or_may_have_been_counts_and_nothing_else(
    any_context: Flask, script: object, counts: bool
) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    cap(1)
    first = settle(arm(fan_out_all(owner)), script)  # type: ignore[arg-type]

    second = arm(fan_out_all(owner))

    assert (len(first), len(second)) == (2, 0 if counts else 2)


def test_what_is_not_armed_after_all_is_not_held_against_another_mailing(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    cap(1)
    canary, other = fan_out_all(owner), fan_out_all(owner)
    set_mailing(canary, canary_size=1)

    armed = outbox.arm([canary, other], 100, TOKEN, HOLD).armed

    assert ledger(canary) == {Status.SENDING: 1, Status.QUEUED: 3}
    assert ledger(other) == {Status.SENDING: 3, Status.SKIPPED: 1}
    assert len({each.phone for each in armed}) == len(armed) == 4


def test_the_cap_follows_a_phone_that_is_changed_during_the_fan_out(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range that has seen the phone of before is written after the change has looked for what went to it."""
    picked, go = Event(), Event()
    with any_app.app_context():
        owner, other = make_actor(), make_actor()
        (client_id,) = add_clients(owner, 1)
        old = clients.get(owner, client_id)
        mailing_id = schedule(owner)
        starting.start_due()
    pick = picking.pick

    def slowly(*arguments: Any) -> Any:
        groups = pick(*arguments)
        picked.set()
        go.wait(5)
        return groups

    def fan() -> None:
        with any_app.app_context():
            while fan_out.one_range():
                pass

    def change() -> None:
        draft = ClientDraft(phone="79051111111", timezone=old.timezone, tags=("vip",), attributes={"name": "N"})
        with any_app.app_context():
            clients.change(owner, client_id, draft, old.version)

    monkeypatch.setattr(picking, "pick", slowly)
    with ThreadPoolExecutor(2) as both:
        fanning = both.submit(fan)
        assert picked.wait(5)
        changing = both.submit(change)
        clock.sleep(0.3)
        go.set()
        changing.result(10)
        fanning.result(10)
    monkeypatch.setattr(picking, "pick", pick)

    with any_app.app_context():
        settle(arm(mailing_id))
        phones = {message.phone for message in messages_of(mailing_id)}
        add_clients(other, 1)
        cap(1)
        second = fan_out_all(other)
        assert {message.phone for message in messages_of(second)} == phones == {old.phone}
        assert arm(second) == []


def test_a_change_that_keeps_the_phone_holds_up_no_selection(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    outlasted: list[object] = []
    monkeypatch.setattr(fan_out, "outlast", outlasted.append)

    for phone in ("{}", "+{}", "79051111111"):
        now = clients.get(owner, client_id)
        draft = ClientDraft(phone=phone.format(now.phone), timezone=now.timezone, attributes={"name": phone})
        clients.change(owner, client_id, draft, now.version)

    assert len(outlasted) == 1


def test_what_is_in_the_air_counts(any_context: Flask) -> None:
    """From its place or by itself: whoever is being sent a message may have it already."""
    owner = make_actor()
    add_clients(owner, 2)
    cap(1)
    first, second, third = (fan_out_all(owner) for _ in range(3))
    armed = arm(first)
    settle(armed[1:], saying(Verdict.NOT_ACCEPTED, "http_429"), landed=False)
    another_try_is_due(first)
    arm(first)

    assert arm(second) == []
    settle(armed[:1])
    assert arm(third) == []
    assert ledger(second) == ledger(third) == {Status.SKIPPED: 2}


def test_longer_ago_than_the_days_of_the_cap_no_message_counts(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    cap(1, days=2)
    earlier = fan_out_all(owner)
    settle(arm(earlier))
    set_messages(earlier, settled_at=clock.now() - timedelta(days=2, seconds=1))

    assert len(arm(fan_out_all(owner))) == 2


def test_of_two_mailings_armed_in_one_step_one_reaches_each_phone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    cap(1)
    both = [fan_out_all(owner), fan_out_all(owner)]

    armed = outbox.arm(both, 100, TOKEN, HOLD).armed

    assert len({each.phone for each in armed}) == len(armed) == 4
    in_all = [ledger(each) for each in both]
    assert sum(each.get(Status.SKIPPED, 0) for each in in_all) == 4
    assert sum(each.get(Status.SENDING, 0) for each in in_all) == 4


def test_of_two_mailings_armed_at_the_same_instant_one_reaches_each_phone(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        add_clients(owner, 30)
        cap(1)
        both = [fan_out_all(owner), fan_out_all(owner)]
    together = Barrier(2, timeout=30)

    def work(mailing_id: int) -> list[str]:
        with any_app.app_context():
            together.wait()
            return [each.phone for _ in range(6) for each in arm(mailing_id, 5, f"{mailing_id:08}" * 4)]

    with ThreadPoolExecutor(2) as workers:
        phones = [phone for mine in workers.map(work, both) for phone in mine]

    assert len(phones) == len(set(phones)) == 30


def test_a_retry_of_the_same_message_is_not_held_against_itself(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    cap(1)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), saying(Verdict.NOT_ACCEPTED, "http_429"))
    another_try_is_due(mailing_id)

    assert len(arm(mailing_id)) == 2
