"""Do people get in by password and telephone, by a recovery code, by the provider's button, in a real browser?"""

import re
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.factories import PASSWORD, make_user
from tests.support.apps import quick_passwords, sqlite_app
from tests.support.authenticator import Authenticator
from tests.support.oidc_provider import ANN, running_mock
from tests.support.served import served

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(120)]


def new_page(browser: Browser) -> tuple[Page, list[str]]:
    """With what its console complains of, and where: the Content-Security-Policy does so there."""
    page = browser.new_context(locale="en-GB", permissions=["clipboard-read", "clipboard-write"]).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(told(message)) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def told(message: ConsoleMessage) -> str:
    return f"{message.page.url if message.page else ''} {message.text}"


def by_password(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("Name or e-mail").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.locator(".user-button").click()
    page.get_by_role("button", name="Sign out").click()


def signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_second_factor_is_switched_on_and_asked_for(app: Flask, browser: Browser) -> None:
    with app.app_context():
        make_user(name="ann")
    page, complaints = new_page(browser)

    with served(app) as url:
        by_password(page, url)
        signed_in(page)
        page.locator(".user-button").click()
        page.get_by_role("link", name="Profile").click()
        page.get_by_role("link", name="Set it up").click()
        page.get_by_role("link", name="Set it up").click()
        box = page.locator("img.qr").bounding_box()
        drawn = page.locator("img.qr").evaluate("picture => picture.complete && picture.naturalWidth > 0")
        phone = Authenticator(page.get_by_label("Or type this key into the app").input_value().replace(" ", ""))
        page.get_by_label("Code", exact=True).fill(phone.code(-1))
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Switch it on").click()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        codes = page.evaluate("navigator.clipboard.readText()").split()
        page.get_by_role("link", name="I have kept them: go on").click()
        expect(page.get_by_role("heading", name="It is on")).to_be_visible()
        sign_out(page)

        by_password(page, url)
        expect(page.get_by_label("Code", exact=True)).to_be_focused()
        page.keyboard.type(phone.wrong_code)
        page.keyboard.press("Enter")
        expect(page.get_by_text("This code is wrong")).to_be_visible()
        page.get_by_label("Code", exact=True).fill(phone.code())
        page.keyboard.press("Enter")
        signed_in(page)
        expect(page.get_by_text("1 wrong code was entered after your password")).to_be_visible()
        sign_out(page)

        by_password(page, url)
        page.get_by_role("link", name="The authenticator is lost: use a recovery code").click()
        page.get_by_label("Code", exact=True).fill(codes[4])
        page.keyboard.press("Enter")
        signed_in(page)

    assert len(codes) == 10
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=4)
    assert drawn
    # A refused form is an answer that the console notes.
    assert [each for each in complaints if "status of 422" not in each] == []
    page.context.close()


def test_the_providers_button_leads_in_and_out_again(
    sqlite_template: Path, tmp_path: Path, redis_url: str, browser: Browser
) -> None:
    page, complaints = new_page(browser)
    with running_mock(ANN) as issuer:
        environ = {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": "vestnik",
            "OIDC_CLIENT_SECRET": "s",
            "OIDC_NAME": "Example Login",
        }
        with (
            quick_passwords(),
            sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url, **environ) as app,
            served(app) as url,
        ):
            with app.app_context():
                make_user(name="ann", email=ANN["email"])
            page.goto(f"{url}/clients")
            page.get_by_role("link", name="Sign in with Example Login").click()
            expect(page).to_have_url(re.compile(re.escape(issuer)))
            page.get_by_role("button", name=ANN["sub"]).click()
            expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
            sign_out(page)
            expect(page.get_by_role("heading", name="You have signed out of Vestnik")).to_be_visible()
            page.get_by_role("link", name="Sign out there, too").click()
            expect(page).to_have_url(re.compile(re.escape(issuer)))
            page.goto(f"{url}/clients")
            expect(page).to_have_url(re.compile("/sign-in"))

    # The provider's own page looks for its style elsewhere.
    assert [each for each in complaints if each.startswith(url)] == []
    page.context.close()
