"""Many clients changed at once in a real browser, by a real worker, and a search that the Back button undoes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config import Settings
from dashboard import create_app
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.engine import add_clients
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MANY = 6_000


@pytest.mark.slow
def test_all_that_match_are_put_on_the_stop_list_in_the_background(browser: Browser, tmp_path: Path) -> None:
    with Installation(tmp_path, LANGUAGE="en") as installation:
        add_people(installation)
        page, noise = signed_in(browser, installation)

        page.goto(f"{installation.url}/clients?tag=vip")
        choose(page, "All that match", "Put on the stop list")
        expect(page.get_by_role("heading", level=1)).to_have_text("Put 6,000 clients on the stop list?")
        page.get_by_role("button", name="Put on the stop list").click()

        expect(page.locator("#bulk-progress")).to_contain_text(
            "6,000 phones were put on the stop list.", timeout=60_000
        )
        expect(page.locator("#bulk-poll")).to_have_count(0)
        page.goto(f"{installation.url}/stop-list")
        expect(page.locator(".pager")).to_contain_text("Found: 6,000")
        # The odd one out bears another tag.
        page.goto(f"{installation.url}/clients?stop=no")
        expect(page.locator(".pager")).to_contain_text("Found: 1")

    assert noise == []


@pytest.mark.slow
def test_ticked_clients_get_a_tag_and_back_brings_the_filter_back(browser: Browser, tmp_path: Path) -> None:
    with Installation(tmp_path, LANGUAGE="en") as installation:
        add_people(installation)
        page, noise = signed_in(browser, installation)

        page.goto(f"{installation.url}/clients")
        page.get_by_label("Search by phone").fill("8900")
        expect(page).to_have_url(re.compile("q=8900"))
        expect(page.locator(".pager")).to_contain_text("Found: 1,201")
        page.get_by_label("Tick all on this page").check()
        expect(page.locator("[data-tick-count]")).to_have_text("Ticked: 50")
        page.locator("[data-tick]").first.uncheck()
        expect(page.locator("[data-tick-count]")).to_have_text("Ticked: 49")
        choose(page, "Ticked clients", "Add a tag")
        page.locator("[name=tag_name]").fill("winter")
        page.get_by_role("button", name="Add a tag").click()

        expect(page.get_by_text("49 clients have got the tag “winter”.")).to_be_visible()
        expect(page.get_by_label("Search by phone")).to_have_value("8900")
        page.get_by_label("Tag", exact=True).select_option("winter")
        expect(page.locator(".pager")).to_contain_text("Found: 49")
        page.go_back()
        expect(page.get_by_label("Tag", exact=True)).to_have_value("")

    assert noise == []


def choose(page: Page, whom: str, what: str) -> None:
    page.get_by_label("Which clients").select_option(whom)
    page.get_by_label("What to do with them").select_option(what)
    page.get_by_role("button", name="Go on").click()


def add_people(installation: Installation) -> None:
    app = create_app(Settings.from_environ(installation.environ))
    with app.app_context():
        anna = make_user(Role.ADMINISTRATOR, name="Anna").actor
        add_clients(anna, MANY)
        add_clients(anna, 1, tag="other", first=MANY)


def signed_in(browser: Browser, installation: Installation) -> tuple[Page, list[str]]:
    """The page, and the list into which everything goes that a console should not say."""
    page = browser.new_context(locale="en-GB").new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(f"{installation.url}/sign-in")
    page.locator("[name=login]").fill("Anna")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page, noise
