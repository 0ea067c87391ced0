"""Does the gateway receive again exactly what a person chose to send again?"""

import pytest
from playwright.sync_api import Browser, expect

from dashboard.jobs import queues
from dashboard.models import Role
from tests.support.engine import add_clients, fan_out_all
from tests.support.installation import Installation
from tests.support.stage import backstage, ledger_shown, person, received, signed_in, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CLIENTS = 60
AGAIN = 3


@pytest.mark.slow
def test_unknown_outcomes_are_resolved_and_only_the_chosen_go_out_again(
    any_installation: Installation, browser: Browser
) -> None:
    noise: list[str] = []
    with any_installation as installation:
        # The gateway takes the message, and the connection breaks before it says so.
        installation.ask_simulator("PUT", "/faults", json={"reset_after": 0.3, "first_tries": 1})
        with backstage(installation):
            owner = person(Role.OPERATOR, "Olga").actor
            add_clients(owner, CLIENTS)
            mailing_id = fan_out_all(owner, title="For the regulars")
            queues.work_later()
        page = signed_in(browser, installation, "Olga", noise)
        page.goto(f"{installation.url}/mailings/{mailing_id}")
        expect(page.locator("#live-poll")).to_have_count(0, timeout=30_000)
        before = ledger_shown(page)
        first = received(installation)

        page.goto(f"{installation.url}/unknown")
        rows = page.locator("#unknowns tbody tr")
        expect(rows).to_have_count(before["unknown"])
        expect(rows.first).to_contain_text("The connection broke before the answer")
        expect(page.get_by_role("button", name="Send again", exact=True).first).to_be_disabled()
        chosen = []
        for box in rows.locator("input[name=id]").all()[:AGAIN]:
            box.check()
            chosen.append(int(box.get_attribute("value") or 0))
        page.get_by_role("group", name="Ticked ones").get_by_role("button", name="Send again").click()
        expect(page.locator("main")).to_contain_text(f"{AGAIN} clients may get the message twice")
        page.get_by_role("button", name=f"Send {AGAIN} messages again").click()
        expect(page.locator(".note-success")).to_contain_text(f"{AGAIN} messages will be sent again.")
        wait_until(lambda: received(installation).total() == CLIENTS + AGAIN)

        page.get_by_role("button", name="Take all for sent").click()
        page.get_by_role("button", name="messages for sent").click()
        expect(page.locator("#unknowns")).to_contain_text("No outcome is unknown")
        page.goto(f"{installation.url}/mailings/{mailing_id}")
        expect(page.locator("#live-poll")).to_have_count(0, timeout=30_000)
        after = ledger_shown(page)
        last = received(installation)

    assert before["unknown"] > AGAIN
    assert before["unknown"] + before["sent"] == CLIENTS
    assert set(first.values()) == {1}
    assert after == {"sent": CLIENTS, "total": CLIENTS}
    assert {message_id for message_id, count in last.items() if count == 2} == set(chosen)
    assert last.total() == CLIENTS + AGAIN
    assert noise == []
