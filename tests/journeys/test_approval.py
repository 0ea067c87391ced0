"""Does a mailing to very many wait until a second person agrees, and then reach everybody once?"""

import pytest
from playwright.sync_api import Browser, expect

from dashboard import clock
from dashboard.domain import limits, mailings
from dashboard.domain.limits import Limits
from dashboard.models import Role
from tests.support.engine import add_clients, make_draft
from tests.support.installation import Installation
from tests.support.stage import backstage, confirm, ledger_shown, person, received, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CLIENTS = 12


@pytest.mark.slow
def test_what_an_operator_launches_above_the_limit_goes_out_once_an_administrator_agrees(
    any_installation: Installation, browser: Browser
) -> None:
    noise: list[str] = []
    with any_installation as installation:
        with backstage(installation):
            administrator = person(Role.ADMINISTRATOR, "Anna").actor
            owner = person(Role.OPERATOR, "Olga").actor
            limits.change(administrator, Limits(approval_above=CLIENTS - 1))
            add_clients(owner, CLIENTS)
            mailing_id = mailings.create(owner, make_draft(title="For everybody"))
        olga = signed_in(browser, installation, "Olga", noise)
        olga.goto(f"{installation.url}/mailings/{mailing_id}")
        olga.locator("#live").get_by_role("button", name="Schedule").click()
        confirm(olga, "Schedule")
        expect(olga.locator("#live")).to_contain_text("Waits for a second person's approval")
        expect(olga.get_by_role("button", name="Approve")).to_have_count(0)
        clock.sleep(3)
        before = received(installation)

        anna = signed_in(browser, installation, "Anna", noise)
        expect(anna.locator("#now")).to_contain_text("For everybody")
        anna.get_by_role("link", name="For everybody").first.click()
        anna.locator("#live").get_by_role("button", name="Approve").click()
        confirm(anna, "Approve")
        expect(anna.locator("#live-poll")).to_have_count(0, timeout=30_000)
        # Olga's page has followed by itself.
        expect(olga.locator("#live-poll")).to_have_count(0, timeout=20_000)
        counts, sent = ledger_shown(olga), received(installation)

    assert before.total() == 0
    assert counts == {"sent": CLIENTS, "total": CLIENTS}
    assert len(sent) == sent.total() == CLIENTS
    assert noise == []
