"""Does every client of an audience get exactly one message, whatever happens meanwhile?"""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from dashboard import clock
from dashboard.database import db, insert_or_ignore, transaction
from dashboard.domain import fan_out, lanes, mailings, single_messages, starting, statistics, tags, tallies
from dashboard.models import Chunk, Client, Mailing, State, Status, StopListEntry, client_tags
from tests.factories import make_actor
from tests.support.engine import add_clients, count_messages, fan_out_all, ledger, messages_of, schedule, state_of


def test_every_client_of_the_audience_gets_one_message(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 30, tag="vip")
    add_clients(owner, 20, tag="news", first=30)

    mailing_id = fan_out_all(owner, tags=("vip",), operator_codes=("900", "901"))

    assert ledger(mailing_id) == {Status.QUEUED: 12}
    assert {message.operator_code for message in messages_of(mailing_id)} == {"900", "901"}


def test_who_bears_the_one_tag_and_an_excluded_one_is_left_out(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5, tag="vip")
    both = add_clients(owner, 4, tag="vip", first=5)
    with transaction() as session:
        tag_id = tags.ids_by_name(session, owner.id, ["news"])["news"]
        session.execute(insert(client_tags), [{"tag_id": tag_id, "client_id": client_id} for client_id in both])

    mailing_id = fan_out_all(owner, tags=("vip",), excluded_tags=("news",))

    assert count_messages(mailing_id) == 5
    assert not {message.client_id for message in messages_of(mailing_id)} & set(both)


def test_a_fan_out_in_many_ranges_forgets_nobody(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 7)
    owner = make_actor()
    ids = add_clients(owner, 50)

    mailing_id = fan_out_all(owner)

    assert sorted(message.client_id for message in messages_of(mailing_id)) == ids
    assert len({message.id for message in messages_of(mailing_id)}) == 50


def test_a_range_that_is_repeated_after_a_crash_makes_no_second_message(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 10)
    owner = make_actor()
    add_clients(owner, 25)
    mailing_id = schedule(owner)
    starting.start_due()
    fan_out.one_range()
    with transaction() as session:
        session.get_one(fan_out.FanOut, mailing_id).through = 0

    while fan_out.one_range():
        pass

    assert ledger(mailing_id) == {Status.QUEUED: 25}


