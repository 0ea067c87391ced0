"""Can an administrator set the limits of the installation in the browser, and is told what is wrong?"""

import re
from decimal import Decimal

import pytest
from flask import Flask

from dashboard.domain import limits
from dashboard.domain.limits import Limits
from dashboard.models import RateUnit, Role
from tests.factories import SignedIn

NOTHING = dict.fromkeys(("rate_limit", "approval_above", "frequency_cap", "frequency_days", "price_per_part"), "")
FILLED = {
    "rate_limit": "1 000",
    "rate_unit": "parts",
    "approval_above": "0",
    "frequency_cap": "3",
    "frequency_days": "7",
    "price_per_part": "3,4599",
    "currency": "KZT",
}


def current(app: Flask) -> Limits:
    with app.app_context():
        return limits.current()


def input_of(page: str, name: str) -> str:
    found = re.search(rf'<(?:input|select)[^>]* name="{name}"[^>]*>', page)
    assert found
    return found[0]


def test_nothing_is_limited_before_somebody_says_so(app: Flask, signed_in: SignedIn) -> None:
    page = signed_in(Role.ADMINISTRATOR).get("/limits").text

    assert current(app) == Limits()
    assert {name: re.search(r'value="([^"]*)"', input_of(page, name))[1] for name in NOTHING} == NOTHING  # type: ignore[index]


def test_limits_are_saved_as_people_write_them_and_shown_again(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(Role.ADMINISTRATOR, language="ru")

    answer = client.post("/limits", data=FILLED)
    page = client.get("/limits").text

    assert (answer.status_code, answer.location) == (303, "/limits")
    assert current(app) == Limits(1_000, RateUnit.PARTS, 0, 3, 7, Decimal("3.4599"), "KZT")
    assert 'value="3,4599"' in input_of(page, "price_per_part")
    assert re.search(r'<option value="parts" selected>', page)
    assert re.search(r'<option selected value="KZT">', page)
    assert 'class="note note-success"' in page


def test_an_empty_field_takes_a_limit_back(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(Role.ADMINISTRATOR)
    client.post("/limits", data=FILLED)

    client.post("/limits", data={**NOTHING, "rate_unit": "messages", "currency": "RUB"})

    assert current(app) == Limits()


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("rate_limit", "many", "This is no whole number"),
        ("rate_limit", "0", "Give a whole number from 1 to 100,000"),
        ("approval_above", "-1", "This is no whole number"),
        ("frequency_days", "", "Give both the number of messages and the number of days"),
        ("price_per_part", "three", "Write the amount in digits"),
        ("price_per_part", "1.23456", "at most four digits after the point"),
        ("currency", "XXX", "There is no such currency"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_changed(
    app: Flask, signed_in: SignedIn, name: str, typed: str, words: str
) -> None:
    answer = signed_in(Role.ADMINISTRATOR, language="en").post("/limits", data={**FILLED, name: typed})

    beside = re.search(rf'<div id="{name}-errors">.*?</div></div>', answer.text, re.DOTALL)
    assert answer.status_code == 422
    assert beside is not None
    assert words in beside[0]
    assert 'aria-invalid="true"' in input_of(answer.text, name)
    if name != "currency":
        assert f'value="{typed}"' in input_of(answer.text, name)
    assert current(app) == Limits()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_others_neither_see_nor_change_them(app: Flask, signed_in: SignedIn, role: Role) -> None:
    client = signed_in(role)

    answers = [client.get("/limits").status_code, client.post("/limits", data=FILLED).status_code]

    assert answers == [403, 403]
    assert 'href="/limits"' not in client.get("/").text
    assert current(app) == Limits()


def test_administrators_find_them_in_the_menu(signed_in: SignedIn) -> None:
    assert 'href="/limits"' in signed_in(Role.ADMINISTRATOR).get("/").text
