"""Do the bars of a mailing that took weeks show, each a day of the reader's clock?"""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect
from sqlalchemy import insert

from dashboard import clock
from dashboard.database import transaction
from dashboard.models import Dimension, Tally
from tests.factories import PASSWORD, make_user
from tests.support.engine import add_clients, fan_out_all
from tests.support.served import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

# How many columns of pixels of the canvas hold more than a line of the grid does.
BARS = """canvas => {
    const {width, height} = canvas;
    const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const opaque = (x) => Array.from({length: height}, (_, y) => data[4 * (y * width + x) + 3] > 250);
    const columns = Array.from({length: width}, (_, x) => opaque(x).filter(Boolean).length);
    return columns.filter((n) => n > height / 2).length;
}"""


@pytest.mark.parametrize("width", [360, 1440])
def test_the_bars_of_a_month_are_days_and_can_be_seen(app: Flask, browser: Browser, width: int) -> None:
    with app.app_context():
        owner = make_user(timezone="Asia/Tokyo")
        add_clients(owner.actor, 1)
        mailing_id = fan_out_all(owner.actor)
        # Half past two at night in Tokyo is the evening before in Greenwich.
        newest = clock.now().astimezone(UTC).replace(hour=17, minute=30, second=0, microsecond=0) - timedelta(
            days=1
        )
        add_minutes(mailing_id, [newest - timedelta(days=day) for day in range(30)])

    with served(app) as address:
        context = browser.new_context(locale="en-GB", viewport={"width": width, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/sign-in?next=/mailings/{mailing_id}")
        page.locator("[name=login]").fill(owner.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        page.locator(".chart-numbers summary").click()
        days = page.locator("#chart-table tbody th")
        expect(days).to_have_count(30)
        last, drawn = days.last.inner_text(), page.locator("#chart").evaluate(BARS)
        context.close()

    in_tokyo = newest + timedelta(hours=9)
    assert last == f"{in_tokyo:%b} {in_tokyo.day}"
    assert drawn >= 30


def add_minutes(mailing_id: int, minutes: list[datetime]) -> None:
    """In each of them, seven have been sent."""
    rows = [
        {
            "mailing_id": mailing_id,
            "dimension": Dimension.MINUTE,
            "key": minute.strftime("%Y-%m-%dT%H:%M"),
            "status": "sent",
            "slot": 0,
            "change": 7,
        }
        for minute in minutes
    ]
    with transaction() as session:
        session.execute(insert(Tally), rows)
