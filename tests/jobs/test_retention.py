"""Does what is too old go by itself, by the scheduler and a real worker, and does everything else stay right?"""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard import clock
from dashboard.database import db
from dashboard.domain import books, tallies
from dashboard.jobs import queues, schedule, worker
from dashboard.models import Mailing, Message, Role
from tests.factories import make_user, sign_in
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, set_mailing


def a_round_of_the_scheduler() -> None:
    redis = queues.connection()
    clockwork = schedule.Clock(connection=redis)
    clockwork.reconcile()
    redis.zadd(schedule.Clock.scheduled_jobs_key, {"retain": 0})
    list(clockwork.enqueue_jobs())
    worker.build(queues.BACKGROUND).work(burst=True, logging_level="CRITICAL")
    db.session.rollback()


@pytest.mark.slow
def test_a_mailing_of_last_year_becomes_numbers_and_its_pages_say_so(any_app: Flask) -> None:
    any_app.config["WTF_CSRF_ENABLED"] = False
    with any_app.app_context():
        user = make_user(Role.ADMINISTRATOR)
        add_clients(user.actor, 2_500)
        mailing_id = fan_out_all(user.actor, text="Hello, you")
        deliver(ScriptedGateway())
        set_mailing(mailing_id, finished_at=clock.now() - timedelta(days=365))
        before = books.of(mailing_id)

        a_round_of_the_scheduler()
        kept_by_default = db.session.scalar(select(func.count()).select_from(Message))
        any_app.config["SETTINGS"] = replace(any_app.config["SETTINGS"], message_retention_days=90)
        a_round_of_the_scheduler()

    browser = any_app.test_client()
    sign_in(browser, user)
    pages = [browser.get(f"/mailings/{mailing_id}{path}") for path in ("", "/messages", "/messages.csv")]
    assert kept_by_default == 2_500
    with any_app.app_context():
        mailing = db.session.get_one(Mailing, mailing_id)
        assert db.session.scalar(select(func.count()).select_from(Message)) == 0
        assert None not in (mailing.folded_at, mailing.emptied_at)
        assert books.of(mailing_id) == before
        assert tallies.check(mailing_id) == []
    assert [page.status_code for page in pages] == [200, 200, 409]
    assert all("are kept no longer since" in page.text for page in pages[:2])
    assert re.search("2.500", pages[0].text)
    assert "Save as CSV" not in pages[1].text
