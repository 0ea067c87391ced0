"""How does a journey begin in the midst of things: with people who are known, clients, and a mailing that runs?

The installation's own database is filled through the domain, and its pages are opened in a real browser.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from playwright.sync_api import Browser, Page, expect

from config import Settings
from dashboard import clock, create_app
from dashboard.database import db
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.installation import Installation


@contextmanager
def backstage(installation: Installation) -> Iterator[Flask]:
    """Its application, in a context."""
    app = create_app(Settings.from_environ(installation.environ))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def person(role: Role, name: str) -> User:
    return make_user(role, name=name, language="en")


def listen(page: Page, noise: list[str] | None = None) -> list[str]:
    """Where everything goes that a console should not say, and every address beyond this machine."""
    heard = [] if noise is None else noise
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url) if not is_ours(request.url) else None)
    return heard


def is_ours(address: str) -> bool:
    return address.startswith(("http://127.0.0.1:", "data:image/svg+xml"))


def signed_in(browser: Browser, installation: Installation, name: str, noise: list[str]) -> Page:
    """A page of a browser of their own; into `noise` goes all that a console should not say."""
    page = browser.new_context(locale="en-GB").new_page()
    listen(page, noise)
    page.goto(f"{installation.url}/sign-in")
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def received(installation: Installation) -> Counter[int]:
    """How often the gateway has accepted each message."""
    return Counter(entry["id"] for entry in installation.gateway_log())


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = clock.monotonic() + seconds
    while not is_so():
        assert clock.monotonic() < deadline, f"not within {seconds} s"
        clock.sleep(0.1)


def ledger_shown(page: Page) -> dict[str, int]:
    """What the page of a mailing counts; what is nought left out."""
    cells = page.locator("#live-ledger td[data-count]")
    shown = {cell.get_attribute("data-count") or "": cell.inner_text() for cell in cells.all()}
    counts = {name: int("".join(filter(str.isdigit, text))) for name, text in shown.items()}
    return {name: count for name, count in counts.items() if count}


def confirm(page: Page, word: str) -> None:
    """In the dialog that has opened."""
    page.locator("dialog[open]").get_by_role("button", name=word, exact=True).click()
