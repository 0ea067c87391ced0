"""Do failed messages go out again, under their numbers, once, and nothing else with them?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db
from dashboard.domain import mailings, outbox, resending, statistics, sweep
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Dimension, Lane, Mailing, PauseReason, Role, State, Status, TimeBasis
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    arm,
    deliver,
    fan_out_all,
    ledger,
    messages_of,
    saying,
    schedule,
    set_mailing,
    settle,
    state_of,
)

REFUSED = saying(Verdict.REFUSED, "http_400")


def partly(call: Call) -> Answer:
    """By the last digits of the phone: 0 refused so, 1 refused otherwise, 2 unknown, else accepted."""
    number = int(call.phone[-7:]) % 5
    if number < 2:
        return answer(call, Verdict.REFUSED, ("http_400", "http_404")[number])
    return answer(call, Verdict.UNCERTAIN, "timeout") if number == 2 else accepted(call)


def finished(owner: Actor, script: Callable[[Call], Answer] = partly, count: int = 20, **changes: object) -> int:
    add_clients(owner, count)
    mailing_id = schedule(owner, **changes)
    deliver(ScriptedGateway(script))
    assert state_of(mailing_id) is State.FINISHED
    return mailing_id


def ended(mailing_id: int) -> None:
    now = clock.now()
    set_mailing(mailing_id, starts_at=now - timedelta(hours=2), ends_at=now - timedelta(seconds=1))


def mailing_of(mailing_id: int) -> Mailing:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id)


def test_the_failed_go_again_under_their_numbers_and_nothing_sent_is_touched(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    failed = {each.id for each in messages_of(mailing_id) if each.status is Status.FAILED}
    before = ledger(mailing_id)

    count = resending.resend(owner, mailing_id)
    waiting = ledger(mailing_id)
    gateway = ScriptedGateway()
    deliver(gateway)

    assert before == {Status.FAILED: 8, Status.UNKNOWN: 4, Status.SENT: 8}
    assert count == 8
    assert waiting == {Status.QUEUED: 8, Status.UNKNOWN: 4, Status.SENT: 8}
    assert {call.message_id for call in gateway.calls} == failed
    assert len(gateway.calls) == 8
    assert ledger(mailing_id) == {Status.SENT: 16, Status.UNKNOWN: 4}
    assert state_of(mailing_id) is State.FINISHED


def test_only_those_of_the_chosen_reasons_go_again(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)

    count = resending.resend(owner, mailing_id, {"http_404"})

    assert count == 4
    assert ledger(mailing_id) == {Status.QUEUED: 4, Status.FAILED: 4, Status.UNKNOWN: 4, Status.SENT: 8}


def test_all_books_are_as_if_the_resent_had_never_failed(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)

    resending.resend(owner, mailing_id, {"http_404"})

    assert {(row.status, row.reason): row.count for row in statistics.reasons(mailing_id)} == {
        (Status.FAILED, "http_400"): 4,
        (Status.UNKNOWN, "timeout"): 4,
    }
    assert sum(statistics.over_time(mailing_id).series[Status.FAILED]) == 4
    assert sum(row.failed for row in statistics.breakdown(mailing_id, Dimension.CODE)) == 4
    assert sum(row.waiting for row in statistics.breakdown(mailing_id, Dimension.ZONE)) == 4


def test_a_resent_message_has_all_its_tries_again(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner, REFUSED)

    resending.resend(owner, mailing_id)

    rows = messages_of(mailing_id)
    assert {(each.tries, each.reason, each.settled_at, each.lease_token) for each in rows} == {
        (0, None, None, None)
    }
    assert all(each.send_after is not None for each in rows)


def test_pressing_twice_sends_once(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)

    counts = [resending.resend(owner, mailing_id) for _ in range(2)]

    assert counts == [8, 0]
    assert ledger(mailing_id) == {Status.QUEUED: 8, Status.UNKNOWN: 4, Status.SENT: 8}


def test_a_press_with_nothing_to_resend_reopens_nothing(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner, accepted)
    ended(mailing_id)

    assert resending.resend(owner, mailing_id) == 0
    assert state_of(mailing_id) is State.FINISHED


def test_what_a_crash_has_left_the_next_press_takes(any_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    monkeypatch.setattr(resending, "AT_ONCE", 3)
    requeue_some, presses = resending._requeue_some, []

    def crash_at_the_second(*args: object, **kwargs: object) -> int:
        presses.append(args)
        if len(presses) == 2:
            raise KeyboardInterrupt
        return requeue_some(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(resending, "_requeue_some", crash_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        resending.resend(owner, mailing_id)
    after_crash = ledger(mailing_id)

    rest = resending.resend(owner, mailing_id)

    assert after_crash == {Status.QUEUED: 3, Status.FAILED: 5, Status.UNKNOWN: 4, Status.SENT: 8}
    assert state_of(mailing_id) is State.RUNNING
    assert rest == 5
    assert len(presses) == 5  # the crash between; then 3, 2 and the look that finds none


def test_what_fails_again_meanwhile_does_not_go_round_for_ever(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    mailing_id = finished(owner, REFUSED, count=6)
    monkeypatch.setattr(resending, "AT_ONCE", 2)
    requeue_some = resending._requeue_some

    def while_a_worker_is_quick(*args: object, **kwargs: object) -> int:
        count = requeue_some(*args, **kwargs)  # type: ignore[arg-type]
        settle(arm(mailing_id), REFUSED)
        return count

    monkeypatch.setattr(resending, "_requeue_some", while_a_worker_is_quick)

    assert resending.resend(owner, mailing_id) == 6
    assert ledger(mailing_id) == {Status.FAILED: 6}


def test_after_the_end_a_new_one_must_be_given_and_lie_ahead(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    ended(mailing_id)

    for end in (None, clock.now() - timedelta(minutes=1)):
        with pytest.raises(Invalid) as refused:
            resending.resend(owner, mailing_id, ends_at=end)
        assert [(each.field, each.code) for each in refused.value.problems] == [("ends_at", "ends_in_past")]

    assert state_of(mailing_id) is State.FINISHED
    assert ledger(mailing_id)[Status.FAILED] == 8


def test_a_new_end_opens_the_lanes_anew(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    ended(mailing_id)
    end = clock.now() + timedelta(hours=3)

    resending.resend(owner, mailing_id, ends_at=end)
    deliver(ScriptedGateway())

    assert mailing_of(mailing_id).ends_at == end
    assert db.session.get_one(Lane, (mailing_id, "Europe/Moscow")).closes_at == end
    assert ledger(mailing_id) == {Status.SENT: 16, Status.UNKNOWN: 4}


def test_resending_never_shortens_a_mailing(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    end = mailing_of(mailing_id).ends_at

    resending.resend(owner, mailing_id, ends_at=clock.now() + timedelta(minutes=5))

    assert mailing_of(mailing_id).ends_at == end


def test_by_the_clients_clock_the_new_end_is_a_reading_of_it(any_context: Flask) -> None:
    owner = make_actor()
    moscow = (clock.now() + timedelta(hours=3)).replace(tzinfo=None, microsecond=0)
    walls = {"starts_wall": moscow - timedelta(hours=1), "ends_wall": moscow + timedelta(hours=1)}
    mailing_id = finished(owner, starts_at=None, ends_at=None, time_basis=TimeBasis.CLIENT, **walls)

    with pytest.raises(Invalid, match="time_invalid"):
        resending.resend(owner, mailing_id, ends_at=clock.now() + timedelta(days=1))
    resending.resend(owner, mailing_id, ends_at=moscow + timedelta(days=1))

    found = mailing_of(mailing_id)
    assert found.ends_wall == moscow + timedelta(days=1)
    assert found.ends_at.replace(tzinfo=None) == moscow + timedelta(days=1, hours=-3)


def test_who_has_no_window_left_before_the_end_stays_failed(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)
    opens = (clock.now() + timedelta(hours=3 + 2)).time().replace(second=0, microsecond=0)
    set_mailing(mailing_id, window_from=opens, window_to=opens.replace(minute=(opens.minute + 1) % 60))

    with pytest.raises(Invalid, match="no_window_left"):
        resending.resend(owner, mailing_id)

    assert state_of(mailing_id) is State.FINISHED
    assert ledger(mailing_id)[Status.FAILED] == 8


def test_a_paused_mailing_stays_paused(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 2), REFUSED)
    mailings.pause(owner, mailing_id)

    resending.resend(owner, mailing_id)

    assert mailing_of(mailing_id).pause_reason is PauseReason.OPERATOR
    assert arm(mailing_id) == []
    assert ledger(mailing_id) == {Status.QUEUED: 4}


def test_a_reopened_mailing_is_not_finished_before_the_resent_are_sent(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = finished(owner)

    resending.resend(owner, mailing_id)

    assert sweep.finish() == []
    assert mailing_of(mailing_id).finished_at is None


def test_what_is_in_the_air_of_a_running_mailing_is_left_alone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 6)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 2), REFUSED)
    in_the_air = arm(mailing_id, 2)

    resending.resend(owner, mailing_id)
    while_they_fly = ledger(mailing_id)
    settle(in_the_air)

    assert while_they_fly == {Status.QUEUED: 4, Status.SENDING: 2}
    assert ledger(mailing_id) == {Status.QUEUED: 4, Status.SENT: 2}


def test_a_cancelled_mailing_or_one_that_never_began_is_not_resent(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    cancelled, scheduled = fan_out_all(owner), schedule(owner)
    settle(arm(cancelled), REFUSED)
    mailings.cancel(owner, cancelled)

    for mailing_id in (cancelled, scheduled):
        with pytest.raises(Conflict, match="cannot_resend"):
            resending.resend(owner, mailing_id)

    assert ledger(cancelled) == {Status.FAILED: 2}


def test_others_and_those_who_only_look_on_resend_nothing(any_context: Flask) -> None:
    mailing_id = finished(make_actor(), REFUSED, count=2)

    with pytest.raises(NotFound):
        resending.resend(make_actor(), mailing_id)
    with pytest.raises(Forbidden):
        resending.resend(make_actor(Role.VIEWER), mailing_id)

    assert ledger(mailing_id) == {Status.FAILED: 2}


def test_the_budget_counts_a_resent_message_once(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = schedule(owner, budget_parts=4)
    deliver(ScriptedGateway(REFUSED))

    resending.resend(owner, mailing_id)
    deliver(ScriptedGateway())

    assert outbox.arm([mailing_id], 10, "c" * 32, HOLD).armed == []
    assert ledger(mailing_id) == {Status.SENT: 4}


def test_a_press_works_no_longer_than_a_person_waits_and_the_next_one_goes_on(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(saying(Verdict.REFUSED, "http_400", http_status=400)))
    monkeypatch.setattr(resending, "AT_ONCE", 2)
    monkeypatch.setattr(resending, "PATIENCE_SECONDS", 0)

    presses = [resending.resend_some(owner, mailing_id, None, None) for _ in range(2)]
    monkeypatch.setattr(resending, "PATIENCE_SECONDS", 60)
    last = resending.resend_some(owner, mailing_id, ["http_400"], None)

    assert presses == [(2, False), (2, False)]
    assert last == (1, True)
    assert ledger(mailing_id) == {Status.QUEUED: 5}
