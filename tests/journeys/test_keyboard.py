"""Can lists be walked and mailings written with the keyboard alone, and do scripts get along with each other?"""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from dashboard.domain.users import User
from dashboard.gateway import Verdict
from tests.factories import PASSWORD, make_user
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, saying
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]


@pytest.fixture
def owner(app: Flask) -> User:
    """Of 60 clients, and of a mailing of which every outcome is unknown."""
    with app.app_context():
        user = make_user()
        add_clients(user.actor, 60)
        fan_out_all(user.actor, title="Silent")
        deliver(ScriptedGateway(saying(Verdict.UNCERTAIN, "timeout")))
        return user


@pytest.fixture
def page(app: Flask, browser: Browser, owner: User) -> Iterator[Page]:
    with served(app) as address:
        context = browser.new_context(locale="en-GB", base_url=address)
        page = context.new_page()
        page.goto("/sign-in")
        page.locator("[name=login]").fill(owner.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        yield page
        context.close()


def test_the_first_tab_on_a_list_with_tabs_skips_to_the_content(page: Page) -> None:
    page.goto("/mailings")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_behind_the_link_to_another_page_the_keyboard_goes_on_in_its_list(page: Page) -> None:
    page.goto("/clients")
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#clients")).to_be_focused()
    assert "after=" in page.url


def test_the_address_of_a_filtered_list_holds_its_filters_and_back_takes_them_off(page: Page) -> None:
    page.goto("/clients")

    page.locator("#filter-code").select_option("900")
    page.wait_for_url("**/clients?code=900")
    page.go_back()

    page.wait_for_url("**/clients")
    expect(page.locator("#filter-code")).to_have_value("")


def test_unknown_outcomes_are_filtered_and_ticked_without_a_fault(page: Page) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/unknown")

    page.locator("#filter-mailing").select_option("Silent")
    page.wait_for_url("**/unknown?mailing=1")
    page.locator("[data-tick-all]").check()

    expect(page.locator("[data-ticked]")).to_have_text("50")
    assert faults == []


def test_focus_stays_where_one_types_while_the_preview_changes(page: Page) -> None:
    page.goto("/mailings/new")
    page.locator("[data-narrowing] label.chip-choice", has_text="vip").click()
    page.get_by_label("Text").focus()

    page.keyboard.type("Dear {{name}}")
    expect(page.locator("#preview-text .sms")).to_have_text("Dear N0")
    page.keyboard.type(", come")

    expect(page.locator("#preview-text .sms")).to_have_text("Dear N0, come")
    expect(page.get_by_label("Text")).to_be_focused()
    expect(page.get_by_label("Text")).to_have_value("Dear {{name}}, come")
