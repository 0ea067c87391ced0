"""From an empty data folder to a mailing to thousands that has gone out: do the books add up at every moment?

The same way in small, with all that one can do on it, is tests/journeys/test_whole_journey.py.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.models import Status
from tests.factories import PASSWORD
from tests.support.client_files import ClientFile, make_file
from tests.support.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROWS = 10_000
CODES = ("912", "925")
SECONDS_TO_SEND = 90_000


@pytest.mark.slow
def test_from_an_empty_folder_to_a_finished_mailing(any_installation: Installation, browser: Browser) -> None:
    clients = make_file(ROWS)
    expected = ClientFile.expected(ROWS, "vip", CODES)

    with any_installation as installation:
        page, noise = open_page(browser)
        become_administrator(page, installation)
        import_clients(page, clients)
        seen = watch(page, write_mailing(page, expected))

        sent = Counter(entry["id"] for entry in installation.gateway_log())

    assert seen[-1] == {Status.SENT: expected, "total": expected}
    assert all(sum(counts.values()) - counts["total"] == counts["total"] for counts in seen)
    assert len(sent) == expected > 1_000
    assert set(sent.values()) == {1}
    assert noise == []


def open_page(browser: Browser) -> tuple[Page, list[str]]:
    """The page, and the list into which everything goes that a console should not say."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on(
        "request",
        lambda request: noise.append(request.url) if "//127.0.0.1" not in request.url else None,
    )
    return page, noise


def become_administrator(page: Page, installation: Installation) -> None:
    page.goto(installation.setup_link)
    page.get_by_label("Name").fill("Anna")
    page.get_by_label("E-mail").fill("anna@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD)
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def import_clients(page: Page, clients: ClientFile) -> None:
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="Import").last.click()
    page.get_by_label("File with clients").set_input_files(
        {"name": "клиенты.csv", "mimeType": "text/csv", "buffer": clients.content}
    )
    page.get_by_role("button", name="Next: columns").click()
    expect(page.get_by_label("Телефон", exact=True)).to_have_value("phone")
    page.get_by_role("button", name="Next: dry run").click()
    page.get_by_role("button", name="Import now").click(timeout=60_000)

    expect(page.locator("#import-progress")).to_contain_text("The import has finished", timeout=60_000)
    rows = page.locator("#import-progress tbody tr")
    lines = [int(text.replace(",", "")) for text in rows.locator("td.number").all_inner_texts()]
    assert lines == [line for line, _code in clients.bad_lines]
    assert page.locator(".tiles").inner_text().split("\n")[0].replace(",", "") == str(clients.good)


def write_mailing(page: Page, expected: int) -> datetime:
    """Schedules it for a few seconds ahead; answers when that is."""
    page.get_by_role("link", name="New mailing").click()
    page.get_by_label("Title").fill("For the regulars")
    page.get_by_label("Text").fill("{{name}}, добрый день!")
    # The input is hidden under its chip; people press the chip.
    for chip in ("vip", *CODES):
        page.locator("[data-narrowing] label.chip-choice", has_text=chip).click()
    expect(page.locator("#preview")).to_contain_text(f"{expected:,}")
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    page.get_by_label("Start").fill(starts_at.astimezone(ZoneInfo("Europe/Moscow")).strftime("%Y-%m-%dT%H:%M:%S"))
    page.get_by_label("From").fill("")
    page.get_by_label("To", exact=True).fill("")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#live")).to_contain_text("It starts by itself")
    return starts_at


def watch(page: Page, starts_at: datetime) -> list[dict[str, int]]:
    """The ledger at every poll that changed it, to the end."""
    assert datetime.now(UTC) < starts_at, "it took too long to get here"
    page.evaluate(
        """() => {
            window.ledgers = [];
            document.addEventListener("htmx:afterSettle", () => {
                const cells = [...document.querySelectorAll("#live-ledger td[data-count]")];
                const counts = cells.map(cell => [cell.dataset.count, Number(cell.innerText.replace(/\\D/g, ""))]);
                if (counts.length) window.ledgers.push(Object.fromEntries(counts.filter(([, count]) => count)));
            });
        }"""
    )
    expect(page.locator("#live-poll")).to_have_count(0, timeout=SECONDS_TO_SEND)
    found: list[dict[str, int]] = page.evaluate("window.ledgers.filter(counts => counts.total)")
    return found
