"""Is what the gateway may have accepted ever said not to have been sent?"""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from dashboard.domain import (
    closing,
    erasing,
    mailings,
    messages,
    recovery,
    single_messages,
    stop_list,
    unknown_decisions,
    unknown_lists,
    unknown_outcomes,
)
from dashboard.domain.errors import Conflict
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_decisions import Choice
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Verdict
from dashboard.models import Role, Status
from tests.domain.test_closing import end
from tests.domain.test_last_look import cap
from tests.factories import make_actor
from tests.support.engine import (
    HOLD,
    MOSCOW,
    RETRY,
    add_clients,
    another_try_is_due,
    arm,
    fan_out_all,
    leases_run_out,
    ledger,
    messages_of,
    saying,
    settle,
)

TIMEOUT = saying(Verdict.UNCERTAIN, "timeout", retry_after=60.0)
BUSY = saying(Verdict.NOT_ACCEPTED, "http_429", retry_after=60.0)
REFUSED = saying(Verdict.REFUSED, "http_400", http_status=400)


def five_in_doubt(owner: Actor) -> int:
    """Of eight messages: two to be tried again, two whose worker died, one that a person sends again.

    Of the others two are in their place, and one waits for another try, surely not accepted.
    """
    add_clients(owner, 8)
    mailing_id = fan_out_all(owner)
    settle(arm(mailing_id, 1), BUSY)
    settle(arm(mailing_id, 1), TIMEOUT, policy=HOLD)
    settle(arm(mailing_id, 2), TIMEOUT, policy=RETRY)
    arm(mailing_id, 2)
    leases_run_out(mailing_id)
    recovery.recover(RETRY)
    unknown_outcomes.decide(owner, mailing_id, Decision.RESEND)
    assert ledger(mailing_id) == {Status.QUEUED: 8}
    return mailing_id


def cancelled(owner: Actor, mailing_id: int) -> None:
    mailings.cancel(owner, mailing_id)
    sum(closing.cancel_waiting())


def expired(owner: Actor, mailing_id: int) -> None:
    end(mailing_id, MOSCOW)
    sum(closing.expire_closed())


def skipped(owner: Actor, mailing_id: int) -> None:
    for message in messages_of(mailing_id):
        stop_list.add(owner, message.phone)
    another_try_is_due(mailing_id)
    assert arm(mailing_id, policy=RETRY) == []


def failed(owner: Actor, mailing_id: int) -> None:
    another_try_is_due(mailing_id)
    settle(arm(mailing_id, policy=RETRY), REFUSED, policy=RETRY)


def used_up(owner: Actor, mailing_id: int) -> None:
    """The gateway answers, and takes none."""
    for _ in range(HOLD.most_tries):
        another_try_is_due(mailing_id)
        settle(arm(mailing_id), BUSY)


@pytest.mark.parametrize(
    "ending, of_others",
    [
        (cancelled, Status.CANCELLED),
        (expired, Status.EXPIRED),
        (skipped, Status.SKIPPED),
        (failed, Status.FAILED),
        (used_up, Status.FAILED),
    ],
)
def test_what_may_have_been_accepted_ends_as_unknown_and_the_others_as_ever(
    any_context: Flask, ending: Callable[[Actor, int], None], of_others: Status
) -> None:
    owner = make_actor()
    mailing_id = five_in_doubt(owner)

    ending(owner, mailing_id)

    assert ledger(mailing_id) == {Status.UNKNOWN: 5, of_others: 3}
    assert unknown_lists.page(owner).mailings[0].reasons == {"timeout": 3, "worker_lost": 2}
    assert unknown_decisions.decide(owner, Choice(), Decision.ACCEPT).count == 5
    assert ledger(mailing_id) == {Status.SENT: 5, of_others: 3}


def test_what_may_have_been_accepted_is_neither_taken_back_nor_given_another_text(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = five_in_doubt(owner)

    in_doubt = [each.id for each in messages_of(mailing_id) if messages.get(owner, each.id).is_in_doubt]
    for message_id in in_doubt:
        with pytest.raises(Conflict, match="message_may_be_sent"):
            single_messages.change_text(owner, message_id, "Other words")
        with pytest.raises(Conflict, match="message_may_be_sent"):
            single_messages.cancel(owner, message_id)
    for message in messages_of(mailing_id):
        if message.id not in in_doubt:
            single_messages.cancel(owner, message.id)

    assert ledger(mailing_id) == {Status.QUEUED: 5, Status.CANCELLED: 3}


def test_what_is_tried_again_and_accepted_is_sent(app_context: Flask) -> None:
    owner = make_actor()
    mailing_id = five_in_doubt(owner)
    another_try_is_due(mailing_id)

    settle(arm(mailing_id, policy=RETRY), policy=RETRY)

    assert ledger(mailing_id) == {Status.SENT: 8}


def test_what_waits_in_doubt_counts_against_the_frequency_cap_and_not_against_itself(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    cap(1)
    mailing_id, other = fan_out_all(owner), fan_out_all(owner)
    settle(arm(mailing_id, 1), TIMEOUT, policy=RETRY)
    settle(arm(mailing_id, 1), BUSY, policy=RETRY)

    others = arm(other)
    another_try_is_due(mailing_id)
    again = arm(mailing_id)

    assert (len(others), len(again)) == (2, 1)
    assert ledger(other) == {Status.SKIPPED: 1, Status.SENDING: 2}
    assert ledger(mailing_id) == {Status.SENDING: 1, Status.SKIPPED: 2}


def test_who_is_erased_with_a_message_in_doubt_waits_until_somebody_has_decided(
    any_context: Flask, tmp_path: Path
) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    add_clients(boss, 1)
    mailing_id = fan_out_all(boss)
    settle(arm(mailing_id), TIMEOUT, policy=RETRY)
    phone = messages_of(mailing_id)[0].phone

    with pytest.raises(Conflict, match="erasing_message_unknown"):
        erasing.erase(boss, phone, tmp_path)
    refused = ledger(mailing_id)
    unknown_outcomes.decide(boss, mailing_id, Decision.ACCEPT)

    assert refused == {Status.UNKNOWN: 1}
    assert erasing.erase(boss, phone, tmp_path).messages == 1
    assert ledger(mailing_id) == {Status.SENT: 1}


def test_the_call_that_left_it_unknown_is_shown_and_not_the_refused_one_after_it(app_context: Flask) -> None:
    owner = make_actor()
    mailing_id = five_in_doubt(owner)

    failed(owner, mailing_id)

    items = unknown_lists.page(owner).items
    assert {(each.reason, each.last.reason) for each in items if each.last} == {
        ("timeout", "timeout"),
        ("worker_lost", "worker_lost"),
    }
