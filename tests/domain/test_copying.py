"""Is a copy the same mailing once more, at a time that lies ahead?"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from dashboard import clock
from dashboard.domain import copying, mailings
from dashboard.domain.errors import Forbidden, NotFound
from dashboard.domain.mailing_drafts import LONGEST_TITLE
from dashboard.domain.permissions import Actor
from dashboard.models import Mailing, RateUnit, Role, State, TimeBasis
from tests.factories import make_actor
from tests.support.engine import add_clients, fan_out_all, make_draft

BERLIN = ZoneInfo("Europe/Berlin")
SAME = (
    *("text", "window_from", "window_to", "tags", "operator_codes", "everybody", "excluded_tags"),
    *("excluded_mailing_id", "time_basis", "rate_limit", "rate_unit", "canary_size", "budget_parts", "owner_id"),
)


def copy(actor: Actor, mailing_id: int) -> Mailing:
    return mailings.get(actor, copying.copy(actor, mailing_id, lambda title: f"{title} (copy)", BERLIN))


def test_words_audience_and_limits_are_the_same_and_it_is_a_draft(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    earlier = fan_out_all(owner)
    limits = {"rate_limit": 7, "rate_unit": RateUnit.PARTS, "canary_size": 5, "budget_parts": 900}
    window = {"window_from": time(9), "window_to": time(21)}
    original = fan_out_all(owner, **limits, **window, excluded_tags=("tired",), excluded_mailing_id=earlier)

    copied = copy(owner, original)

    assert (copied.state, copied.title, copied.version) == (State.DRAFT, "A mailing (copy)", 1)
    assert [getattr(copied, name) for name in SAME] == [
        getattr(mailings.get(owner, original), name) for name in SAME
    ]


def test_times_that_have_passed_move_by_whole_days_of_the_readers_calendar(any_context: Flask) -> None:
    owner = make_actor()
    begun = datetime(2020, 7, 1, 10, tzinfo=BERLIN)
    original = mailings.create(owner, make_draft(starts_at=begun, ends_at=begun + timedelta(hours=30)))

    copied = copy(owner, original)

    starts, ends = copied.starts_at.astimezone(BERLIN), copied.ends_at.astimezone(BERLIN)
    assert starts.time() == time(10)
    assert timedelta(0) < starts - clock.now() < timedelta(hours=25)
    assert (ends.date() - starts.date(), ends.time()) == (timedelta(days=1), time(16))


def test_times_that_lie_ahead_stay(any_context: Flask) -> None:
    owner = make_actor()
    soon = clock.now() + timedelta(hours=1)
    original = mailings.create(owner, make_draft(starts_at=soon, ends_at=soon + timedelta(hours=1)))

    copied = copy(owner, original)

    assert (copied.starts_at, copied.ends_at) == (soon, soon + timedelta(hours=1))


def test_the_clients_own_clock_stays_the_clients_own(any_context: Flask) -> None:
    owner = make_actor()
    walls = {
        "starts_wall": datetime.fromisoformat("2020-01-01T09:00"),
        "ends_wall": datetime.fromisoformat("2020-01-01T18:00"),
    }
    draft = make_draft(time_basis=TimeBasis.CLIENT, starts_at=None, ends_at=None, **walls)

    copied = copy(owner, mailings.create(owner, draft))

    assert copied.time_basis is TimeBasis.CLIENT
    assert copied.starts_wall is not None
    assert copied.ends_wall is not None
    assert copied.starts_wall > clock.now().astimezone(BERLIN).replace(tzinfo=None)
    assert (copied.starts_wall.time(), copied.ends_wall - copied.starts_wall) == (time(9), timedelta(hours=9))


def test_a_title_stays_within_what_a_title_may_be(any_context: Flask) -> None:
    owner = make_actor()

    copied = copy(owner, mailings.create(owner, make_draft(title="x" * LONGEST_TITLE)))

    assert len(copied.title) == LONGEST_TITLE


def test_an_administrators_copy_addresses_the_same_clients(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)

    copied = copy(administrator, mailings.create(owner, make_draft()))

    assert copied.owner_id == owner.id


def test_others_copy_nothing(any_context: Flask) -> None:
    mailing_id = mailings.create(make_actor(), make_draft())

    with pytest.raises(NotFound):
        copy(make_actor(), mailing_id)
    with pytest.raises(Forbidden):
        copy(make_actor(Role.VIEWER), mailing_id)
