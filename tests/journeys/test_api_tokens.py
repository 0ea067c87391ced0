"""Can somebody give a program its token, and take it back, with the keyboard alone?"""

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.factories import make_user, sign_in
from tests.support.served import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]


def press(page: Page, role: str, name: str) -> None:
    page.get_by_role(role, name=name, exact=True).focus()  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_a_token_is_made_copied_and_revoked(app: Flask, browser: Browser) -> None:
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        user = make_user()
    sign_in(client, user)
    app.config["WTF_CSRF_ENABLED"] = True

    with opened(app, browser, client, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator(".user-button").focus()
        page.keyboard.press("Enter")
        press(page, "link", "API tokens")
        page.locator("main").get_by_role("link", name="Make a token").first.click()
        page.get_by_label("Name").focus()
        page.keyboard.type("CRM")
        page.get_by_label("Send", exact=True).focus()
        page.keyboard.press("Space")
        press(page, "button", "Make the token")
        press(page, "button", "Copy")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        text = page.evaluate("navigator.clipboard.readText()")
        press(page, "link", "To the tokens")
        shown = page.locator("tbody tr").inner_text()

        press(page, "button", "Revoke CRM")
        expect(page.get_by_role("button", name="Go back")).to_be_focused()
        press(page, "button", "Revoke the token")
        expect(page.get_by_role("heading", name="No program acts for you")).to_be_visible()

    headers = {"Authorization": f"Token {text}"}
    assert text[:8] in shown
    assert all(word in shown for word in ("CRM", "Read", "Send"))
    assert client.get("/api/v1/clients", headers=headers).status_code == 401
