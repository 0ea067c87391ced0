"""Two at once: is the outcome one of the two orders, and is nobody forgotten?"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from dashboard.database import db
from dashboard.domain import (
    brakes,
    fan_out,
    limits,
    mailings,
    resending,
    single_messages,
    starting,
    sweep,
    unknown_outcomes,
)
from dashboard.domain.errors import Conflict, DomainError
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Mailing, Role, State, Status
from tests.factories import make_actor
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
    ledger,
    messages_of,
    saying,
    schedule,
    settle,
    state_of,
)

REFUSED = saying(Verdict.REFUSED, "http_400")


def at_once(app: Flask, *works: Callable[[], object]) -> list[object]:
    """What each gives, or the domain's refusal."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        with app.app_context():
            start.wait()
            try:
                return work()
            except DomainError as refusal:
                return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_a_resend_that_meets_the_sweep_is_not_finished_away(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep looks while the failed of a running mailing are on their way back to the queue."""
    has_moved = threading.Event()
    let_wait = resending._let_wait

    def slowly(*args: object) -> None:
        let_wait(*args)  # type: ignore[arg-type]
        has_moved.set()
        threading.Event().wait(0.3)

    monkeypatch.setattr(resending, "_let_wait", slowly)
    with any_app.app_context():
        owner = make_actor()
        add_clients(owner, 2)
        mailing_id = fan_out_all(owner)
        settle(arm(mailing_id), REFUSED)

    def look() -> object:
        has_moved.wait(5)
        return sweep.finish()

    at_once(any_app, lambda: resending.resend(owner, mailing_id), look)

    with any_app.app_context():
        assert ledger(mailing_id) == {Status.QUEUED: 2}
        assert state_of(mailing_id) is State.RUNNING


def test_two_who_resend_at_once_resend_each_message_once(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        add_clients(owner, 30)
        mailing_id = schedule(owner)
        deliver(ScriptedGateway(REFUSED))

    def press() -> int:
        return resending.resend(owner, mailing_id)

    counts = at_once(any_app, press, press)

    with any_app.app_context():
        assert sorted(counts) == [0, 30]  # type: ignore[type-var]
        assert ledger(mailing_id) == {Status.QUEUED: 30}


@pytest.mark.parametrize("waits_in_its_place", [True, False])
def test_a_message_is_taken_back_or_armed_and_never_both(any_app: Flask, waits_in_its_place: bool) -> None:
    for _ in range(5):
        with any_app.app_context():
            owner = make_actor()
            add_clients(owner, 4)
            mailing_id = fan_out_all(owner)
            if not waits_in_its_place:
                settle(arm(mailing_id), saying(Verdict.NOT_ACCEPTED, "http_429"))
                another_try_is_due(mailing_id)
            chosen = messages_of(mailing_id)[1].id

        armed, refusal = at_once(
            any_app,
            lambda mailing_id=mailing_id: [each.id for each in arm(mailing_id)],
            lambda owner=owner, chosen=chosen: single_messages.cancel(owner, chosen),
        )

        with any_app.app_context():
            assert isinstance(armed, list)
            assert (chosen in armed) is isinstance(refusal, Conflict)
            assert len(armed) + (refusal is None) == 4
            assert sum(ledger(mailing_id).values()) == 4


def test_two_who_send_one_message_more_to_one_client_send_one(any_app: Flask) -> None:
    with any_app.app_context():
        owner = make_actor()
        (mine,) = add_clients(owner, 1, tag="other")
        mailing_id = fan_out_all(owner)

    def press() -> int:
        return single_messages.create(owner, mailing_id, mine)

    outcomes = at_once(any_app, press, press)

    with any_app.app_context():
        assert sorted(isinstance(each, Conflict) for each in outcomes) == [False, True]
        assert ledger(mailing_id) == {Status.QUEUED: 1}


def test_a_single_message_that_meets_the_fan_out_is_entered_once(any_app: Flask) -> None:
    for number in range(4):
        with any_app.app_context():
            owner = make_actor()
            ids = add_clients(owner, 40, zones=("Asia/Omsk", "Europe/Moscow"))
            mailing_id = schedule(owner)
            starting.start_due()

        def all_ranges() -> None:
            while fan_out.one_range():
                pass

        at_once(
            any_app,
            all_ranges,
            lambda owner=owner, mailing_id=mailing_id, one=ids[number]: single_messages.create(
                owner, mailing_id, one
            ),
        )

        with any_app.app_context():
            assert ledger(mailing_id) == {Status.QUEUED: 40}
            assert len({each.client_id for each in messages_of(mailing_id)}) == 40


def moody(call: Call) -> Answer:
    """Each try of a message may end in another way."""
    mood = random.random()
    if mood < 0.4:
        return accepted(call)
    if mood < 0.6:
        return answer(call, Verdict.REFUSED, "http_400")
    if mood < 0.8:
        return answer(call, Verdict.UNCERTAIN, "timeout")
    return answer(call, Verdict.NOT_ACCEPTED, "http_429", retry_after=0.0)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_presses_in_any_order_leave_a_legal_state_and_true_books(any_context: Flask, seed: int) -> None:
    random.seed(seed)
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 30)
    extra = add_clients(owner, 30, tag="other", first=30)
    mailing_id = fan_out_all(owner, canary_size=5, budget_parts=20)
    total = 30
    presses: list[Callable[[], object]] = [
        lambda: brakes.stop_everything(owner),
        lambda: brakes.go_on(administrator),
        lambda: mailings.pause(owner, mailing_id),
        lambda: mailings.resume(owner, mailing_id),
        lambda: limits.raise_budget(owner, mailing_id, random.randint(20, 60)),
        lambda: resending.resend(owner, mailing_id),
        lambda: unknown_outcomes.decide(owner, mailing_id, random.choice(list(Decision))),
        lambda: single_messages.cancel(owner, random.choice(messages_of(mailing_id)).id),
        lambda: single_messages.change_text(owner, random.choice(messages_of(mailing_id)).id, "Other"),
        lambda: single_messages.create(owner, mailing_id, extra.pop()),
        lambda: settle(arm(mailing_id, 4, OTHER), moody, OTHER, RETRY),
        lambda: another_try_is_due(mailing_id),
        lambda: sweep.finish(),
    ]

    for _ in range(120):
        try:
            random.choice(presses)()
        except DomainError:
            continue
        total = max(total, len(messages_of(mailing_id)))
        mailing = db.session.get_one(Mailing, mailing_id)
        assert (mailing.pause_reason is not None) is (mailing.state is State.PAUSED)
        assert (mailing.finished_at is not None) is (mailing.state is State.FINISHED)
        waiting = {Status.QUEUED, Status.SENDING} & ledger(mailing_id).keys()
        assert not (waiting and mailing.state is State.FINISHED)

    assert sum(ledger(mailing_id).values()) == total == len(messages_of(mailing_id))
