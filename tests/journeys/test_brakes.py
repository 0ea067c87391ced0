"""Does a press that stops something stop it at the gateway, too, and does everything else arrive exactly once?"""

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock
from dashboard.domain.permissions import Actor
from dashboard.domain.policy import BEGIN_WITHIN
from dashboard.jobs import queues
from dashboard.models import Role
from tests.support.engine import add_clients, fan_out_all
from tests.support.installation import Installation
from tests.support.stage import backstage, confirm, ledger_shown, person, received, signed_in, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CLIENTS = 200
# So slow that a person can press in the midst of it, however fast the machine.
A_SECOND = 20
LATENCY_MS = 300


def people(installation: Installation) -> Actor:
    """Anna is an administrator; Olga, who is answered, an operator."""
    installation.ask_simulator("PUT", "/faults", json={"latency_ms": [LATENCY_MS, LATENCY_MS]})
    with backstage(installation):
        person(Role.ADMINISTRATOR, "Anna")
        owner = person(Role.OPERATOR, "Olga").actor
        add_clients(owner, CLIENTS)
    return owner


def begin(installation: Installation, owner: Actor) -> int:
    with backstage(installation):
        mailing_id = fan_out_all(owner, title="For the regulars", rate_limit=A_SECOND)
        queues.work_later()
    return mailing_id


def in_the_midst(installation: Installation) -> None:
    wait_until(lambda: len(received(installation)) > A_SECOND)


def what_was_in_flight_is_settled() -> None:
    clock.sleep(BEGIN_WITHIN.total_seconds() + LATENCY_MS / 1000 + 1)


def settled(page: Page) -> dict[str, int]:
    """The ledger once nothing can change any more."""
    expect(page.locator("#live-poll")).to_have_count(0, timeout=40_000)
    return ledger_shown(page)


@pytest.mark.slow
def test_after_the_global_stop_nothing_leaves_and_after_the_release_all_arrive_once(
    any_installation: Installation, browser: Browser
) -> None:
    noise: list[str] = []
    with any_installation as installation:
        owner = people(installation)
        olga = signed_in(browser, installation, "Olga", noise)
        anna = signed_in(browser, installation, "Anna", noise)
        mailing_id = begin(installation, owner)
        anna.goto(f"{installation.url}/mailings/{mailing_id}")
        olga.goto(f"{installation.url}/clients")
        in_the_midst(installation)

        olga.get_by_role("button", name="Stop everything").click()
        expect(olga.locator("dialog[open]")).to_contain_text("1 mailing is running now.")
        confirm(olga, "Stop everything")
        expect(olga.locator("#bar-halted")).to_contain_text("Olga stopped everything")
        expect(olga.get_by_role("button", name="Let sending go on")).to_have_count(0)
        # Anna's page has not been loaded again.
        expect(anna.locator("#bar-halted")).to_contain_text("Olga stopped everything", timeout=5_000)
        expect(anna.get_by_role("button", name="Stop everything")).to_have_count(0)
        what_was_in_flight_is_settled()
        stopped = received(installation)
        clock.sleep(2)
        later = received(installation)

        anna.get_by_role("button", name="Let sending go on").click()
        confirm(anna, "Let sending go on")
        expect(anna.locator("#bar-halted")).to_have_count(0)
        counts = settled(anna)
        sent = received(installation)

    assert 0 < len(stopped) < CLIENTS
    assert later == stopped
    assert counts == {"sent": CLIENTS, "total": CLIENTS}
    assert len(sent) == CLIENTS
    assert set(sent.values()) == {1}
    assert noise == []


@pytest.mark.slow
def test_what_a_cancelled_mailing_counts_as_sent_is_what_the_gateway_received(
    any_installation: Installation, browser: Browser
) -> None:
    noise: list[str] = []
    with any_installation as installation:
        owner = people(installation)
        page = signed_in(browser, installation, "Olga", noise)
        mailing_id = begin(installation, owner)
        page.goto(f"{installation.url}/mailings/{mailing_id}")
        in_the_midst(installation)

        page.get_by_role("button", name="Cancel", exact=True).click()
        confirm(page, "Cancel the mailing")
        counts = settled(page)
        sent = received(installation)

    assert 0 < counts["sent"] == len(sent) < CLIENTS
    assert counts == {"sent": len(sent), "cancelled": CLIENTS - len(sent), "total": CLIENTS}
    assert set(sent.values()) == {1}
    assert noise == []
