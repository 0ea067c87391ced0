"""From a file with errors to the files of what became of it: does each thing an operator does reach the gateway?

In both languages and as narrow as a phone. What the pages promise is held against what the gateway received.
"""

import csv
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard import clock
from dashboard.domain.policy import BEGIN_WITHIN
from dashboard.models import Status
from tests.factories import PASSWORD
from tests.support.client_files import CODES, TAGS, ZONES, bad_numbers, make_file
from tests.support.installation import Installation
from tests.support.languages import foreign_in, saying
from tests.support.stage import confirm, ledger_shown, listen, received, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROWS = 300
# 7CCCNNNNNNN of each good row, by its number.
PHONES = {n: f"7{CODES[n % 4]}{n:07}" for n in range(ROWS) if n not in bad_numbers(ROWS)}
CHOSEN = {n for n in PHONES if TAGS[n % 3] == "vip"}
# Seven hours ahead of the operator: too late for a window that is open here and closes in four hours.
FAR = {n for n in CHOSEN if ZONES[n % 5] == "Asia/Vladivostok"}
TEXTS = {PHONES[n]: f"Клиент {n}, скидка 20 %" for n in CHOSEN - FAR}
CANARY = 10
# So slow that a person can press in the midst of it, however fast the machine.
A_SECOND = 12
OPERATORS_ZONE = ZoneInfo("Europe/Moscow")

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
LOOKS = [
    pytest.param("ru", WIDE, "sqlite", id="in Russian"),
    pytest.param("en", WIDE, "sqlite", id="in English", marks=pytest.mark.slow),
    pytest.param("ru", PHONE, "sqlite", id="on a phone", marks=pytest.mark.slow),
    pytest.param("en", PHONE, "postgres", id="on PostgreSQL", marks=[pytest.mark.slow, pytest.mark.postgres]),
]


