"""Is all of a table in sight where there is room for it?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from dashboard.domain import imports
from dashboard.domain.imports import Upload
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import Role
from tests.factories import make_user, sign_in
from tests.factories_clients import LIMITS
from tests.support.client_files import make_file
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all, saying
from tests.support.served import opened

# In how many lines stands the text of each?
LINES = """words => words.map(word => {
    const range = document.createRange();
    range.selectNodeContents(word.lastChild);
    return range.getClientRects().length;
})"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture(params=["ru", "en"])
def page(app: Flask, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    with app.app_context():
        user = make_user(Role.ADMINISTRATOR, language=request.param)
        add_clients(user.actor, 5)
        fan_out_all(user.actor, title="Осенняя распродажа для постоянных клиентов")
        deliver(ScriptedGateway(saying(Verdict.UNCERTAIN, "connection_lost")))
        begin_import(app, user.actor, tmp_path)
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, user)
    with opened(app, browser, client, reduced_motion="reduce") as page:
        yield page


def begin_import(app: Flask, owner: Actor, folder: Path) -> None:
    upload = folder / "upload"
    upload.write_bytes(make_file(1_000).content)
    imports_dir = app.config["SETTINGS"].imports_dir
    imports_dir.mkdir(exist_ok=True)
    imports.begin(owner, Upload(upload, "clients.csv"), "UTC", imports_dir, LIMITS)


@pytest.mark.parametrize("width", [1280, 360])
def test_both_decisions_about_an_unknown_outcome_are_in_sight(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(f"{page.url}unknown")

    assert page.locator("#unknowns tbody tr").count() == 5
    assert page.locator("#unknowns").evaluate("box => box.scrollWidth - box.clientWidth") == 0


def test_a_short_word_is_not_broken_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 780})

    page.goto(f"{page.url}imports/1/columns")

    lines = page.locator(".verdict .sign").evaluate_all(LINES)
    assert lines
    assert set(lines) == {1}