def test_a_range_that_failed_in_its_midst_leaves_nothing_to_the_next_try(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    add_clients(owner, 10)
    mailing_id = schedule(owner)
    starting.start_due()
    with monkeypatch.context() as broken:
        broken.setattr(tallies, "record", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fan_out.one_range()

    while fan_out.one_range():
        pass

    assert ledger(mailing_id) == {Status.QUEUED: 10}
    assert tallies.check(mailing_id) == []


def test_who_has_a_single_message_already_gets_no_other_and_is_counted_once(any_context: Flask) -> None:
    owner = make_actor()
    ids = add_clients(owner, 10)
    mailing_id = schedule(owner)
    starting.start_due()
    single_messages.create(owner, mailing_id, ids[1])

    while fan_out.one_range():
        pass

    assert sorted(message.client_id for message in messages_of(mailing_id)) == ids
    assert statistics.counts(mailing_id)[Status.QUEUED] == 10
    assert tallies.check(mailing_id) == []


def test_a_chunk_holds_the_messages_of_its_zone_and_no_others(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "RANGE", 8)
    owner = make_actor()
    add_clients(owner, 30, zones=("Europe/Moscow", "Asia/Omsk", "Asia/Tokyo"))

    mailing_id = fan_out_all(owner)

    held = [
        (message.id, chunk.timezone)
        for message in messages_of(mailing_id)
        for chunk in db.session.scalars(select(Chunk))
        if chunk.first_id <= message.id <= chunk.last_id
    ]
    assert held == [(message.id, message.timezone) for message in messages_of(mailing_id)]


def test_a_client_added_after_the_start_is_not_addressed(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = schedule(owner)
    starting.start_due()
    add_clients(owner, 5, first=5)

    while fan_out.one_range():
        pass

    assert count_messages(mailing_id) == 5


def test_a_client_who_moved_to_a_new_zone_after_the_start_gets_a_lane(any_context: Flask) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    mailing_id = schedule(owner)
    starting.start_due()
    with transaction() as session:
        session.get_one(Client, client_id).timezone = "Asia/Tokyo"

    while fan_out.one_range():
        pass

    assert ledger(mailing_id) == {Status.QUEUED: 1}


def test_a_listed_phone_a_missing_value_and_a_closed_zone_never_wait(any_context: Flask) -> None:
    owner = make_actor()
    first, second, *_rest = add_clients(owner, 4, zones=("Europe/Moscow",))
    add_clients(owner, 1, zones=("Pacific/Honolulu",), first=4)
    with transaction() as session:
        listed = session.get_one(Client, first)
        session.add(StopListEntry(phone=listed.phone, added_at=clock.now(), source="operator"))
        session.get_one(Client, second).attributes = {"name": ""}
    now = clock.now()
    moscow = (now + timedelta(hours=3)).replace(second=0, microsecond=0)

    mailing_id = fan_out_all(
        owner,
        text="Dear {{ name }}",
        ends_at=now + timedelta(minutes=30),
        window_from=(moscow - timedelta(minutes=5)).time(),
        window_to=(moscow + timedelta(hours=1)).time(),
    )

    assert ledger(mailing_id) == {Status.SKIPPED: 2, Status.QUEUED: 2, Status.EXPIRED: 1}
    reasons = {message.reason for message in messages_of(mailing_id) if message.status is not Status.QUEUED}
    assert reasons == {"stop_list", "missing_value", "window_closed"}


def test_the_values_of_the_placeholders_are_frozen(any_context: Flask) -> None:
    owner = make_actor()
    (client_id,) = add_clients(owner, 1)
    mailing_id = fan_out_all(owner, text="Dear {{name}}")
    with transaction() as session:
        session.get_one(Client, client_id).attributes = {"name": "Another"}

    (message,) = messages_of(mailing_id)

    assert message.placeholder_values == {"name": "N0"}


def test_a_mailing_whose_end_passed_before_it_started_is_expired_not_sent(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = schedule(owner)
    with transaction() as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.ends_at = mailing.starts_at + timedelta(milliseconds=1)

    starting.start_due()
    while fan_out.one_range():
        pass

    assert ledger(mailing_id) == {Status.EXPIRED: 3}


def test_two_workers_start_a_mailing_once(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)

    assert starting.start_due() == [mailing_id]
    assert starting.start_due() == []
    assert state_of(mailing_id) is State.RUNNING


def test_a_mailing_taken_back_in_time_does_not_start(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)
    mailings.unschedule(owner, mailing_id)

    assert starting.start_due() == []
    assert state_of(mailing_id) is State.DRAFT


@pytest.mark.postgres
def test_clients_who_change_while_a_range_is_written_are_accounted_for(
    pg_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite nobody else can write meanwhile."""
    monkeypatch.setattr(fan_out, "RANGE", 10)
    with pg_app.app_context():
        owner = make_actor()
        tagged_late = add_clients(owner, 5, tag="news")
        addressed = add_clients(owner, 15, first=5)
        monkeypatch.setattr(
            lanes, "open_missing", then_changes(lanes.open_missing, pg_app, addressed[0], tagged_late)
        )

        mailing_id = fan_out_all(owner, tags=("vip", "late"))

        found = {message.client_id for message in messages_of(mailing_id)}
        assert found - set(tagged_late) == set(addressed)
        assert ledger(mailing_id) == {Status.QUEUED: len(found)}


def then_changes(work: Callable[..., None], app: Flask, moved: int, tagged: list[int]) -> Callable[..., None]:
    """Between two statements of the fan-out somebody commits a new zone, and tags that the mailing asks for."""

    def change() -> None:
        with app.app_context(), transaction() as session:
            client = session.get_one(Client, moved)
            client.timezone = "Asia/Tokyo"
            tag_id = tags.ids_by_name(session, client.owner_id, ["late"])["late"]
            links = [{"tag_id": tag_id, "client_id": client_id} for client_id in tagged]
            session.execute(insert_or_ignore(client_tags), links)

    def open_missing(*range_: Any) -> None:
        work(*range_)
        other = Thread(target=change)
        other.start()
        other.join()

    return open_missing
