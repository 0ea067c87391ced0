"""What does every page look like, in both themes and languages, wide and narrow? `make screenshots` shows it.

Starts an installation of its own in a temporary folder, fills it, and writes PNG files into screenshots/.
"""

import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page

from config import ROOT
from tests.factories import PASSWORD
from tests.screenshot_pages import EMPTY_PAGES, LANGUAGES, fill
from tests.support.browser import running_browser
from tests.support.installation import Installation

FOLDER = ROOT / "screenshots"
WIDTHS = {"wide": 1280, "narrow": 360}
THEMES = ("light", "dark")
# Sent with nothing filled in.
REFUSED = (
    ("client-refused", "/clients/new", "form button[type=submit]"),
    ("mailing-refused", "/mailings/new", "button[name=action][value=schedule]"),
    ("import-refused", "/imports/new", "form button[type=submit]"),
    ("stop-list-refused", "/stop-list/add", "form button[type=submit]"),
    ("token-refused", "/api-tokens/new", "form button[type=submit]"),
)


@dataclass(frozen=True)
class Look:
    theme: str
    language: str
    width: str

    @property
    def name(self) -> str:
        return f"{self.theme}-{self.language}-{self.width}"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="vestnik-") as folder,
        running_browser() as browser,
        Installation(Path(folder), GATEWAY_CONNECTIONS="2") as installation,
    ):
        take_before_setup(browser, installation)
        pages = fill(installation)
        for theme, language, width in product(THEMES, LANGUAGES, WIDTHS):
            take_all(browser, installation, Look(theme, language, width), pages)
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.name}/")


def take_before_setup(browser: Browser, installation: Installation) -> None:
    """The pages of an installation in which nobody has done anything yet."""
    page = browser.new_page(viewport={"width": WIDTHS["wide"], "height": 900})
    page.goto(installation.setup_link)
    take(page, "setup")
    page.goto(f"{installation.url}/setup/used")
    take(page, "setup-used")


def take_all(browser: Browser, installation: Installation, look: Look, pages: dict[str, str]) -> None:
    page = new_page(browser, look)
    page.goto(f"{installation.url}/sign-in")
    take(page, f"sign-in-{look.name}")
    sign_in(page, "nobody", look)
    take(page, f"sign-in-refused-{look.name}")
    sign_in(page, "busy", look)
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.locator(".user-button").click()
    take(page, f"menu-{look.name}")
    for name, path in pages.items():
        page.goto(installation.url + path)
        take(page, f"{name}-{look.name}")
    for name, path, button in REFUSED:
        page.goto(installation.url + path)
        page.locator(f"main {button}").first.click()
        take(page, f"{name}-{look.name}")
    take_stop(page, installation, look)
    page.context.close()
    take_empty(browser, installation, look)


def take_stop(page: Page, installation: Installation, look: Look) -> None:
    """The global stop: its question, what it looks like while it holds, and the question before it goes on."""
    page.goto(f"{installation.url}/mailings")
    for name, dialog in (("stop-question", "stop-dialog"), ("go-on-question", "go-on-dialog")):
        page.locator(f"[data-opens={dialog}]").click()
        take(page, f"{name}-{look.name}")
        page.locator(f"#{dialog} button[type=submit]").click()
        take(page, f"{dialog}-pressed-{look.name}")


def take_empty(browser: Browser, installation: Installation, look: Look) -> None:
    """What somebody finds who has just begun."""
    page = new_page(browser, look)
    page.goto(f"{installation.url}/sign-in")
    sign_in(page, "new", look)
    page.wait_for_url(lambda url: "sign-in" not in url)
    for name, path in EMPTY_PAGES.items():
        page.goto(installation.url + path)
        take(page, f"empty-{name}-{look.name}")
    page.context.close()


def new_page(browser: Browser, look: Look) -> Page:
    context = browser.new_context(
        viewport={"width": WIDTHS[look.width], "height": 900},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale=f"{look.language}-{look.language.upper()}",
        # No chart shall be taken while its bars still grow.
        reduced_motion="reduce",
    )
    return context.new_page()


def sign_in(page: Page, name: str, look: Look) -> None:
    page.locator("[name=login]").fill(f"{name}-{look.language}")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()


def take(page: Page, name: str) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
