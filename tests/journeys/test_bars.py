"""Does an open page come to know of the global stop without being loaded again, and without a second poll?"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from dashboard.domain import brakes, live
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.engine import add_clients, fan_out_all
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# As htmx does it by its timer: nobody has pressed anything.
TIMER = """() => {
    const poll = document.getElementById("bars-poll");
    return htmx.ajax("GET", poll.getAttribute("hx-get"), {source: poll});
}"""
STOPPED = "#bar-halted"


@pytest.fixture
def anna(app: Flask) -> User:
    with app.app_context():
        return make_user(Role.ADMINISTRATOR)


@pytest.fixture
def page(app: Flask, browser: Browser, anna: User) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    with served(app) as address:
        page = context.new_page()
        page.goto(f"{address}/sign-in?next=/clients")
        page.locator("[name=login]").fill(anna.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
        yield page
        context.close()


def test_where_nothing_else_asks_the_bars_ask_themselves(app: Flask, page: Page, anna: User) -> None:
    with app.app_context():
        brakes.stop_everything(anna.actor)

    page.evaluate(TIMER)

    expect(page.locator(STOPPED)).to_contain_text(f"{anna.name} stopped everything")
    expect(page.get_by_role("button", name="Stop everything")).to_have_count(0)
    with app.app_context():
        brakes.go_on(anna.actor)
    page.evaluate(TIMER)
    expect(page.locator(STOPPED)).to_have_count(0)
    expect(page.get_by_role("button", name="Stop everything")).to_be_visible()


def test_where_the_page_asks_anyhow_the_bars_rest_and_know_all_the_same(
    app: Flask, page: Page, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.3)
    with app.app_context():
        add_clients(anna.actor, 3)
        mailing_id = fan_out_all(anna.actor)
    page.goto(page.url.replace("/clients", f"/mailings/{mailing_id}"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/brakes/bars" in request.url else None)

    page.evaluate(TIMER)
    page.wait_for_timeout(700)
    rested = list(asked)
    with app.app_context():
        brakes.stop_everything(anna.actor)

    expect(page.locator(STOPPED)).to_be_visible(timeout=5_000)
    assert rested == []
    assert len(asked) == 1


def test_the_question_is_asked_of_the_keyboard_too_and_going_back_stops_nothing(
    app: Flask, page: Page, anna: User
) -> None:
    page.get_by_role("button", name="Stop everything").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_contain_text("No mailing is running now")
    page.keyboard.press("Escape")

    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop everything")).to_be_focused()
    with app.app_context():
        assert brakes.standing().stopped_at is None
