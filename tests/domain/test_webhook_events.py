"""Is everything told that an endpoint wants to hear, to it alone, and once?"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import (
    brakes,
    closing,
    mailings,
    recovery,
    resending,
    starting,
    stop_list,
    sweep,
    unknown_outcomes,
)
from dashboard.domain.permissions import Actor
from dashboard.domain.throttle import Shortage
from dashboard.domain.unknown_outcomes import Decision
from dashboard.domain.webhooks import endpoints
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import (
    Allowance,
    Lane,
    PauseReason,
    Service,
    User,
    WebhookEvent,
    WebhookSettlement,
)
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
    leases_run_out,
    messages_of,
    saying,
    schedule,
    set_mailing,
    settle,
)
from tests.support.webhooks import add_endpoint, gather_all, kinds_told, messages_told, told

TIMEOUT = saying(Verdict.UNCERTAIN, "timeout")


@pytest.fixture
def owner(any_context: Flask) -> Actor:
    return make_actor()


def rows_of(table: type[WebhookEvent] | type[WebhookSettlement]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_mailing_is_followed_from_its_start_to_its_end(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner)
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)

    mailings.pause(owner, mailing_id)
    mailings.resume(owner, mailing_id)
    deliver(ScriptedGateway())

    assert kinds_told(endpoint) == ["started", "paused", "resumed", "finished"]
    assert {each["data"]["mailing_id"] for each in told(endpoint)} == {mailing_id}
    assert [each["data"]["state"] for each in told(endpoint)] == ["running", "paused", "running", "finished"]
    assert told(endpoint)[1]["data"]["pause_reason"] == "operator"
    assert told(endpoint)[3]["data"]["finished_at"] <= told(endpoint)[3]["timestamp"]


def cancelled_by_a_person(owner: Actor) -> None:
    mailings.cancel(owner, schedule(owner, starts_at=clock.now() + timedelta(minutes=1)))


def never_approved(owner: Actor) -> None:
    with transaction() as session:
        session.execute(update(Service).values(approval_above=0))
    mailing_id = schedule(owner)
    set_mailing(mailing_id, ends_at=clock.now())
    starting.start_due()


def paused_by_its_canary(owner: Actor) -> None:
    mailing_id = fan_out_all(owner, canary_size=1)
    arm(mailing_id)
    with transaction() as session:
        session.execute(update(Allowance).where(Allowance.scope == mailing_id).values(canary_left=0))
    brakes.pause_spent({mailing_id: Shortage(PauseReason.CANARY, 1)})


def started_too_late(owner: Actor) -> None:
    mailing_id = schedule(owner)
    hours_ago = clock.now() - timedelta(hours=2)
    set_mailing(mailing_id, starts_at=hours_ago, launched_at=hours_ago)
    starting.start_due()


def sent_again_after_its_end(owner: Actor) -> None:
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), saying(Verdict.REFUSED, "http_400"))
    sweep.finish()
    resending.resend(owner, mailing_id, ["http_400"])


@pytest.mark.parametrize(
    "happens, kinds",
    [
        (cancelled_by_a_person, ["cancelled"]),
        (never_approved, ["cancelled"]),
        (paused_by_its_canary, ["started", "paused"]),
        (started_too_late, ["started", "paused"]),
        (sent_again_after_its_end, ["started", "finished", "resumed"]),
    ],
)
def test_what_the_engine_does_by_itself_is_told_as_well(
    owner: Actor, happens: Callable[[Actor], None], kinds: list[str]
) -> None:
    endpoint, _secret = add_endpoint(owner)
    add_clients(owner, 2)

    happens(owner)

    assert kinds_told(endpoint) == kinds


def test_what_is_undone_is_not_told(owner: Actor) -> None:
    add_endpoint(owner)
    add_clients(owner, 2)
    mailing_id = fan_out_all(owner)
    armed = arm(mailing_id)
    before = rows_of(WebhookEvent)

    def break_off() -> None:
        with transaction():
            mailings.pause(owner, mailing_id)
            settle(armed)
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        break_off()

    assert rows_of(WebhookEvent) == before
    assert rows_of(WebhookSettlement) == 0


def test_an_endpoint_hears_only_what_it_has_chosen_of_its_own_users_mailings(owner: Actor) -> None:
    chosen, _secret = add_endpoint(owner, events=("mailing.paused",))
    off, _secret = add_endpoint(owner, is_on=False)
    strangers, _secret = add_endpoint(make_actor())
    add_clients(owner, 1)

    mailings.pause(owner, fan_out_all(owner))

    assert [kinds_told(each) for each in (chosen, off, strangers)] == [["paused"], [], []]


def test_a_user_who_may_no_longer_sign_in_is_told_nothing(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner)
    add_clients(owner, 1)
    with transaction() as session:
        session.execute(update(User).where(User.id == owner.id).values(is_active=False))

    settle(arm(fan_out_all(owner)))
    gather_all()

    assert kinds_told(endpoint) == []
    assert rows_of(WebhookSettlement) == 0


def test_each_message_that_settles_is_told_once_in_batches_of_500(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
    add_clients(owner, 1_203)
    mailing_id = fan_out_all(owner)

    deliver(ScriptedGateway(mixed))
    gather_all()

    batches = [each["data"] for each in told(endpoint)]
    assert Counter(messages_told(endpoint)) == Counter(
        (message.id, message.status.value) for message in messages_of(mailing_id)
    )
    assert {"sent", "failed", "unknown"} == {status for _id, status in messages_told(endpoint)}
    assert max(len(batch["messages"]) for batch in batches) <= 500
    assert {batch["mailing_id"] for batch in batches} == {mailing_id}
    assert rows_of(WebhookSettlement) == 0


def mixed(call: Call) -> Answer:
    """Nine in ten are accepted, the rest refused or lost."""
    last = call.message_id % 20
    if last == 0:
        return answer(call, Verdict.REFUSED, "http_400", http_status=400)
    return answer(call, Verdict.UNCERTAIN, "reset") if last == 1 else accepted(call)


def test_what_is_told_of_a_message_names_no_phone(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner)
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)

    settle(arm(mailing_id), saying(Verdict.REFUSED, "http_400"))
    gather_all()

    [message] = messages_of(mailing_id)
    [told_of] = told(endpoint)[-1]["data"]["messages"]
    assert told_of == {
        "id": message.id,
        "client_id": message.client_id,
        "status": "failed",
        "reason": "http_400",
        "settled_at": message.settled_at and message.settled_at.isoformat().replace("+00:00", "Z"),
    }


def test_who_is_passed_over_by_the_fan_out_is_told_too(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
    add_clients(owner, 10)
    stop_list.add(owner, "79000000000")
    mailing_id = fan_out_all(owner)

    gather_all()

    skipped = [(each.id, "skipped") for each in messages_of(mailing_id) if each.reason]
    assert messages_told(endpoint) == skipped
    assert len(skipped) == 1


def test_what_is_cancelled_expired_or_lost_is_told(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
    add_clients(owner, 4)
    cancelled, expired, lost = fan_out_all(owner), fan_out_all(owner), fan_out_all(owner)
    arm(lost)
    leases_run_out(lost)
    mailings.cancel(owner, cancelled)
    with transaction() as session:
        session.execute(update(Lane).where(Lane.mailing_id == expired).values(opens_at=None, closes_at=None))

    sweep_all()
    gather_all()

    ends = {cancelled: "cancelled", expired: "expired", lost: "unknown"}
    expected = [(each.id, end) for mailing_id, end in ends.items() for each in messages_of(mailing_id)]
    assert sorted(messages_told(endpoint)) == sorted(expected)
    assert len(expected) == 12


def sweep_all() -> None:
    recovery.recover(HOLD)
    for _closed in closing.steps():
        pass


def test_an_unknown_outcome_that_is_decided_is_told_anew(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), TIMEOUT)
    gather_all()

    unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT)
    gather_all()

    assert [status for _id, status in messages_told(endpoint)] == ["unknown", "sent"]


def test_what_waits_anew_before_it_could_be_told_is_told_once_it_settles(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
    add_clients(owner, 1)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id), TIMEOUT)
    unknown_outcomes.decide(owner, mailing_id, Decision.RESEND)
    gather_all()
    assert messages_told(endpoint) == []

    deliver(ScriptedGateway())
    gather_all()

    assert [status for _id, status in messages_told(endpoint)] == ["sent"]


def test_where_nobody_wants_to_hear_of_messages_nothing_is_noted(owner: Actor) -> None:
    add_endpoint(owner, events=("mailing.finished",))
    add_endpoint(owner, is_on=False)
    add_endpoint(make_actor())
    add_clients(owner, 5)

    settle(arm(fan_out_all(owner)))

    assert rows_of(WebhookSettlement) == 0


def test_notes_of_an_endpoint_that_has_gone_are_cleared_away(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner)
    add_clients(owner, 5)
    settle(arm(fan_out_all(owner)))
    endpoints.remove(owner, endpoint)
    gather_all()

    assert rows_of(WebhookSettlement) == 0


def test_workers_that_gather_at_the_same_time_tell_of_each_message_once(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        endpoint, _secret = add_endpoint(owner, events=("messages.settled",))
        add_clients(owner, 60)
        mailing_id = fan_out_all(owner)
        while armed := arm(mailing_id, 5):
            settle(armed)

    def work() -> None:
        with any_app.app_context():
            gather_all()
            db.session.remove()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    with any_app.app_context():
        assert rows_of(WebhookSettlement) == 0
        assert sorted(messages_told(endpoint)) == [(each.id, "sent") for each in messages_of(mailing_id)]
