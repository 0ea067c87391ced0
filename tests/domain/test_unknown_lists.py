"""Is every unknown outcome found, once, in order, with why it is unknown, and nobody else's?"""

import pytest
from flask import Flask

from dashboard.database import db
from dashboard.domain import unknown_counts, unknown_lists, unknown_outcomes
from dashboard.domain.errors import NotFound
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_lists import Position, UnknownFilter, UnknownPage
from dashboard.domain.unknown_outcomes import Decision
from dashboard.gateway import Verdict
from dashboard.models import Role
from tests.factories import make_actor
from tests.support.engine import ScriptedGateway, add_clients, arm, deliver, fan_out_all, saying, schedule, settle

TIMEOUT = saying(Verdict.UNCERTAIN, "timeout")
ERROR = saying(Verdict.UNCERTAIN, "http_500", http_status=500, excerpt="<h1>sorry</h1>")


def left_unknown(owner: Actor, script: object = TIMEOUT, **changes: object) -> int:
    """Of the clients the owner has; the calls end like this."""
    mailing_id = schedule(owner, **changes)
    deliver(ScriptedGateway(script))  # type: ignore[arg-type]
    return mailing_id


def places(page: UnknownPage) -> list[tuple[int, str]]:
    return [(row.mailing_id, row.phone) for row in page.items]


def walked(owner: Actor, wanted: UnknownFilter, limit: int) -> list[tuple[int, str]]:
    """All pages forward; on the way each page is found again by going back from its follower."""
    page = unknown_lists.page(owner, wanted, limit=limit)
    found = places(page)
    while page.next_after:
        follower = unknown_lists.page(owner, wanted, after=page.next_after, limit=limit)
        back = unknown_lists.page(owner, wanted, before=follower.previous_before, limit=limit)
        assert places(back) == places(page)
        page = follower
        found += places(page)
    return found


@pytest.mark.parametrize("limit", [1, 3, 4, 50])
def test_pages_go_through_all_mailings_and_back(any_context: Flask, limit: int) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    ids = [left_unknown(owner) for _mailing in range(3)]

    found = walked(owner, UnknownFilter(), limit)

    phones = sorted({phone for _mailing, phone in found})
    assert len(phones) == 4
    assert found == [(mailing_id, phone) for mailing_id in reversed(ids) for phone in phones]


def test_their_number_is_that_of_the_mailings_one_may_see_and_falls_as_they_are_decided(
    any_context: Flask,
) -> None:
    owner, stranger = make_actor(), make_actor()
    add_clients(owner, 2)
    add_clients(stranger, 1)
    first = left_unknown(owner)
    left_unknown(owner)
    left_unknown(stranger)
    everybody = unknown_counts.total(make_actor(Role.ADMINISTRATOR))
    before = unknown_counts.total(owner)

    unknown_outcomes.decide(owner, first, Decision.ACCEPT)

    assert (everybody, before) == (5, 4)
    assert (unknown_counts.total(owner), unknown_counts.total(stranger)) == (2, 1)
    assert [each.count() for each in unknown_lists.where(owner)] == [2]


def test_they_are_counted_by_an_index_that_holds_only_them(any_context: Flask) -> None:
    counted = unknown_counts.by_mailing().element.compile(db.engine, compile_kwargs={"render_postcompile": True})
    is_sqlite = db.engine.dialect.name == "sqlite"

    with db.engine.connect() as connection:
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # an empty table would be read as a whole
        plan = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN' if is_sqlite else ''} {counted}").all()

    assert "ix_tallies_unknown" in str(plan)


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_behind(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 4)
    mailing_id = left_unknown(owner)

    whole = unknown_lists.page(owner, limit=4)
    rest = unknown_lists.page(owner, after=Position(mailing_id, whole.items[-1].phone), limit=4)

    assert (whole.total, whole.previous_before, whole.next_after) == (4, None, None)
    assert (rest.items, rest.previous_before, rest.next_after) == ([], None, None)


def test_it_is_narrowed_by_mailing_and_reason(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    first, second = left_unknown(owner), left_unknown(owner, ERROR)
    mixed = fan_out_all(owner)
    for script, count in ((TIMEOUT, 1), (ERROR, 2)):
        settle(arm(mixed, count), script)

    by_mailing = unknown_lists.page(owner, UnknownFilter(first))
    by_reason = unknown_lists.page(owner, UnknownFilter(None, "http_500"))
    by_both = unknown_lists.page(owner, UnknownFilter(mixed, "timeout"))
    nothing = unknown_lists.page(owner, UnknownFilter(first, "http_500"))

    assert (by_mailing.total, {row.mailing_id for row in by_mailing.items}) == (3, {first})
    assert [row.mailing_id for row in by_reason.items] == [mixed] * 2 + [second] * 3
    assert (by_both.total, len(by_both.items)) == (1, 1)
    assert (nothing.total, nothing.items) == (0, [])
    assert [(each.id, each.reasons) for each in nothing.mailings] == [
        (mixed, {"http_500": 2, "timeout": 1}),
        (second, {"http_500": 3}),
        (first, {"timeout": 3}),
    ]


def test_each_tells_what_the_gateway_answered_last(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 1)
    mailing_id = left_unknown(owner)
    unknown_outcomes.decide(owner, mailing_id, Decision.RESEND)
    deliver(ScriptedGateway(ERROR))

    (row,) = unknown_lists.page(owner).items

    assert row.reason == "http_500"
    assert row.last is not None
    assert (row.last.http_status, row.last.excerpt) == (500, "<h1>sorry</h1>")


def test_what_was_decided_is_listed_no_more(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)
    mailing_id = left_unknown(owner)
    before = unknown_lists.page(owner).total

    unknown_outcomes.decide(owner, mailing_id, Decision.ACCEPT)

    after = unknown_lists.page(owner)
    assert (before, after.total, after.items, after.mailings) == (2, 0, [], [])


def test_others_are_not_shown_and_those_who_see_all_see_all(any_context: Flask) -> None:
    owner, other = make_actor(), make_actor()
    for actor in (owner, other):
        add_clients(actor, 2)
    foreign = left_unknown(other)

    assert unknown_lists.page(owner).total == 0
    assert unknown_lists.page(make_actor(Role.VIEWER)).total == 2
    with pytest.raises(NotFound):
        unknown_lists.page(owner, UnknownFilter(foreign))
