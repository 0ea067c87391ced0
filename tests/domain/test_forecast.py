"""Does the form foretell what the engine then does?"""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import forecast, headcount, limits, mailings, stop_list
from dashboard.domain.forecast import Forecast
from dashboard.domain.limits import Limits
from dashboard.domain.permissions import Actor
from dashboard.models import Client, RateUnit, Role, Status, TimeBasis
from dashboard.zones import zone
from tests.factories import make_actor
from tests.factories_clients import make_client
from tests.support.engine import add_clients, fan_out_all, ledger, make_draft


def of(owner: Actor, **changes: Any) -> Forecast:
    return forecast.of(make_draft(**changes), owner.id)


def codes(found: Forecast) -> set[str]:
    return {caution.code for caution in found.warnings}


def change_attributes(client_id: int, **attributes: str) -> None:
    with transaction() as session:
        session.get_one(Client, client_id).attributes = attributes


def test_who_will_be_skipped_is_foretold_as_the_fan_out_does_it(any_context: Flask) -> None:
    owner = make_actor()
    ids = add_clients(owner, 10)
    stop_list.add(owner, db.session.get_one(Client, ids[0]).phone)
    change_attributes(ids[0])
    change_attributes(ids[1], city="Omsk")
    change_attributes(ids[2], name="", city="Omsk")
    text = "Dear {{name}}"

    found = of(owner, text=text)

    messaged = ledger(fan_out_all(owner, text=text))
    assert (found.counted.total, found.counted.stop_listed, found.counted.lacking) == (10, 1, 2)
    assert messaged == {Status.QUEUED: found.counted.total_ready, Status.SKIPPED: 3}
    assert [(each.name, each.missing, each.is_unknown) for each in found.placeholders] == [("name", 3, False)]


def test_the_text_stands_there_as_the_first_who_gets_it_will_read_it(any_context: Flask) -> None:
    owner = make_actor()
    ids = add_clients(owner, 4)
    stop_list.add(owner, db.session.get_one(Client, ids[0]).phone)
    change_attributes(ids[1])

    found = of(owner, text="Dear {{name}}")

    assert found.reading is not None
    assert found.reading.phone == db.session.get_one(Client, ids[2]).phone
    assert found.reading.text == "Dear N2"


def test_a_name_that_nobody_has_is_an_error_with_the_nearest_name_that_some_have(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)

    found = of(owner, text="Dear {{nmae}}")

    (placeholder,) = found.placeholders
    assert (placeholder.is_unknown, placeholder.suggestion) == (True, "name")
    assert "nobody_ready" in codes(found)
    assert found.reading is None


def test_where_no_name_comes_near_those_that_exist_are_told(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)

    (placeholder,) = of(owner, text="Dear {{zzz}}").placeholders

    assert (placeholder.suggestion, placeholder.known) == (None, ("name",))


def test_the_sample_is_five_of_them_with_their_tags(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 8)

    found = of(owner)

    assert [(each.phone[-2:], each.tags) for each in found.sample] == [(f"0{n}", ("vip",)) for n in range(5)]


def test_parts_are_those_of_the_texts_with_their_values(any_context: Flask) -> None:
    owner = make_actor()
    ids = add_clients(owner, 3)
    change_attributes(ids[0], name="я" * 71)
    change_attributes(ids[1], name="x" * 200)

    found = of(owner, text="{{name}}")

    assert (found.bill.parts, found.bill.measured_on) == (2 + 2 + 1, None)


