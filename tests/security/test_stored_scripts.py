"""Does any page run, or show otherwise than as text, what somebody has written into a field?

Thirty texts that a page might take for more stand in every column in which people, files or other servers write;
every page is opened in a real browser. Then each form is sent with them in all its fields, and each list asked
for them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

from tests.support import planted
from tests.support.every_page import first_of_each_kind, whole_pages
from tests.support.payloads import RECKONED, SCRIPTS
from tests.support.served import hand_over, served

ORIGIN = "http://localhost:1"
# So many at once, so that each stands near the beginning of what a narrow cell shows.
AT_ONCE = 5
# Addresses that a browser would run.
RUNS = """() => [...document.querySelectorAll('[href],[src],[action],[formaction],[data],[srcdoc]')].flatMap(
    element => ['href', 'src', 'action', 'formaction', 'data', 'srcdoc'].map(name => element.getAttribute(name)))
    .filter(address => /^\\s*(javascript|data:text|vbscript):?/i.test(address ?? '') || /</.test(address ?? ''))"""
# What asks first whether it is meant: its words name things by what people have called them.
OPENS = "() => document.querySelectorAll('[data-opens]').forEach(opener => opener.click())"


@dataclass
class Watch:
    """A browser that notes all that a text may not bring about."""

    page: Page
    noticed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._asked)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.noticed.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._fetched)

    def look_at(self, address: str) -> None:
        self.page.goto(address)
        self.page.evaluate(OPENS)
        self.noticed.extend(f"{address}: leads to {found}" for found in self.page.evaluate(RUNS))

    def _asked(self, dialog: Dialog) -> None:
        self.noticed.append(f"{self.page.url}: a dialog")
        dialog.dismiss()

    def _heard(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.noticed.append(f"{self.page.url}: {message.text}")

    def _fetched(self, request: Request) -> None:
        if "struck" in request.url or "evil.example" in request.url:
            self.noticed.append(f"{self.page.url}: {request.url}")


@pytest.fixture(autouse=True)
def csrf(no_csrf: None) -> None:
    """Switched off."""


@pytest.fixture
def watch(context: BrowserContext) -> Watch:
    return Watch(context.new_page())


def raw_in(text: str) -> list[str]:
    """Which of the texts stand in a page as they were typed, or as what they come to?"""
    raw = [script for script in SCRIPTS if escape(script) != script and script in text]
    return raw + [RECKONED] * (RECKONED in text)


def rounds() -> Iterator[list[str]]:
    for first in range(0, len(SCRIPTS), AT_ONCE):
        yield list(SCRIPTS[first : first + AT_ONCE])


def test_every_column_of_text_is_known_to_these_tests() -> None:
    known = set(planted.PLANTED) | planted.OURS

    assert planted.columns_of_text() == known
    assert not set(planted.PLANTED) & planted.OURS
    assert len(set(SCRIPTS)) == 30


@pytest.mark.browser
def test_the_watch_notices_a_page_that_shows_them_as_they_are(context: BrowserContext) -> None:
    """Else it would notice nothing anywhere. Some wait for a mouse, or for what stands before them."""
    struck = [script for script in SCRIPTS[::3] if _is_noticed(context, script)]

    assert len(struck) > 5


def _is_noticed(context: BrowserContext, script: str) -> bool:
    watch = Watch(context.new_page())
    body = f"<!doctype html><title>x</title><p>{script}</p>"
    watch.page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    watch.page.goto(f"{ORIGIN}/")
    watch.page.close()
    return bool(watch.noticed)


@pytest.mark.browser
def test_one_page_of_each_kind_shows_them_as_text(app: Flask, watch: Watch, tmp_path: Path) -> None:
    """The quick part for `make test`: all at once, and only every fourth kind in a browser."""
    client = planted.fill(app, tmp_path)
    pages = first_of_each_kind(app, client)
    planted.plant(app, list(SCRIPTS))

    _look_around(app, watch, client, pages[::4])
    shown = {path: client.get(path).text for path in pages}

    assert watch.noticed == []
    assert _raw_anywhere(shown) == {}
    assert len(pages) > 20
    # They are there at all.
    assert len([text for text in shown.values() if "&lt;script&gt;alert(1)" in text]) > 10


def _look_around(app: Flask, watch: Watch, client: FlaskClient, paths: list[str]) -> None:
    with served(app) as url:
        hand_over(client, watch.page.context, url)
        for path in paths:
            watch.look_at(url + path)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(1200)
def test_every_page_shows_them_as_text(app: Flask, watch: Watch, tmp_path: Path) -> None:
    client = planted.fill(app, tmp_path)
    paths = whole_pages(app, client)

    for texts in rounds():
        planted.plant(app, texts)
        _look_around(app, watch, client, paths)

    assert watch.noticed == []
    assert len(paths) > 30


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_answer_echoes_them_raw(app: Flask, tmp_path: Path) -> None:
    """Answers to forms, too: each form is sent as it stands, with the texts in all its fields."""
    client = planted.fill(app, tmp_path)
    planted.plant(app, list(SCRIPTS))
    asked_for = " ".join(SCRIPTS)
    everything = dict.fromkeys(
        ("q", "tag", "code", "zone", "phone", "reason", "form", "state", "client"), asked_for
    )
    pages = whole_pages(app, client)

    shown = {path: client.get(path).text for path in pages}
    shown |= {f"{path} asked": _asked(client, path, everything) for path in {_bare(path) for path in pages}}
    forms = {action: names for path in pages for action, names in _forms_of(path, shown[path]).items()}
    for action, names in forms.items():
        shown[f"POST {action}"] = client.post(action, data=dict.fromkeys(names, asked_for)).text

    assert _raw_anywhere(shown) == {}
    assert len(forms) > 20


def _raw_anywhere(shown: dict[str, str]) -> dict[str, list[str]]:
    return {name: found for name, text in shown.items() if (found := raw_in(text))}


def _bare(path: str) -> str:
    return path.partition("?")[0]


def _asked(client: FlaskClient, path: str, everything: dict[str, str]) -> str:
    return client.get(f"{path}?{urlencode(everything)}").text


def _forms_of(path: str, page: str) -> dict[str, set[str]]:
    forms = _Forms(_bare(path))
    forms.feed(page)
    # The session is needed to the end.
    return {action: names for action, names in forms.found.items() if action != "/sign-out"}


class _Forms(HTMLParser):
    """Which forms stand in a page, where do they go, and what are their fields called?"""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.found: dict[str, set[str]] = {}
        self._path = path
        self._action = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = dict(attributes)
        if tag == "form" and (said.get("method") or "").lower() == "post":
            self._action = said.get("action") or self._path
            self.found.setdefault(self._action, set())
        elif self._action and tag in ("input", "select", "textarea", "button") and said.get("name"):
            self.found[self._action].add(said["name"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = ""
