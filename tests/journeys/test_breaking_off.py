"""Is a question that is broken off, because somebody types on or leaves, neither an error nor an answer?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from dashboard.domain import imports
from dashboard.domain.imports import Upload
from dashboard.domain.users import User
from tests.factories import make_user, sign_in
from tests.factories_clients import LIMITS
from tests.support.client_files import make_file
from tests.support.served import opened
from tests.support.stage import listen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def owner(app: Flask) -> User:
    with app.app_context():
        return make_user()


@pytest.fixture
def page(app: Flask, browser: Browser, owner: User) -> Iterator[Page]:
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, owner)
    app.config["WTF_CSRF_ENABLED"] = True
    with opened(app, browser, client, locale="en-GB") as page:
        yield page


def never(_route: Route) -> None:
    """Nobody answers."""


def test_who_goes_on_before_the_preview_has_come_leaves_no_error_behind(
    app: Flask, page: Page, owner: User, tmp_path: Path
) -> None:
    with app.app_context():
        upload = tmp_path / "upload"
        upload.write_bytes(make_file(50).content)
        folder = app.config["SETTINGS"].imports_dir
        folder.mkdir(exist_ok=True)
        import_id = imports.begin(owner.actor, Upload(upload, "clients.csv"), "UTC", folder, LIMITS)
    page.goto(f"{page.url}imports/{import_id}/columns")
    noise = listen(page)
    page.route("**/preview", never)

    name = page.get_by_label("Name of the attribute for the column “name”")
    name.fill("")
    with page.expect_request("**/preview"):
        name.press_sequentially("first")
    name.press_sequentially("_name")
    page.get_by_role("button", name="Next: dry run").click()
    expect(page.locator("#import-progress")).to_be_visible()
    page.wait_for_load_state()

    assert noise == []


def test_who_types_on_breaks_off_the_older_question_and_gets_the_newer_ones_answer(page: Page) -> None:
    page.goto(f"{page.url}mailings/new")
    expect(page.locator("#preview .audience-count")).to_be_visible()
    noise = listen(page)
    page.route("**/preview", never, times=1)

    with page.expect_request("**/preview"):
        page.get_by_label("Text").fill("Spring")
    with page.expect_event("requestfailed"):
        page.get_by_label("Text").fill("Spring sale, everything must go")

    expect(page.locator("#preview-text")).to_contain_text("31 of 160 characters")
    expect(page.locator("#request-failed")).to_be_hidden()
    assert noise == []


def test_what_was_not_kept_to_the_end_still_counts_as_unsaved(page: Page) -> None:
    page.goto(f"{page.url}mailings/new")
    page.get_by_label("Title").fill("Spring")
    page.route("**/keep", never)

    with page.expect_request("**/keep"):
        page.get_by_label("Text").fill("Spring sale")
    page.evaluate("htmx.trigger('#kept', 'htmx:abort')")

    expect(page.locator("[data-unsaved-hint]")).to_be_visible()
