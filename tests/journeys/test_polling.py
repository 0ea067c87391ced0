"""Does an open page of a mailing ask for news only while somebody looks and something can change, and gently?"""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import func, select

from dashboard.database import db
from dashboard.domain import live, trials
from dashboard.domain.users import User
from dashboard.models import Trial
from tests.factories import PASSWORD, make_user
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHOW = """hidden => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# Many polls, with one every fifth of a second.
A_WHILE = 1_500


@pytest.fixture
def owner(app: Flask) -> User:
    with app.app_context():
        return make_user()


@pytest.fixture
def running(app: Flask, owner: User) -> int:
    with app.app_context():
        add_clients(owner.actor, 10)
        return fan_out_all(owner.actor)


@pytest.fixture
def page(
    app: Flask, browser: Browser, owner: User, running: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The mailing's page, which asks five times a second."""
    monkeypatch.setattr(live, "POLL_SECONDS", 0.2)
    context = browser.new_context(locale="en-GB")
    with served(app) as address:
        page = context.new_page()
        page.goto(f"{address}/sign-in?next=/mailings/{running}")
        page.locator("[name=login]").fill(owner.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        expect(page.locator("#live")).to_be_visible()
        yield page
        context.close()


def asked(page: Page, part: str, milliseconds: int = A_WHILE) -> int:
    """How often the page asks for this within a while."""
    seen: list[str] = []

    def note(request: object) -> None:
        seen.append(str(getattr(request, "url", "")))

    page.on("request", note)
    page.wait_for_timeout(milliseconds)
    page.remove_listener("request", note)
    return sum(f"/{part}" in url for url in seen)


def send_all(app: Flask) -> None:
    elsewhere(app, lambda: deliver(ScriptedGateway()))


def send_trial(app: Flask) -> None:
    """As the job does it that has been waited for."""
    elsewhere(app, lambda: trials.run(db.session.scalar(select(func.max(Trial.id))) or 0, ScriptedGateway(), 1.0))


def elsewhere(app: Flask, work: Callable[[], object]) -> None:
    """In a thread of its own: the browser's driver keeps an event loop in this one."""

    def do() -> None:
        with app.app_context():
            work()

    worker = threading.Thread(target=do)
    worker.start()
    worker.join()


def test_a_hidden_tab_does_not_ask_and_asks_at_once_when_it_is_shown(page: Page) -> None:
    shown = asked(page, "live?")
    page.evaluate(SHOW, True)
    page.wait_for_timeout(300)

    hidden = asked(page, "live?")
    with page.expect_request(lambda request: "/live?" in request.url, timeout=1_000):
        page.evaluate(SHOW, False)

    assert shown > 2
    assert hidden == 0
    assert asked(page, "live?") > 2


def test_a_finished_mailing_is_asked_for_no_more(app: Flask, page: Page) -> None:
    send_all(app)
    expect(page.locator("[data-count=sent]")).to_have_text("10")
    expect(page.locator("#live-poll")).to_have_count(0)

    assert asked(page, "live") == 0


def test_one_poll_brings_the_ledger_and_the_chart(app: Flask, page: Page) -> None:
    expect(page.locator("#chart-table tbody")).to_have_count(1)
    charts: list[str] = []
    page.on("request", lambda request: charts.append(request.url) if "/chart" in request.url else None)
    send_all(app)
    expect(page.locator("[data-count=sent]")).to_have_text("10")

    page.locator(".chart-numbers summary").click()

    cells = page.locator("#chart-table tbody td")
    expect(cells.first).to_be_visible()
    assert sum(map(int, cells.all_inner_texts())) == 10
    assert charts == []


def test_while_the_server_fails_the_page_asks_more_rarely_and_says_so(page: Page) -> None:
    page.route("**/live?*", lambda route: route.fulfill(status=500))

    failing = asked(page, "live?", 3_000)
    says_so = page.locator("#connection-lost").is_visible()
    page.unroute("**/live?*")

    expect(page.locator("#connection-lost")).to_be_hidden(timeout=10_000)
    assert 1 <= failing <= 3
    assert says_so
    assert asked(page, "live?") > 2


def slowly(route: Route) -> None:
    time.sleep(1.2)
    route.continue_()


def test_after_a_slow_answer_the_page_leaves_the_server_alone_for_a_while(page: Page) -> None:
    page.route("**/live?*", slowly)
    with page.expect_response(lambda response: "/live?" in response.url):
        page.wait_for_timeout(500)
    page.wait_for_timeout(200)

    assert asked(page, "live?", 2_000) == 0


def test_the_focus_stays_where_it_was_when_a_poll_replaces_the_page(app: Flask, page: Page) -> None:
    page.locator("#to-messages").focus()
    send_all(app)
    expect(page.locator("[data-count=sent]")).to_have_text("10")

    assert page.evaluate("document.activeElement.id") == "to-messages"


def test_each_test_send_is_asked_for_until_its_outcome_is_known_however_slow_the_answers(
    app: Flask, page: Page
) -> None:
    said, button = page.locator("#trial"), page.get_by_role("button", name="Send a test")
    page.goto(page.url.partition("/mailings")[0] + "/mailings/new")
    page.get_by_label("Text").fill("Dear {{name}}")
    page.get_by_label("Everybody", exact=True).check()
    page.get_by_label("Try it out on your own phone").fill("8 999 123-45-67")
    button.click()
    expect(said).to_contain_text("On its way to +7 999 123-45-67")

    first_asked = asked(page, "trials/", 3_500)
    send_trial(app)
    expect(said).to_contain_text("The gateway accepted it")
    with page.expect_response("**/trials"):
        button.click()
    page.route("**/trials/*", slowly)
    with page.expect_request("**/trials/*"):
        pass
    with page.expect_response("**/trials"):
        button.click()  # the answer to the question under way must not take the place of this one's
    send_trial(app)

    assert first_asked > 1
    expect(said).to_contain_text("The gateway accepted it", timeout=20_000)
    assert asked(page, "trials/") == 0


@pytest.mark.slow
def test_a_screen_reader_hears_of_new_counts_now_and_then_and_not_of_each(app: Flask, page: Page) -> None:
    voice = page.locator("[data-says]")
    send_all(app)
    expect(page.locator("[data-count=sent]")).to_have_text("10")

    at_once = voice.inner_text()

    assert at_once == ""
    expect(voice).to_have_text("Sent: 10 of 10. Waiting: 0. Failed: 0.", timeout=12_000)
