"""Is the pace of a running mailing told honestly?"""

from datetime import timedelta

from flask import Flask
from sqlalchemy import insert

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import pace
from dashboard.domain.permissions import Actor
from dashboard.models import Dimension, Mailing, Tally
from tests.factories import make_actor
from tests.support.engine import add_clients, fan_out_all


def begun_ago(owner: Actor, minutes: int, sent: int, **changes: object) -> Mailing:
    """A running mailing to 100 clients that has been running for so long and sent so many in the last minute."""
    add_clients(owner, 100)
    mailing_id = fan_out_all(owner, **changes)
    now = clock.now()
    with transaction() as session:
        mailing = session.get_one(Mailing, mailing_id)
        mailing.started_at = now - timedelta(minutes=minutes)
        minute = (now - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
        tally = {"mailing_id": mailing_id, "dimension": Dimension.MINUTE, "key": minute, "status": "sent"}
        session.execute(insert(Tally).values(**tally, slot=0, change=sent))
    return mailing


def test_the_rate_is_taken_over_the_last_minutes_and_tells_the_end(any_context: Flask) -> None:
    mailing = begun_ago(make_actor(), minutes=10, sent=60)
    now = clock.now()

    rate = pace.rates([mailing], now)[mailing.id]
    end = pace.estimated_end(mailing, 100, rate, now)

    assert rate is not None
    assert 20 <= rate <= 30  # 60 in two to three minutes
    assert end is not None
    assert timedelta(minutes=3) <= end - now <= timedelta(minutes=6)
    assert end.second == 0


def test_too_early_there_is_no_rate_and_without_a_rate_no_end(any_context: Flask) -> None:
    owner = make_actor()
    mailing = begun_ago(owner, minutes=0, sent=5)

    assert pace.rates([mailing], clock.now()) == {mailing.id: None}
    assert pace.estimated_end(mailing, 100, None, clock.now()) is None
    assert pace.estimated_end(mailing, 100, 0, clock.now()) is None
