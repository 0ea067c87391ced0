"""Can everybody use every page, in either theme, wide and narrow? And does no page need anything but this machine?

axe-core looks at each page as a browser draws it: names, roles, labels, contrast, sizes of targets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from config import ROOT
from dashboard.domain import setup_links
from dashboard.models import Role
from tests.factories import make_user, sign_in
from tests.support.every_page import EMPTY_PAGES, fill, refused_forms, whole_pages
from tests.support.served import hand_over, served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text() if (ROOT / "node_modules").exists() else ""
# Besides what is looked at by default: targets that a finger hits (WCAG 2.2).
# Charts take a new width a moment after the page has taken it, on a busy machine a longer one.
FITS = """() => new Promise(done => {
    const until = performance.now() + 3000;
    const look = () => {
        const fits = document.documentElement.scrollWidth <= window.innerWidth;
        if (fits || performance.now() > until) done(fits);
        else setTimeout(look, 50);
    };
    look();
})"""
OPTIONS = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
POLICY = "Content-Security-Policy"
# All that the policy of a page may allow: nothing inline, nothing from elsewhere.
SOURCES = {"'self'", "'none'", "data:"}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
# Where the page's parts move: the side bar goes below 860, tables become cards below 720.
WIDTHS = (1280, 1000, 870, 730, 560, 360)
LOOKS = [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)]


@dataclass
class Visitor:
    """A browser that goes from page to page and notes what should not be."""

    url: str
    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def look_at(self, path: str, looks: list[tuple[str, dict[str, int]]]) -> None:
        self.page.goto(self.url + path)
        self.look(path, looks)

    def look(self, name: str, looks: list[tuple[str, dict[str, int]]]) -> None:
        """At the page as it stands."""
        self.page.evaluate(AXE)
        for theme, size in looks:
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
            found = self.page.evaluate("options => axe.run(options)", OPTIONS)
            where = f"{name}, {theme}, {size['width']} px"
            self.faults.extend(f"{where}: {fault}" for fault in _told(found))
            self.measure(where)

    def measure(self, where: str) -> None:
        if not self.page.evaluate(FITS):
            self.faults.append(f"{where}: wider than the screen")

    def _heard(self, message: ConsoleMessage) -> None:
        # The page that one has gone to is itself the answer "not found"; the browser remarks on that.
        is_remark = message.location["url"] == self.page.url and message.text.startswith("Failed to load resource")
        # Into a field for a time a browser lets nobody type what the refused forms here were sent with.
        is_ours = '"nonsense" does not conform' in message.text
        if message.type in ("error", "warning") and not is_remark and not is_ours:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:image/svg+xml")):
            self.faults.append(f"{self.page.url} asks for {request.url}")

    def _answered(self, response: Response) -> None:
        if not response.request.is_navigation_request():
            return
        policy = response.headers.get(POLICY.lower(), "")
        rules = {rule.split()[0]: set(rule.split()[1:]) for rule in policy.split(";") if rule.strip()}
        if rules.get("script-src") != {"'self'"} or not set().union(*rules.values()) <= SOURCES:
            self.faults.append(f"{response.url}: its policy is {policy!r}")


def _told(found: dict[str, Any]) -> Iterator[str]:
    for violation in found["violations"]:
        for node in violation["nodes"]:
            summary = " ".join(node["failureSummary"].split())
            yield f"{violation['id']} at {' '.join(map(str, node['target']))}: {summary}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(reduced_motion="reduce", locale="ru-RU")
    yield context
    context.close()


@pytest.fixture
def visitor(app: Flask, context: BrowserContext) -> Iterator[Visitor]:
    app.config["WTF_CSRF_ENABLED"] = False
    with served(app) as url:
        yield Visitor(url, context.new_page())


@pytest.mark.slow
def test_every_page_is_for_everybody(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    client = fill(app, tmp_path, "ru")
    hand_over(client, visitor.page.context, visitor.url)
    paths = whole_pages(app, client)

    for path in (*paths, "/nowhere"):
        visitor.look_at(path, LOOKS)
    for form in refused_forms(app, client):
        _put_in_place(visitor.page, visitor.url + form.name, form.text, client.get(form.name).headers[POLICY])
        visitor.look_at(form.name, LOOKS)
        visitor.page.unroute(visitor.url + form.name)

    assert not visitor.faults, "\n".join(visitor.faults)
    assert len(paths) > 30


@pytest.mark.slow
@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_page_is_wider_than_the_screen(app: Flask, visitor: Visitor, tmp_path: Path, language: str) -> None:
    client = fill(app, tmp_path, language)
    hand_over(client, visitor.page.context, visitor.url)

    for path in whole_pages(app, client):
        visitor.page.goto(visitor.url + path)
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 800})
            visitor.measure(f"{path}, {width} px")

    assert not visitor.faults, "\n".join(visitor.faults)


def test_one_page_of_each_kind_is_for_everybody(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    """The same for `make test`: the first of each kind, each in one of the looks."""
    client = fill(app, tmp_path, "ru")
    hand_over(client, visitor.page.context, visitor.url)
    kinds = {_kind(app, path): path for path in reversed(whole_pages(app, client))}

    for number, path in enumerate(kinds.values()):
        visitor.look_at(path, [LOOKS[number % len(LOOKS)]])

    assert not visitor.faults, "\n".join(visitor.faults)
    assert len(kinds) >= 12


def _kind(app: Flask, path: str) -> str:
    with app.test_request_context(path) as asked:
        return asked.request.endpoint or ""


@pytest.mark.slow
def test_what_somebody_sees_who_owns_nothing_yet_is_for_everybody(app: Flask, visitor: Visitor) -> None:
    with app.app_context():
        newcomer = make_user(Role.OPERATOR, language="ru")
    client = app.test_client()
    sign_in(client, newcomer)
    hand_over(client, visitor.page.context, visitor.url)

    for path in (*EMPTY_PAGES, "/limits"):
        visitor.look_at(path, LOOKS)

    assert not visitor.faults, "\n".join(visitor.faults)


@pytest.mark.slow
def test_what_a_viewer_sees_is_for_everybody(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    fill(app, tmp_path, "ru")
    with app.app_context():
        viewer = make_user(Role.VIEWER, language="ru")
    client = app.test_client()
    sign_in(client, viewer)
    hand_over(client, visitor.page.context, visitor.url)

    for path in ("/", "/mailings", "/mailings/1", "/clients", "/clients/2", "/imports/1", "/unknown"):
        visitor.look_at(path, LOOKS)

    assert not visitor.faults, "\n".join(visitor.faults)


def test_strangers_pages_are_for_everybody(app: Flask, visitor: Visitor) -> None:
    with app.app_context():
        setup = f"/setup/{setup_links.issue()}"

    for path in ("/sign-in", setup, "/setup/used", "/nowhere"):
        visitor.look_at(path, LOOKS)

    assert not visitor.faults, "\n".join(visitor.faults)


def test_what_opens_over_a_page_is_for_everybody(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    client = fill(app, tmp_path, "ru")
    hand_over(client, visitor.page.context, visitor.url)
    page = visitor.page
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    page.goto(f"{visitor.url}/limits")
    page.locator(".user-button").press("Enter")
    visitor.look("the user's menu", LOOKS)
    page.goto(f"{visitor.url}/clients/2")
    opener = page.locator("[data-opens]").first
    opener.press("Enter")
    visitor.look("a question", LOOKS)
    is_inside = page.evaluate("document.querySelector('dialog[open]').contains(document.activeElement)")
    page.keyboard.press("Escape")

    assert is_inside
    assert page.locator("dialog[open]").count() == 0
    assert opener.evaluate("opener => opener === document.activeElement")
    assert not visitor.faults, "\n".join(visitor.faults)


def _put_in_place(page: Page, url: str, text: str, policy: str) -> None:
    """What a form answered, under its address: the browser would have to be driven through each of them."""
    headers = {"Content-Type": "text/html; charset=utf-8", POLICY: policy}
    page.route(url, lambda route: route.fulfill(body=text, headers=headers))
