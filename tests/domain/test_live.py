"""Is the picture of a mailing true at every instant, and does it know when it can no longer change?"""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard import clock
from dashboard.database import db, snapshot, transaction
from dashboard.domain import fan_out, live, mailings, starting
from dashboard.domain.errors import NotFound
from dashboard.domain.live import LivePicture
from dashboard.domain.mailings import Verb
from dashboard.gateway import GatewaySettings, HttpGateway
from dashboard.gateway.simulator_server import running_simulator
from dashboard.models import Breaker, Mailing, Role, Service, State, Status, Tally
from tests.factories import make_actor, make_user
from tests.support.engine import (
    HOLD,
    RETRY,
    ScriptedGateway,
    add_clients,
    deliver,
    fan_out_all,
    make_draft,
    schedule,
    state_of,
)

ZONES = ("Europe/Moscow", "Asia/Omsk")


def adds_up(picture: LivePicture) -> bool:
    """Every selected client stands in one place, from whichever side one counts."""
    total = sum(picture.counts.values())
    sides = [sum(row.total for row in rows) for rows in (picture.by_code, picture.by_zone)]
    in_order = all(count >= 0 for count in picture.counts.values())
    return in_order and sides == [total, total] and picture.total in (None, total)


def test_at_every_poll_of_a_run_the_ledger_adds_up(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        add_clients(owner, 500, ZONES)
        mailing_id = schedule(owner)
    over = threading.Event()

    def send(url: str, token: str) -> None:
        settings = GatewaySettings(url, token, connections=16, timeout_seconds=HOLD.call_seconds)
        try:
            with any_app.app_context(), HttpGateway(settings) as gateway:
                while state_of(mailing_id) is not State.FINISHED:
                    deliver(gateway, RETRY, seconds=0.5)
        finally:
            over.set()

    pictures = []
    with running_simulator() as simulator:
        worker = threading.Thread(target=send, args=(simulator.url, simulator.token))
        worker.start()
        with any_app.app_context():
            while not over.wait(0.01):
                pictures.append(live.picture(owner, mailing_id))
            last = live.picture(owner, mailing_id)
        worker.join()

    assert all(adds_up(picture) for picture in [*pictures, last])
    assert len({picture.version for picture in pictures}) > 3
    assert (last.counts[Status.SENT], last.total, last.changes) == (500, 500, False)


def test_what_is_committed_in_the_middle_of_a_picture_is_not_in_it(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        add_clients(owner, 2)
        mailing_id = fan_out_all(owner)

    def send_all() -> None:
        with any_app.app_context():
            deliver(ScriptedGateway())

    sent = select(Tally.change).where(Tally.mailing_id == mailing_id, Tally.status == Status.SENT)
    with any_app.app_context():
        with snapshot() as session:
            before = session.scalars(sent).all()
            worker = threading.Thread(target=send_all)
            worker.start()
            worker.join()
            during = session.scalars(sent).all()
        after = db.session.scalars(sent).all()

    assert before == during == []
    assert after


def test_nothing_can_be_written_from_a_snapshot_of_postgresql(pg_app: Flask) -> None:
    with pg_app.app_context(), snapshot() as session, pytest.raises(Exception, match="read-only"):
        session.execute(update(Service).values(breaker=Breaker.OPEN))


@pytest.mark.parametrize(
    "state, started, verbs, may_edit, changes",
    [
        (State.DRAFT, False, (Verb.SCHEDULE,), True, False),
        (State.SCHEDULED, False, (Verb.CANCEL, Verb.UNSCHEDULE), False, True),
        (State.RUNNING, True, (Verb.CANCEL, Verb.PAUSE), False, True),
        (State.PAUSED, True, (Verb.CANCEL, Verb.RESUME), False, True),
        (State.FINISHED, True, (), False, False),
        (State.CANCELLED, True, (), False, False),
        (State.CANCELLED, False, (), False, False),
    ],
)
def test_what_may_be_done_and_whether_to_ask_again_follow_the_state(
    app_context: Flask,
    state: State,
    started: bool,
    verbs: tuple[Verb, ...],
    may_edit: bool,
    changes: bool,
) -> None:
    owner = make_actor()
    mailing_id = mailings.create(owner, make_draft())
    started_at = clock.now() if started else None
    with transaction() as session:
        values = {"state": state, "started_at": started_at, "fanned_out_at": started_at}
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(**values))

    picture = live.picture(owner, mailing_id)

    assert (picture.verbs, picture.may_edit, picture.changes) == (verbs, may_edit, changes)
    assert (picture.total is None) is not started


def test_a_cancelled_mailing_is_watched_until_the_last_message_has_its_place(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    mailings.cancel(owner, mailing_id)

    waiting = live.picture(owner, mailing_id)
    deliver(ScriptedGateway())
    done = live.picture(owner, mailing_id)

    assert (waiting.changes, waiting.waiting) == (True, 3)
    assert (done.changes, done.counts[Status.CANCELLED]) == (False, 3)


def test_while_clients_are_being_selected_it_says_so_and_goes_on(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = schedule(owner)
    starting.start_due()

    selecting = live.picture(owner, mailing_id)
    while fan_out.one_range():
        pass
    selected = live.picture(owner, mailing_id)

    assert (selecting.is_selecting, selecting.total, selecting.changes) == (True, 0, True)
    assert (selected.is_selecting, selected.total) == (False, 3)


def test_before_the_start_it_tells_whom_it_would_address_now(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = schedule(owner, starts_at=clock.now() + timedelta(minutes=30))

    picture = live.picture(owner, mailing_id)

    assert (picture.total, picture.addressed, picture.addressed_is_exact) == (None, 4, True)
    assert picture.poll_seconds == live.PATIENT_POLL_SECONDS


def test_shortly_before_the_start_it_is_asked_for_often(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner, starts_at=clock.now() + timedelta(seconds=30))

    assert live.picture(owner, mailing_id).poll_seconds == live.POLL_SECONDS


def test_a_viewer_sees_everything_and_is_offered_nothing(any_context: Flask) -> None:
    user = make_user(name="Vera")
    mailing_id = mailings.create(user.actor, make_draft())
    viewer = make_user(Role.VIEWER)

    picture = live.picture(viewer.actor, mailing_id)

    assert (picture.verbs, picture.may_edit, picture.mailing.owner_name) == ((), False, "Vera")


def test_others_mailings_are_not_found(any_context: Flask) -> None:
    mailing_id = mailings.create(make_actor(), make_draft())

    with pytest.raises(NotFound):
        live.picture(make_actor(), mailing_id)


def test_the_version_changes_with_the_picture_and_only_with_it(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    mailings.pause(owner, mailing_id)

    first, second = live.picture(owner, mailing_id), live.picture(owner, mailing_id)
    mailings.resume(owner, mailing_id)
    third = live.picture(owner, mailing_id)

    assert first.version == second.version != third.version
