"""Do old messages go, and nothing of what they count to?"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import (
    audit_pages,
    books,
    brakes,
    folding,
    limits,
    live,
    mailings,
    message_lists,
    resending,
    single_messages,
    tallies,
)
from dashboard.domain.audit_pages import Wanted
from dashboard.domain.errors import Conflict, Invalid
from dashboard.domain.limits import Limits
from dashboard.domain.pages import NEWEST
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Attempt, AuditLine, Mailing, Message, Role, State
from tests.factories import make_actor
from tests.factories_clients import make_client
from tests.support.engine import (
    ScriptedGateway,
    accepted,
    add_clients,
    answer,
    count_messages,
    deliver,
    fan_out_all,
    make_draft,
    set_mailing,
    state_of,
)

DAYS = 30


def one_refused(call: Call) -> Answer:
    if call.phone.endswith("0"):
        return answer(call, Verdict.REFUSED, "http_400", http_status=400, excerpt="{}")
    return accepted(call)


def one_unknown(call: Call) -> Answer:
    return answer(call, Verdict.UNCERTAIN, "timeout") if call.phone.endswith("0") else accepted(call)


def an_old_one(owner: Actor, script: object = one_refused, days: int = DAYS + 1) -> int:
    """A mailing to 25 clients that ended so long ago."""
    if not db.session.scalar(select(func.count()).where(Mailing.owner_id == owner.id)):
        add_clients(owner, 25, zones=("Europe/Moscow", "Asia/Omsk"))
    mailing_id = fan_out_all(owner)
    deliver(ScriptedGateway(script))  # type: ignore[arg-type]
    assert state_of(mailing_id) is State.FINISHED
    set_mailing(mailing_id, finished_at=clock.now() - timedelta(days=days))
    return mailing_id


def test_the_messages_of_an_old_mailing_go_and_its_numbers_stay(any_context: Flask) -> None:
    owner = make_actor(Role.ADMINISTRATOR)
    old, new = an_old_one(owner), an_old_one(owner, days=DAYS - 1)
    before = books.of(old, clock.now() - timedelta(days=1))
    client_id = make_client(owner, "79991234567")

    assert folding.run(DAYS, 0)

    picture = live.picture(owner, old)
    assert (count_messages(old), count_messages(new)) == (0, 25)
    assert db.session.scalar(select(func.count()).where(Attempt.mailing_id == old)) == 0
    assert books.of(old, clock.now() - timedelta(days=1)) == before
    assert tallies.check(old) == []
    assert picture.total == 25
    assert picture.mailing.folded_at is not None
    assert picture.resendable == 0
    page = message_lists.page(owner, old)
    assert (page.items, page.folded_at is not None) == ([], True)
    for verb in (
        lambda: message_lists.every(owner, old, message_lists.Sought()),
        lambda: single_messages.create(owner, old, client_id),
        lambda: resending.resend(owner, old, ends_at=clock.now() + timedelta(days=1)),
    ):
        with pytest.raises(Conflict, match="messages_not_kept"):
            verb()
    with pytest.raises(Invalid):
        mailings.create(owner, make_draft(excluded_mailing_id=old))
    lines = audit_pages.page(owner, Wanted(verb="mailing.fold"), NEWEST).items
    assert [(line.object_id, line.actor_id, line.after) for line in lines] == [(old, None, {"count": 25})]
    assert folding.run(DAYS, 0)
    assert len(audit_pages.page(owner, Wanted(verb="mailing.fold"), NEWEST).items) == 1


def test_what_is_unknown_or_still_needed_is_kept(app_context: Flask) -> None:
    owner = make_actor(Role.ADMINISTRATOR)
    unknown, capped, left_out = an_old_one(owner, one_unknown), an_old_one(owner, days=80), an_old_one(owner)
    tomorrow = clock.now() + timedelta(days=1)
    ahead = {"starts_at": tomorrow, "ends_at": tomorrow + timedelta(hours=1)}
    draft = mailings.create(owner, make_draft(excluded_mailing_id=left_out, **ahead))
    launched = mailings.create(owner, make_draft(excluded_mailing_id=left_out, **ahead))
    mailings.schedule(owner, launched)
    limits.change(owner, Limits(frequency_cap=5, frequency_days=90))

    assert folding.run(DAYS, 0)
    assert [count_messages(each) for each in (unknown, capped, left_out)] == [25, 25, 25]
    limits.change(owner, Limits())
    assert folding.run(DAYS, 0)
    assert [count_messages(each) for each in (unknown, capped, left_out)] == [25, 0, 25]
    mailings.cancel(owner, launched)
    assert folding.run(DAYS, 0)

    assert [count_messages(each) for each in (unknown, capped, left_out)] == [25, 0, 0]
    with pytest.raises(Invalid):
        mailings.schedule(owner, draft)


def test_a_run_that_is_stopped_is_gone_on_with_and_nothing_happens_by_default(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor(Role.ADMINISTRATOR)
    mailing_id = an_old_one(owner)
    monkeypatch.setattr(folding, "AT_ONCE", 10)

    assert folding.run(0, 0)
    assert count_messages(mailing_id) == 25
    assert not folding.run(DAYS, 0, is_stopping=lambda: True)
    assert count_messages(mailing_id) == 15
    assert folding.run(DAYS, 0)

    assert count_messages(mailing_id) == 0


def test_two_workers_at_once_do_no_harm(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "AT_ONCE", 3)
    with any_app.app_context():
        owner = make_actor(Role.ADMINISTRATOR)
        ids = [an_old_one(owner) for _ in range(2)]

    def work(_number: int) -> bool:
        with any_app.app_context():
            try:
                return folding.run(DAYS, 0)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [True, True]

    with any_app.app_context():
        assert [count_messages(each) for each in ids] == [0, 0]
        assert len(audit_pages.page(owner, Wanted(verb="mailing.fold"), NEWEST).items) == 2
        assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_old_lines_of_the_audit_log_go_where_that_is_wished(any_context: Flask) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    brakes.stop_everything(boss)
    brakes.go_on(boss)
    with transaction() as session:
        line = dataclasses.asdict(audit_pages.page(boss, Wanted(), NEWEST).items[0])
        old = line | {"id": None, "at": clock.now() - timedelta(days=DAYS + 1), "verb": "service.old"}
        session.add(AuditLine(**old))

    assert folding.run(0, DAYS)

    verbs = [line.verb for line in audit_pages.page(boss, Wanted(), NEWEST).items]
    assert verbs == ["service.drop_old_lines", "service.go_on", "service.stop_everything"]
