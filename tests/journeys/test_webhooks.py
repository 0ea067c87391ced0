"""Does a program that was away at first hear all that happened to a mailing, signed, each message once?"""

from collections import Counter

import pytest
from flask import Flask

from dashboard.domain import mailings
from dashboard.domain.permissions import Actor
from dashboard.models import State
from tests.factories import make_actor
from tests.support.engine import add_clients, messages_of, schedule, state_of
from tests.support.installation import Installation, free_port
from tests.support.receiver import Heard, receiving
from tests.support.stage import backstage, wait_until
from tests.support.webhooks import add_endpoint, deliveries_of

CLIENTS = 700
KINDS = {"mailing.started", "mailing.paused", "mailing.resumed", "mailing.finished", "messages.settled"}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_all_that_happens_arrives_though_the_receiver_was_down(any_installation: Installation) -> None:
    port = free_port()
    any_installation.environ["WEBHOOK_PRIVATE_ADDRESSES"] = "1"
    with any_installation, backstage(any_installation) as app:
        owner = make_actor()
        endpoint, secret = add_endpoint(owner, f"http://127.0.0.1:{port}/hooks")
        mailing_id = send_with_a_pause(app, owner)
        wait_until(lambda: any(row.tries for row in deliveries_of(endpoint)))
        with receiving(port=port) as receiver:
            wait_until(lambda: state_of(mailing_id) is State.FINISHED, 60)
            wait_until(lambda: is_all_told(receiver.heard), 30)
        expected = Counter((each.id, each.status.value) for each in messages_of(mailing_id))
        tries = [row.tries for row in deliveries_of(endpoint)]

    assert all(each.is_signed_by(secret) for each in receiver.heard)
    assert settled_in(receiver.heard) == expected
    once = Counter(each.kind for each in receiver.heard if each.kind != "messages.settled")
    assert once == Counter(KINDS - {"messages.settled"})
    assert max(tries) > 1


def send_with_a_pause(app: Flask, owner: Actor) -> int:
    add_clients(owner, CLIENTS)
    mailing_id = schedule(owner, rate_limit=700)
    wait_until(lambda: state_of(mailing_id) is State.RUNNING)
    mailings.pause(owner, mailing_id)
    mailings.resume(owner, mailing_id)
    return mailing_id


def is_all_told(heard: list[Heard]) -> bool:
    return {each.kind for each in list(heard)} == KINDS and settled_in(heard).total() >= CLIENTS


def settled_in(heard: list[Heard]) -> Counter[tuple[int, str]]:
    batches = [each.event["data"]["messages"] for each in list(heard) if each.kind == "messages.settled"]
    return Counter((message["id"], message["status"]) for batch in batches for message in batch)