def test_the_parts_of_many_are_estimated_from_some_and_it_says_from_how_many(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    add_clients(owner, 30)
    monkeypatch.setattr(forecast, "MEASURED", 10)

    found = of(owner, text="{{name}}" + "x" * 160)

    assert (found.bill.parts, found.bill.measured_on) == (60, 10)
    assert of(owner, text="x" * 161).bill.measured_on is None


def test_the_cost_is_the_price_of_all_parts_or_unknown(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 3)
    unpriced = of(owner, text="x" * 161).bill
    limits.change(administrator, Limits(price_per_part=Decimal("2.5"), currency="RUB"))

    priced = of(owner, text="x" * 161).bill

    assert unpriced.cost is None
    assert (priced.parts, priced.cost, priced.currency) == (6, Decimal("15.0"), "RUB")


def test_of_very_many_a_part_is_counted_until_all_are_asked_for(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    add_clients(owner, 30)
    monkeypatch.setattr(headcount, "AT_ONCE", 10)
    monkeypatch.setattr(headcount, "_remembered", {})
    draft = make_draft(text="Hello")

    quick = forecast.of(draft, owner.id)
    whole = forecast.of(draft, owner.id, whole=True)
    add_clients(owner, 5, first=30)
    remembered = forecast.of(draft, owner.id)

    assert (quick.counted.total, quick.counted.is_whole) == (11, False)
    assert (whole.counted.total, whole.counted.is_whole) == (30, True)
    assert (remembered.counted.total, remembered.counted.is_whole) == (30, True)


def test_those_who_are_left_out_are_looked_at_too_until_all_are_asked_for(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a mailing that leaves almost everybody out would be looked through to its end at each key."""
    owner = make_actor()
    add_clients(owner, 30)
    add_clients(owner, 12, tag="tired", first=30)
    earlier = fan_out_all(owner, tags=("tired",))
    monkeypatch.setattr(headcount, "AT_ONCE", 10)
    left_out = ({"excluded_tags": ("tired",)}, {"excluded_mailing_id": earlier})

    some = [of(owner, tags=("tired",), everybody=False, **each) for each in left_out]
    whole = [
        forecast.of(make_draft(tags=("tired",), everybody=False, **each), owner.id, whole=True)
        for each in left_out
    ]
    of_all = [forecast.of(make_draft(tags=(), everybody=True, **each), owner.id, whole=True) for each in left_out]

    assert {(found.counted.total, found.counted.is_whole) for found in some} == {(0, False)}
    assert not any("audience_empty" in codes(found) for found in some)
    assert {(found.counted.total, found.counted.is_whole) for found in whole} == {(0, True)}
    assert all("audience_empty" in codes(found) for found in whole)
    assert {found.counted.total for found in of_all} == {30}


def test_the_sample_of_a_part_has_nobody_who_is_left_out(
    any_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_actor()
    tired = [make_client(owner, f"7916000000{number}", "vip", "tired") for number in range(4)]
    add_clients(owner, 8)
    monkeypatch.setattr(headcount, "AT_ONCE", 8)

    found = of(owner, tags=("vip",), excluded_tags=("tired",))

    assert not found.counted.is_whole
    assert found.counted.total >= 8 - len(tired)
    assert found.sample
    assert not [each for each in found.sample if "tired" in each.tags]


def test_a_few_are_counted_anew_each_time(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    draft = make_draft()
    forecast.of(draft, owner.id, whole=True)
    add_clients(owner, 2, first=3)

    assert forecast.of(draft, owner.id).counted.total == 5


def test_the_plan_goes_by_the_stricter_of_two_rates_and_counts_parts(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 10)
    limits.change(administrator, Limits(rate_limit=4, rate_unit=RateUnit.PARTS))

    own = of(owner, text="x" * 161, rate_limit=1)
    shared = of(owner, text="x" * 161, rate_limit=100)
    none = forecast.of(make_draft(text="x"), owner.id)

    assert (own.per_second, shared.per_second, none.per_second) == (1, 2, 4)


def test_a_form_that_is_hardly_begun_has_a_forecast(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2)

    found = of(owner, text="", tags=(), starts_at=None, ends_at=None)

    assert (found.counted.total, found.plan, found.reading, found.bill.parts) == (0, None, None, 0)
    assert codes(found) == set()


def times(**delta: float) -> dict[str, Any]:
    now = clock.now()
    return {"starts_at": now + timedelta(minutes=1), "ends_at": now + timedelta(**delta)}


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"tags": ("nobody's",)}, "audience_empty"),
        ({"everybody": True, "tags": ()}, "everybody"),
        ({"text": "{{nothing}}"}, "nobody_ready"),
        ({"budget_parts": 3}, "budget_exceeded"),
        ({**times(days=2)}, "night_hours"),
        ({**times(days=2), "window_from": time(8), "window_to": time(20)}, "night_hours"),
        ({**times(minutes=3), "rate_limit": 1, "text": "x"}, "not_all_reached"),
        ({**times(days=1), "starts_at": clock.now() - timedelta(hours=1)}, "start_in_past"),
    ],
)
def test_what_one_should_know_is_said_before_the_button(
    any_context: Flask, changes: dict[str, Any], expected: str
) -> None:
    owner = make_actor()
    add_clients(owner, 130)
    sound = {**times(days=2), "window_from": time(9), "window_to": time(21)}

    found = of(owner, **{**(sound if "starts_at" not in changes else {}), **changes})

    assert expected in codes(found)
    assert expected not in codes(of(owner, **sound))


def test_by_the_clients_clocks_a_day_has_no_night(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3, zones=("Europe/Kaliningrad", "Asia/Kamchatka"))
    tomorrow = (clock.now() + timedelta(days=2)).replace(tzinfo=None, hour=10, minute=0)
    walls = {"time_basis": TimeBasis.CLIENT, "starts_at": None, "ends_at": None, "starts_wall": tomorrow}

    by_day = of(owner, **walls, ends_wall=tomorrow + timedelta(hours=8))
    by_night = of(owner, **walls, ends_wall=tomorrow + timedelta(hours=12))

    assert "night_hours" not in codes(by_day)
    assert "night_hours" in codes(by_night)


def test_by_the_clients_clocks_a_start_passes_zone_by_zone(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 2, zones=("Europe/Kaliningrad", "Asia/Kamchatka"))
    here = clock.now().astimezone(zone("Europe/Kaliningrad")).replace(tzinfo=None)

    def said(starts: datetime) -> list[str]:
        by_client = {"time_basis": TimeBasis.CLIENT, "starts_at": None, "ends_at": None}
        found = of(owner, **by_client, starts_wall=starts, ends_wall=starts + timedelta(days=3))
        return [code for code in codes(found) if "start" in code]

    assert said(here - timedelta(hours=1)) == ["start_in_past"]
    assert said(here + timedelta(hours=5)) == ["start_passed_in_zones"]
    assert said(here + timedelta(hours=12)) == []


def test_that_a_second_person_has_to_approve_is_said(any_context: Flask) -> None:
    owner, administrator = make_actor(), make_actor(Role.ADMINISTRATOR)
    add_clients(owner, 3)
    limits.change(administrator, Limits(approval_above=2))

    found = of(owner)

    mailing_id = mailings.launch(owner, make_draft())
    assert "approval_needed" in codes(found)
    assert mailings.get(owner, mailing_id).awaits_approval


def test_who_is_left_out_is_not_in_the_forecast(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 5)
    make_client(owner, "79007654321", "vip", "tired")

    assert of(owner).counted.total == 6
    assert of(owner, excluded_tags=("tired",)).counted.total == 5
