"""Does work go on after the deciding clock has gone back, by too little for the pulse to stop everything?

What was noted before it lies ahead now: no duty, moment or probe waits until it comes again.
"""

from datetime import timedelta

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import transaction
from dashboard.domain import breaker, sweep
from dashboard.models import Allowance, Heartbeat, Service
from tests.factories import make_actor
from tests.support.engine import HOLD, add_clients, arm, fan_out_all, set_mailing, settle

pytestmark = pytest.mark.usefixtures("any_context")
STEP = timedelta(minutes=10)


def test_the_sweep_is_due() -> None:
    with transaction() as session:
        session.get_one(Heartbeat, "sweep").at = clock.now() + STEP

    assert sweep.sweep_if_due(HOLD)
    assert not sweep.sweep_if_due(HOLD)


@pytest.mark.parametrize("rate", [1, 100, 10_000])
def test_a_rate_goes_on(any_context: Flask, rate: int) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    mailing_id = fan_out_all(owner)
    set_mailing(mailing_id, rate_limit=rate)
    settle(arm(mailing_id, 1))
    with transaction() as session:
        session.get_one(Allowance, mailing_id).next_at = clock.now() + STEP

    assert arm(mailing_id, 1)


def test_the_breaker_is_probed() -> None:
    breaker.open_("bad_token")
    with transaction() as session:
        session.get_one(Service, 1).breaker_probe_at = clock.now() + STEP

    assert breaker.take_probe(HOLD.call_deadline) is not None
    assert breaker.take_probe(HOLD.call_deadline) is None
