"""Do administrators find what is there for them alone?"""

import re

from flask import Flask

from dashboard.domain import registration
from dashboard.domain.registration import Registration
from dashboard.models import Role
from tests.factories import PASSWORD, SignedIn, make_user


def links(page: str) -> set[str]:
    """Addresses in the page's own part, without what stands around it on every page."""
    return set(re.findall(r'href="(/[^"#]*)"', page.partition("<main")[2]))


def test_one_page_leads_to_all_that_administrators_do(app: Flask, signed_in: SignedIn) -> None:
    chief, operator = signed_in(Role.ADMINISTRATOR), signed_in(Role.OPERATOR)
    with app.app_context():
        registration.register(
            Registration("Sveta", "sveta@example.com", PASSWORD, "en", "UTC"), registration.Policy.APPROVAL
        )

    page = chief.get("/administration").text
    found = links(page)

    expected = {
        "/users",
        "/second-factor-rule",
        "/api-tokens/everybody",
        "/limits",
        "/audit",
        "/erase",
        "/test-data",
    }
    assert expected | {"/users?state=waiting"} == found
    assert "1 waits for approval" in page
    assert {chief.get(address).status_code for address in found} == {200}
    assert operator.get("/administration").status_code == 403
    assert 'href="/administration"' in chief.get("/").text
    assert 'href="/administration"' not in operator.get("/").text


def test_pages_lead_to_the_second_factor_and_to_what_was_done(app: Flask, signed_in: SignedIn) -> None:
    chief = signed_in(Role.ADMINISTRATOR)
    with app.app_context():
        user = make_user()

    own, theirs = chief.get("/profile").text, chief.get(f"/users/{user.id}").text

    assert "/profile/second-factor" in links(own)
    assert f"/audit?thing=user&amp;number={user.id}" in theirs
