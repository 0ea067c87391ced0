"""Does the overview draw the last days, for eye and ear, and does it stay as one has chosen to see it?"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Role
from tests.factories import make_user, sign_in
from tests.support.engine import ScriptedGateway, accepted, add_clients, answer, deliver, fan_out_all
from tests.support.served import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def page(app: Flask, browser: Browser) -> Iterator[Page]:
    """The overview of somebody whose mailing has just ended: three of its five messages were accepted."""
    with app.app_context():
        user = make_user(Role.OPERATOR, name="Anna", theme="light")
        add_clients(user.actor, 5)
        fan_out_all(user.actor)
        deliver(ScriptedGateway(_answers))
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, user)
    app.config["WTF_CSRF_ENABLED"] = True
    with opened(app, browser, client, reduced_motion="reduce", viewport={"width": 1280, "height": 900}) as page:
        yield page


def _answers(call: Call) -> Answer:
    """By the number's end of the operator code, of which each of the five clients has another."""
    if call.phone[3] in "012":
        return accepted(call)
    return answer(call, Verdict.REFUSED, "http_400", http_status=400)


def test_the_last_days_are_drawn_and_told_in_numbers(page: Page) -> None:
    numbers = page.get_by_text("As a table")

    numbers.click()

    expect(page.locator("#days-table thead th")).to_have_text(["Day", "Sent", "Not sent: gateway error"])
    expect(page.locator("#days-table tbody tr")).to_have_count(1)
    expect(page.locator("#days-table tbody td")).to_have_text(["3", "2"])
    expect(page.locator("#days-legend li:visible")).to_have_text(["Sent", "Not sent: gateway error"])
    assert _is_drawn(page)


def _is_drawn(page: Page) -> bool:
    """Some point of the canvas has a colour."""
    return bool(
        page.evaluate(
            """() => {
                const canvas = document.getElementById("days-chart");
                const points = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                return points.some(Boolean);
            }"""
        )
    )


def test_theme_and_language_are_remembered(page: Page) -> None:
    page.locator(".user-button").click()
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="Dark").click()
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("heading", name="Обзор")).to_be_visible()

    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator(".user-button").click()
    page.get_by_role("button", name="Выйти").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
