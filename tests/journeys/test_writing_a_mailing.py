"""A mailing is written in a real browser: it foretells what will happen, outlives a crash, and is tried out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config import Settings
from dashboard import create_app
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.engine import add_clients
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

CLIENTS = 30


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path, LANGUAGE="en") as installation:
        with create_app(Settings.from_environ(installation.environ)).app_context():
            owner = make_user(Role.OPERATOR, name="anna")
            add_clients(owner.actor, CLIENTS, zones=("Europe/Moscow", "Asia/Omsk"))
        yield installation


def test_what_is_typed_is_foretold_kept_tried_out_and_sent(installation: Installation, browser: Browser) -> None:
    page = open_form(browser, installation)
    page.get_by_label("Title").fill("Spring sale")
    page.get_by_label("Text").fill("Dear {{nmae}} — come")
    page.locator("[data-narrowing] label.chip-choice", has_text="vip").click()
    expect(page.locator("#preview-text")).to_contain_text("Did you mean {{name}}?")
    expect(page.locator("#preview-text kbd")).to_have_text("—")
    expect(page.locator("#kept")).to_contain_text("Kept at")
    page.context.close()  # as a browser that has crashed: nothing was saved

    page = open_form(browser, installation)
    page.get_by_role("link", name="Go on writing").click()
    expect(page.get_by_label("Title")).to_have_value("Spring sale")
    page.get_by_label("Text").fill("Dear {{name}}, come")
    expect(page.locator("#preview .audience-count")).to_have_text(str(CLIENTS))
    expect(page.locator("#preview-text .sms")).to_have_text("Dear N0, come")
    expect(page.locator("#preview-plan tbody tr")).to_have_count(2)
    page.get_by_label("Try it out on your own phone").fill("8 999 123-45-67")
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#trial")).to_contain_text("The gateway accepted it", timeout=20_000)
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#trial")).to_contain_text("On its way")
    expect(page.locator("#trial")).to_contain_text("The gateway accepted it", timeout=20_000)
    tried = [(entry["phone"], entry["text"]) for entry in installation.gateway_log()]
    page.get_by_label("From").fill("")
    page.get_by_label("To", exact=True).fill("")
    page.get_by_label("Start", exact=True).fill("2020-01-01T10:00")
    expect(page.locator("#preview .cautions")).to_contain_text("The start has passed: it would begin at once.")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#live")).to_contain_text("Finished", timeout=60_000)

    log = [(entry["phone"], entry["text"]) for entry in installation.gateway_log()]
    assert tried == 2 * [("79991234567", "Dear N0, come")]
    assert len(log) - 1 == len(set(log)) == CLIENTS + 1
    page.goto(f"{installation.url}/mailings/new")
    expect(page.get_by_role("link", name="Go on writing")).to_have_count(0)
    page.context.close()


def open_form(browser: Browser, installation: Installation) -> Page:
    """Signed in anew, as in another browser."""
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(f"{installation.url}/sign-in")
    page.locator("[name=login]").fill("anna")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/$"))
    page.goto(f"{installation.url}/mailings/new")
    return page
