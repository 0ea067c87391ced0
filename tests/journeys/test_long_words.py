"""Does a page stay as wide as the screen, whatever people have called things?"""

import pytest
from flask import Flask
from playwright.sync_api import Browser

from dashboard.domain import api_tokens, mailings
from dashboard.models import Role, Scope
from tests.factories import PASSWORD, make_user
from tests.factories_clients import make_client
from tests.support.engine import fan_out_all, make_draft
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

# Pixels that the page, or a list on it, is wider than the room it has.
CUT_OFF = """() => Math.max(...[document.documentElement, ...document.querySelectorAll("main .list-sheet")].map(
    (box) => box.scrollWidth - box.clientWidth
))"""
TITLE, TAGS = "Щ" * 200, tuple("Ж" * 60 + str(number) for number in range(20))


def test_no_long_word_widens_a_page_or_hides_a_column(app: Flask, browser: Browser) -> None:
    with app.app_context():
        owner = make_user(Role.ADMINISTRATOR)
        client_id = make_client(owner.actor, "79991234567", *TAGS, **{"n" * 30: "Ъ" * 200})
        api_tokens.make(owner.actor, "Ю" * 64, Scope)
        running = fan_out_all(owner.actor, title=TITLE, text="Ф" * 600, tags=TAGS)
        draft = mailings.create(owner.actor, make_draft(title=TITLE, text="Ф" * 600, tags=TAGS))

    with served(app) as address:
        page = browser.new_context(locale="en-GB", viewport={"width": 360, "height": 900}).new_page()
        page.goto(f"{address}/sign-in")
        page.locator("[name=login]").fill(owner.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        cut_off = {}
        for path in (
            "/",
            "/mailings",
            f"/mailings/{running}",
            f"/mailings/{draft}/edit",
            "/clients",
            f"/clients/{client_id}",
            "/api-tokens/everybody",
        ):
            page.goto(address + path)
            for width in (360, 768, 1100, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                cut_off[path, width] = page.evaluate(CUT_OFF)
        page.context.close()

    assert {where: pixels for where, pixels in cut_off.items() if pixels > 1} == {}
