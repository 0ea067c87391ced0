"""Does what is told arrive, signed, at once or later, and never twice at once?"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain.errors import Conflict, NotFound
from dashboard.domain.pages import NEWEST
from dashboard.domain.permissions import Actor
from dashboard.domain.webhooks import deliveries, delivering, endpoints
from dashboard.models import DeliveryState, OffReason, WebhookEvent
from tests.factories import make_actor
from tests.support.receiver import FINE, Receiver, Reply, receiving
from tests.support.webhooks import (
    add_endpoint,
    deliver_webhooks,
    deliveries_of,
    draft_of,
    endpoint_row,
    next_try_is_due,
    set_endpoint,
)

BROKEN: Reply = (500, b"oh no", {})
GONE: Reply = (410, b"", {})


@pytest.fixture
def owner(any_context: Flask) -> Actor:
    return make_actor()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_an_event_arrives_signed_and_is_logged(owner: Actor, receiver: Receiver) -> None:
    endpoint, secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)

    assert deliver_webhooks() is False

    [heard] = receiver.heard
    [logged] = deliveries.page(owner, endpoint, NEWEST, 10).items
    assert heard.is_signed_by(secret)
    assert (heard.kind, heard.event["data"]) == ("ping", {"webhook_id": endpoint})
    assert heard.headers["content-type"] == "application/json"
    assert (logged.event, logged.state, logged.tries) == (heard.name, DeliveryState.DELIVERED, 1)
    assert (logged.http_status, logged.answer, logged.next_try_at) == (200, "thanks", None)


def test_what_failed_is_tried_again_later_under_the_same_name(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda number: BROKEN if number < 3 else FINE
    endpoint, secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)

    for _ in range(3):
        deliver_webhooks()
        deliver_webhooks()  # nothing is due
        next_try_is_due(endpoint)

    [row] = deliveries_of(endpoint)
    assert (row.state, row.tries) == (DeliveryState.DELIVERED, 3)
    assert [each.is_signed_by(secret) for each in receiver.heard] == [True] * 3
    assert len({(each.name, each.body) for each in receiver.heard}) == 1
    assert endpoint_row(endpoint).failing_since is None


def test_tries_come_ever_more_rarely_until_it_is_given_up(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda _number: BROKEN
    endpoint, _secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)
    pauses = []

    for _ in range(len(delivering.WAITS) + 1):
        deliver_webhooks()
        [row] = deliveries_of(endpoint)
        if row.next_try_at and row.tried_at:
            pauses.append((row.next_try_at - row.tried_at).total_seconds())
            next_try_is_due(endpoint)

    assert all(
        0.8 * wanted <= pause <= 1.2 * wanted for pause, wanted in zip(pauses, delivering.WAITS, strict=True)
    )
    assert (row.state, row.tries, row.ending) == (DeliveryState.FAILED, 7, "status")
    assert (row.http_status, row.answer) == (500, "oh no")
    assert len({delivering.pause_after(1) for _ in range(5)}) > 1


def test_an_endpoint_that_says_it_is_gone_is_switched_off(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda _number: GONE
    endpoint, _secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)

    deliver_webhooks()
    next_try_is_due(endpoint)
    deliver_webhooks()

    row = endpoint_row(endpoint)
    assert (row.off_reason, row.hears_settled) == (OffReason.GONE, False)
    assert len(receiver.heard) == 1
    with pytest.raises(Conflict):
        endpoints.ping(owner, endpoint)


def test_an_endpoint_that_has_failed_for_three_days_is_switched_off(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda _number: BROKEN
    tried, other = (add_endpoint(owner, receiver.url)[0] for _ in range(2))
    set_endpoint(tried, failing_since=clock.now() - timedelta(days=3))
    set_endpoint(other, failing_since=clock.now() - timedelta(days=2, hours=23))
    for each in (tried, other):
        endpoints.ping(owner, each)

    deliver_webhooks()

    assert endpoints.get(owner, tried).off_reason is OffReason.FAILING
    assert endpoints.get(owner, other).is_on


def test_switched_on_again_it_is_told_what_has_waited(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda number: GONE if number == 1 else FINE
    endpoint, _secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)
    deliver_webhooks()

    endpoints.change(owner, endpoint, draft_of(receiver.url), private_allowed=True)
    next_try_is_due(endpoint)
    deliver_webhooks()

    [row] = deliveries_of(endpoint)
    assert row.state is DeliveryState.DELIVERED
    assert (endpoint_row(endpoint).failing_since, endpoint_row(endpoint).hears_settled) == (None, True)


def test_for_a_day_after_a_rotation_both_secrets_fit(owner: Actor, receiver: Receiver) -> None:
    endpoint, old = add_endpoint(owner, receiver.url)
    new = endpoints.rotate_secret(owner, endpoint)
    endpoints.ping(owner, endpoint)
    deliver_webhooks()
    set_endpoint(endpoint, rotated_at=clock.now() - timedelta(hours=25))
    endpoints.ping(owner, endpoint)
    deliver_webhooks()

    first, second = receiver.heard

    assert old != new
    assert first.is_signed_by(old)
    assert first.is_signed_by(new)
    assert second.is_signed_by(new)
    assert " " not in second.headers["webhook-signature"]


def test_workers_at_the_same_time_deliver_each_event_once(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()

    def work() -> None:
        with any_app.app_context():
            deliver_webhooks()
            db.session.remove()

    with receiving() as receiver:
        with any_app.app_context():
            endpoint, _secret = add_endpoint(owner, receiver.url)
            for _ in range(40):
                endpoints.ping(owner, endpoint)
        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    with any_app.app_context():
        assert Counter(each.name for each in receiver.heard) == Counter(
            db.session.scalars(select(WebhookEvent.name))
        )
        assert {(row.state, row.tries) for row in deliveries_of(endpoint)} == {(DeliveryState.DELIVERED, 1)}
    assert len(receiver.heard) == 40


def test_what_a_worker_had_that_died_is_taken_over_after_its_lease(owner: Actor, receiver: Receiver) -> None:
    endpoint, _secret = add_endpoint(owner, receiver.url)
    endpoints.ping(owner, endpoint)
    [lost] = delivering._claim([])

    deliver_webhooks()
    heard_within_the_lease = len(receiver.heard)
    next_try_is_due(endpoint)
    deliver_webhooks()
    delivering._write(lost, delivering.Answer(delivering.Ending.TIMEOUT, 1))

    [row] = deliveries_of(endpoint)
    assert (heard_within_the_lease, len(receiver.heard)) == (0, 1)
    assert (row.state, row.tries) == (DeliveryState.DELIVERED, 1)


def test_dead_endpoints_do_not_hold_up_others(owner: Actor, receiver: Receiver) -> None:
    release = threading.Event()

    def hang(_number: int) -> Reply:
        release.wait(20)
        return BROKEN

    with ExitStack() as stack:
        dead = [add_endpoint(owner, stack.enter_context(receiving(hang)).url)[0] for _ in range(9)]
        for each in dead:
            set_endpoint(each, failing_since=clock.now())
            for _ in range(5):
                endpoints.ping(owner, each)
        alive, _secret = add_endpoint(owner, receiver.url)
        for _ in range(20):
            endpoints.ping(owner, alive)

        def is_stopping() -> bool:
            if len(receiver.heard) == 20:
                release.set()
            return release.is_set()

        delivering.run(15, private_allowed=True, is_stopping=is_stopping)
        was_told_meanwhile = release.is_set()
        release.set()

    assert was_told_meanwhile
    tried = [sum(row.tries for row in deliveries_of(each)) for each in dead]
    assert max(tried) == 1
    assert sum(tried) == delivering.MOST_FAILING


def test_one_that_waits_is_resent_by_hand_and_one_that_was_delivered_too(owner: Actor, receiver: Receiver) -> None:
    receiver.reply = lambda number: BROKEN if number == 1 else FINE
    endpoint, _secret = add_endpoint(owner, receiver.url)
    delivery = endpoints.ping(owner, endpoint)
    deliver_webhooks()

    for _ in range(2):
        deliveries.resend(owner, endpoint, delivery)
        deliver_webhooks()

    [row] = deliveries_of(endpoint)
    assert [each.name for each in receiver.heard] == [receiver.heard[0].name] * 3
    assert (row.state, row.tries) == (DeliveryState.DELIVERED, 1)


def test_what_is_being_tried_is_not_resent_meanwhile(owner: Actor, receiver: Receiver) -> None:
    endpoint, _secret = add_endpoint(owner, receiver.url)
    delivery = endpoints.ping(owner, endpoint)
    delivering._claim([])

    with pytest.raises(Conflict, match="webhook_being_tried"):
        deliveries.resend(owner, endpoint, delivery)


def test_nothing_of_others_is_seen_or_sent_again(owner: Actor) -> None:
    stranger = make_actor()
    endpoint, _secret = add_endpoint(owner)
    own, _secret = add_endpoint(stranger)
    delivery = endpoints.ping(owner, endpoint)

    for attempt in (
        lambda: deliveries.page(stranger, endpoint, NEWEST, 10),
        lambda: deliveries.get(stranger, endpoint, delivery),
        lambda: deliveries.resend(stranger, endpoint, delivery),
        lambda: deliveries.resend(stranger, own, delivery),
        lambda: endpoints.ping(stranger, endpoint),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_what_is_older_than_thirty_days_is_swept_away(owner: Actor) -> None:
    endpoint, _secret = add_endpoint(owner)
    endpoints.ping(owner, endpoint)
    with transaction() as session:
        session.execute(update(WebhookEvent).values(created_at=clock.now() - timedelta(days=30, minutes=1)))
    recent = endpoints.ping(owner, endpoint)

    deliveries.sweep()

    assert [row.id for row in deliveries_of(endpoint)] == [recent]
    assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 1
