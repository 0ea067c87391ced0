"""Who may change how fast, how often and how dearly is sent, and does it hold at once?"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from dashboard.database import db
from dashboard.domain import limits, mailing_drafts, mailings
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.limits import Limits
from dashboard.models import Allowance, Mailing, PauseReason, RateUnit, Role, State, Status
from tests.factories import make_actor
from tests.support.engine import (
    ScriptedGateway,
    add_clients,
    arm,
    deliver,
    fan_out_all,
    ledger,
    make_draft,
    schedule,
    set_mailing,
    settle,
)

ALL = Limits(50, RateUnit.PARTS, 1_000, 3, 7, Decimal("3.4599"), "KZT")


def problems(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refused.value.problems]


def parts_left(mailing_id: int) -> int | None:
    db.session.rollback()
    allowance = db.session.get(Allowance, mailing_id)
    return allowance and allowance.parts_left


def mailing_of(mailing_id: int) -> Mailing:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id)


def test_an_administrator_sets_the_limits_of_the_installation_and_takes_them_back(any_context: Flask) -> None:
    administrator = make_actor(Role.ADMINISTRATOR)

    limits.change(administrator, ALL)
    db.session.rollback()
    changed = limits.current()
    limits.change(administrator, Limits())
    db.session.rollback()

    assert changed == ALL
    assert limits.current() == Limits()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_nobody_else_changes_them(app_context: Flask, role: Role) -> None:
    with pytest.raises(Forbidden):
        limits.change(make_actor(role), ALL)

    assert limits.current() == Limits()


@pytest.mark.parametrize(
    "wrong, found",
    [
        ({"rate_limit": 0}, [("rate_limit", "limit_out_of_range")]),
        ({"rate_limit": 100_001}, [("rate_limit", "limit_out_of_range")]),
        ({"approval_above": -1}, [("approval_above", "limit_out_of_range")]),
        ({"frequency_cap": None}, [("frequency_cap", "frequency_half")]),
        ({"frequency_days": None}, [("frequency_days", "frequency_half")]),
        (
            {"frequency_cap": 0, "frequency_days": 400},
            [("frequency_cap", "limit_out_of_range"), ("frequency_days", "limit_out_of_range")],
        ),
        ({"price_per_part": Decimal(0)}, [("price_per_part", "price_invalid")]),
        ({"price_per_part": Decimal("1000.0001")}, [("price_per_part", "price_invalid")]),
        ({"price_per_part": Decimal("0.00015")}, [("price_per_part", "price_invalid")]),
        ({"price_per_part": Decimal("NaN")}, [("price_per_part", "price_invalid")]),
        ({"currency": "rub"}, [("currency", "currency_unknown")]),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    app_context: Flask, wrong: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as refused:
        limits.change(make_actor(Role.ADMINISTRATOR), replace(ALL, **wrong))

    assert problems(refused) == found
    assert limits.current() == Limits()


@pytest.mark.parametrize("field", ["rate_limit", "canary_size", "budget_parts"])
@pytest.mark.parametrize("value", [-1, 0, 2_000_000_000])
def test_a_draft_with_a_limit_that_makes_no_sense_is_refused(field: str, value: int) -> None:
    with pytest.raises(Invalid) as refused:
        mailing_drafts.checked(make_draft(**{field: value}))

    assert problems(refused) == [(field, "limit_out_of_range")]


def test_a_drafts_limits_are_kept(any_context: Flask) -> None:
    owner = make_actor()

    mailing_id = mailings.create(
        owner, make_draft(rate_limit=5, rate_unit=RateUnit.PARTS, canary_size=10, budget_parts=99)
    )

    found = mailing_of(mailing_id)
    assert (found.rate_limit, found.rate_unit) == (5, RateUnit.PARTS)
    assert (found.canary_size, found.budget_parts) == (10, 99)


def test_a_rate_may_be_changed_while_it_runs_and_holds_at_the_next_arming(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner)
    unlimited = arm(mailing_id, 2)

    limits.change_rate(owner, mailing_id, 5, RateUnit.MESSAGES)
    limited = arm(mailing_id, 10)

    assert len(unlimited) == 2
    # Moments are given away 0.8 s ahead: 0, 0.2, 0.4, 0.6 and 0.8 s.
    assert len(limited) == 5


def test_a_rate_that_is_set_while_it_runs_keeps_the_canary(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner, canary_size=3)
    settle(arm(mailing_id, 2))

    limits.change_rate(owner, mailing_id, 1_000, RateUnit.MESSAGES)
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 3, Status.QUEUED: 17}


@pytest.mark.parametrize("state", [State.DRAFT, State.FINISHED, State.CANCELLED])
def test_limits_of_what_is_a_draft_or_over_are_not_changed(app_context: Flask, state: State) -> None:
    owner = make_actor()
    mailing_id = mailings.create(owner, make_draft(budget_parts=5))
    set_mailing(mailing_id, state=state)

    with pytest.raises(Conflict, match="cannot_change_limits"):
        limits.change_rate(owner, mailing_id, 5, RateUnit.MESSAGES)
    with pytest.raises(Conflict, match="cannot_change_limits"):
        limits.raise_budget(owner, mailing_id, 10)


def test_others_mailings_and_odd_rates_are_refused(app_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)

    with pytest.raises(NotFound):
        limits.change_rate(make_actor(), mailing_id, 5, RateUnit.MESSAGES)
    with pytest.raises(Forbidden):
        limits.change_rate(make_actor(Role.VIEWER), mailing_id, 5, RateUnit.MESSAGES)
    with pytest.raises(Invalid):
        limits.change_rate(owner, mailing_id, 0, RateUnit.MESSAGES)

    assert mailing_of(mailing_id).rate_limit is None


def test_a_raised_budget_is_the_whole_so_that_pressing_twice_is_no_harm(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, budget_parts=5)
    deliver(ScriptedGateway())

    limits.raise_budget(owner, mailing_id, 8)
    limits.raise_budget(owner, mailing_id, 8)

    assert mailing_of(mailing_id).budget_parts == 8
    assert mailing_of(mailing_id).pause_reason is PauseReason.OPERATOR
    assert parts_left(mailing_id) == 3


def test_a_budget_that_is_raised_before_the_first_arming_counts_once(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = fan_out_all(owner, budget_parts=5)

    limits.raise_budget(owner, mailing_id, 8)
    deliver(ScriptedGateway())

    assert ledger(mailing_id) == {Status.SENT: 8, Status.QUEUED: 12}
    assert parts_left(mailing_id) == 0


@pytest.mark.parametrize("parts", [4, 5])
def test_a_budget_that_is_used_up_must_become_greater(any_context: Flask, parts: int) -> None:
    owner = make_actor()
    add_clients(owner, 20)
    mailing_id = schedule(owner, budget_parts=5)
    deliver(ScriptedGateway())

    with pytest.raises(Invalid) as refused:
        limits.raise_budget(owner, mailing_id, parts)

    assert problems(refused) == [("budget_parts", "budget_not_raised")]
    assert mailing_of(mailing_id).pause_reason is PauseReason.BUDGET


def test_a_mailing_without_a_budget_gets_none(app_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)

    with pytest.raises(Conflict, match="cannot_change_limits"):
        limits.raise_budget(owner, mailing_id, 10)
