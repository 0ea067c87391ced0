"""Can a programmer read the API's description and try it out, with no help from other machines?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from dashboard.domain import api_tokens
from dashboard.models import Role, Scope
from tests.factories import make_user
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# Both draw hundreds of fields at once.
PATIENCE = 40_000
VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Visit:
    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What the browser complained of, and what it asked of other machines."""
        elsewhere = [url for url in self.asked if not url.startswith((self.url, "data:", "blob:"))]
        return [*self.said, *elsewhere, *self.page.evaluate("violations")]


@pytest.fixture
def visit(app: Flask, browser: Browser) -> Iterator[Visit]:
    with served(app) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(VIOLATIONS)
        found = Visit(page, url)
        page.on("console", lambda message: found.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: found.said.append(str(error)))
        page.on("request", lambda request: found.asked.append(request.url))
        yield found
        context.close()


def test_swagger_ui_tries_a_request_out_with_a_pasted_token(app: Flask, visit: Visit) -> None:
    with app.app_context():
        _token, text = api_tokens.make(make_user(Role.OPERATOR).actor, "docs", [Scope.READ])
    page = visit.page

    page.goto(f"{visit.url}/docs/")
    expect(page.get_by_role("link", name="Clients", exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Authorize").first.click()
    key = page.locator(".auth-container").last
    key.get_by_role("textbox").fill(f"Token {text}")
    key.get_by_role("button", name="Apply credentials").click()
    key.get_by_role("button", name="Close").click()
    row = page.locator("#operations-Clients-clients_list")
    row.locator(".opblock-summary-control").click()
    row.get_by_role("button", name="Try it out").click()
    row.get_by_role("button", name="Execute").click()

    expect(row.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    expect(row.locator(".live-responses-table")).to_contain_text('"total_is_exact": true')
    assert visit.faults() == []


def test_redoc_shows_every_group_and_finds_an_operation(visit: Visit) -> None:
    page = visit.page

    page.goto(f"{visit.url}/redoc/")
    expect(page.get_by_role("heading", name="Add a client")).to_be_visible(timeout=PATIENCE)
    page.get_by_placeholder("Search").press_sequentially("stop")

    found = page.locator("[data-role='search:results']")
    expect(found).to_contain_text("Put phones on the stop list", timeout=PATIENCE)
    assert visit.faults() == []


@pytest.mark.parametrize("path", ["/docs/", "/redoc/"])
def test_the_pages_may_run_and_ask_for_nothing_but_our_own(app: Flask, path: str) -> None:
    policy = app.test_client().get(path).headers["Content-Security-Policy"]

    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert "http" not in policy