@pytest.mark.parametrize("language, size, database", LOOKS)
def test_from_a_file_with_errors_to_the_files_of_what_became_of_it(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    browser: Browser,
    language: str,
    size: dict[str, int],
    database: str,
) -> None:
    environ = {"LANGUAGE": language}
    if database == "postgres":
        environ["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    with Installation(tmp_path, **environ) as installation:
        operator = Operator(browser, installation, language, size)
        operator.becomes_administrator()
        operator.imports(make_file(ROWS).content)
        operator.saves_a_draft()
        promised = operator.sees_the_plan()
        at_the_canary = operator.launches_and_waits_for_the_canary()
        at_the_pause, later = operator.goes_on_and_pauses()
        counts = operator.resumes_to_the_end()
        messages = operator.downloads_messages()
        clients = operator.downloads_clients()
        log = installation.gateway_log()

    say = operator.say
    assert promised == {"recipients": len(CHOSEN), "unreached": len(FAR)}
    # On a busy machine one of them may not begin in time; it has its place among the first all the same.
    assert CANARY / 2 < at_the_canary.total() <= CANARY
    assert CANARY < len(at_the_pause) < len(TEXTS)
    assert later == at_the_pause
    # What the gateway received: each text once, and at once the whole truth of the page and of the file.
    assert {entry["phone"]: entry["text"] for entry in log} == TEXTS
    assert len(log) == len(TEXTS)
    assert counts == {Status.SENT: len(TEXTS), Status.EXPIRED: len(FAR), "total": len(CHOSEN)}
    sent = {row[say("Phone")]: row for row in messages if row[say("Status")] == say("Sent")}
    assert {row[say("Message number")]: phone for phone, row in sent.items()} == {
        str(entry["id"]): entry["phone"] for entry in log
    }
    late = {row[say("Phone")] for row in messages} - sent.keys()
    assert late == {PHONES[n] for n in FAR}
    assert len(messages) == len(CHOSEN)
    assert {row["phone"]: (row["tags"], row["name"]) for row in clients} == {
        phone: (TAGS[n % 3], f"Клиент {n}") for n, phone in PHONES.items()
    }
    assert operator.noise == []
    assert operator.foreign == []


class Operator:
    """Who does one thing after another, as people do: by what is written on the page."""

    def __init__(self, browser: Browser, installation: Installation, language: str, size: dict[str, int]) -> None:
        self._language = language
        self.say = saying(language)
        self._installation = installation
        context = browser.new_context(
            locale={"ru": "ru-RU", "en": "en-GB"}[language], viewport=size, reduced_motion="reduce"
        )
        self.page: Page = context.new_page()
        self.noise: list[str] = listen(self.page)
        # Words of the other language that were seen.
        self.foreign: list[str] = []

    def becomes_administrator(self) -> None:
        self.page.goto(self._installation.setup_link)
        self._field("Name").fill("1")
        self._field("E-mail").fill("1@example.com")
        self._field("Password").fill(PASSWORD)
        self._field("Password once more").fill(PASSWORD)
        self._press("Create the administrator")
        expect(self._heading("Overview")).to_be_visible()
        self._reads()

    def imports(self, content: bytes) -> None:
        self._follow("Imports")
        self._reads()
        self._follow("Import a file")
        file = {"name": "clients.csv", "mimeType": "text/csv", "buffer": content}
        self._field("File with clients").set_input_files(file)  # type: ignore[arg-type]
        self._press("Next: columns")
        expect(self._heading("Columns of the file")).to_be_visible()
        self._press("Next: dry run")
        expect(self.page.locator("#problems tbody tr")).to_have_count(ROWS - len(PHONES), timeout=30_000)
        self._press("Import now")
        finished = self.say("The import has finished. Not taken: %(n)s", n=ROWS - len(PHONES))
        expect(self.page.locator("#import-progress")).to_contain_text(finished, timeout=30_000)

    def saves_a_draft(self) -> None:
        self._follow("New mailing")
        self._field("Title").fill("1")
        self._field("Text").fill("{{name}}, скидка 20 %")
        # The input is hidden under its chip; people press the chip.
        self.page.locator("[data-narrowing] label.chip-choice", has_text="vip").click()
        now = clock.now().astimezone(OPERATORS_ZONE)
        self._field("Start").fill(f"{now - timedelta(minutes=2):%Y-%m-%dT%H:%M}")
        self._field("End").fill(f"{now + timedelta(minutes=40):%Y-%m-%dT%H:%M}")
        self._write_window(now)
        self.page.locator("#limits > summary").click()
        self._field("At most, a second").fill(str(A_SECOND))
        self._field("Canary, messages").fill(str(CANARY))
        self._press("Save as a draft")
        expect(self.page.locator("#live")).to_contain_text(self.say("Not started yet"))

    def _write_window(self, now: datetime) -> None:
        """Open now from Kaliningrad to Omsk, and in Vladivostok not before the mailing's end."""
        self._field("From").fill(f"{now - timedelta(hours=1, minutes=30):%H:%M}")
        self._field("To").fill(f"{now + timedelta(hours=4, minutes=30):%H:%M}")

    def sees_the_plan(self) -> dict[str, int]:
        self._follow("Change", within="#verbs")
        rows = self.page.locator("#preview-plan tbody tr")
        expect(rows.first).to_be_visible()
        expect(self.page.locator("#preview-text .sms")).to_have_text(re.compile(r"^Клиент \d+, скидка 20 %$"))
        self._reads("Клиент", "скидка")
        numbers = [[_number(cell.inner_text()) for cell in row.locator("td.number").all()] for row in rows.all()]
        recipients, unreached = (sum(column) for column in zip(*numbers, strict=True))
        return {"recipients": recipients, "unreached": unreached}

    def launches_and_waits_for_the_canary(self) -> Counter[int]:
        self._press("Schedule")
        expect(self.page.locator("#canary")).to_be_visible(timeout=30_000)
        clock.sleep(BEGIN_WITHIN.total_seconds() + 0.5)
        sent = received(self._installation)
        wait_until(lambda: ledger_shown(self.page).get(Status.SENT) == sent.total())
        return sent

    def goes_on_and_pauses(self) -> tuple[Counter[int], Counter[int]]:
        """What had been received when the pause had taken hold, and a while later."""
        self._press("Go on with the rest")
        confirm(self.page, self.say("Go on with the rest"))
        wait_until(lambda: len(received(self._installation)) > CANARY + A_SECOND)
        self._press("Pause")
        expect(self.page.locator("#live")).to_contain_text(self.say("Paused: nothing more is sent"))
        clock.sleep(BEGIN_WITHIN.total_seconds() + 0.5)
        paused = received(self._installation)
        clock.sleep(1.5)
        return paused, received(self._installation)

    def resumes_to_the_end(self) -> dict[str, int]:
        # While it is paused nobody polls either: the next page has to have come.
        with self.page.expect_navigation():
            self._press("Resume")
        expect(self.page.locator("#live-poll")).to_have_count(0, timeout=60_000)
        self._reads("Клиент", "скидка")
        return ledger_shown(self.page)

    def downloads_messages(self) -> list[dict[str, str]]:
        self._follow("Messages", within="#verbs")
        self._reads()
        return self._download("Save as CSV")

    def downloads_clients(self) -> list[dict[str, str]]:
        self._follow("Clients")
        self._reads("Клиент")
        return self._download("As CSV")

    def _download(self, word: str) -> list[dict[str, str]]:
        with self.page.expect_download() as download:
            self._follow(word)
        with download.value.path().open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def _reads(self, *own: str) -> None:
        """All that is shown now is in one language; `own`: words that people themselves have written."""
        text = self.page.locator("body").inner_text()
        for word in (*own, "Русский", "English", *TAGS):
            text = text.replace(word, "")
        self.foreign += foreign_in(text, self._language)

    def _field(self, word: str) -> Locator:
        """By its label; whether it is optional is said there, too."""
        label = re.compile(rf"^\s*{re.escape(self.say(word))}\s*(\(.+\))?\s*$")
        return self.page.locator("main").get_by_label(label)

    def _heading(self, word: str) -> Locator:
        return self.page.get_by_role("heading", name=self.say(word), exact=True)

    def _press(self, word: str) -> None:
        self.page.locator("main").get_by_role("button", name=self.say(word), exact=True).click()

    def _follow(self, word: str, within: str = "body") -> None:
        links = self.page.locator(within).get_by_role("link", name=self.say(word), exact=True)
        links.first.click()


def _number(text: str) -> int:
    return int("".join(filter(str.isdigit, text)))
