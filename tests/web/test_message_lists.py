"""Can the messages of a mailing be listed, narrowed, turned, and saved as a file?"""

import csv
import html
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import message_lists, stop_list
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import SignedIn
from tests.support.engine import ScriptedGateway, add_clients, deliver, fan_out_all


@pytest.fixture
def sent(app: Flask, owner: User) -> int:
    """A mailing that has gone out to 60 clients, one of whom is on the stop list."""
    with app.app_context():
        actor = owner.actor
        add_clients(actor, 60, ("Europe/Moscow", "Asia/Omsk"))
        stop_list.add(actor, "79000000000")
        mailing_id = fan_out_all(actor, text="Dear {{name}}")
        deliver(ScriptedGateway())
        return mailing_id


def next_of(page: str) -> str:
    return html.unescape(re.findall(r'href="([^"]*[?;]after=[^"]*)"', page)[0])


def test_the_messages_are_turned_page_by_page(browser: FlaskClient, sent: int) -> None:
    first = browser.get(f"/mailings/{sent}/messages").text
    second = browser.get(next_of(first)).text

    assert "Found: 60" in first
    assert "+7 900 000-00-00" in first
    assert "+7 904 000-00-59" not in first
    assert "+7 904 000-00-59" in second
    assert "?before=" in second


def test_the_messages_are_filtered_by_status_and_reason(browser: FlaskClient, sent: int) -> None:
    skipped = browser.get(f"/mailings/{sent}/messages?status=skipped&reason=stop_list").text
    nothing = browser.get(f"/mailings/{sent}/messages?status=failed").text
    nonsense = browser.get(f"/mailings/{sent}/messages?status=gone&after=x").text

    assert "Found: 1" in skipped
    assert '<option value="stop_list" selected>The phone is on the stop list</option>' in skipped
    assert "No message stands here" in nothing
    assert "Found: 60" in nonsense


def test_the_messages_are_filtered_by_code_zone_and_phone(browser: FlaskClient, sent: int) -> None:
    code = browser.get(f"/mailings/{sent}/messages?code=904").text
    zone = browser.get(f"/mailings/{sent}/messages?zone=Asia/Omsk").text
    phone = browser.get(f"/mailings/{sent}/messages?phone=8+904+000-00-59").text

    assert "Found: 12" in code
    assert "Found: 30" in zone
    assert "Found: 1<" in phone
    assert "+7 904 000-00-59" in phone


def test_a_filter_stays_in_every_address_of_its_page(browser: FlaskClient, sent: int) -> None:
    page = browser.get(f"/mailings/{sent}/messages?status=sent&zone=Europe/Moscow&code=904").text

    tabs = re.findall(r'<a href="([^"]+)"', page.partition('id="message-tabs"')[2].partition("</nav>")[0])
    assert all("code=904" in each and "zone=Europe/Moscow" in each for each in tabs)
    assert "messages.csv?status=sent&amp;reason=&amp;code=904&amp;zone=Europe/Moscow" in page


def test_each_row_tells_the_clients_own_time(browser: FlaskClient, sent: int) -> None:
    page = browser.get(f"/mailings/{sent}/messages?phone=79010000001").text

    users = re.search(r"<time[^>]*>[^<]*([0-9]{2}:[0-9]{2})</time>", page)
    clients = re.search(r'client-clock">[^<]*([0-9]{2}:[0-9]{2})<', page)
    assert users
    assert clients
    assert (int(clients[1][:2]) - int(users[1][:2])) % 24 == 3  # Omsk and Moscow
    assert clients[1][2:] == users[1][2:]


def test_a_page_that_looked_far_enough_offers_to_go_on(
    browser: FlaskClient, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_lists.page, "__kwdefaults__", {**message_lists.page.__kwdefaults__, "look": 10})

    page = browser.get(f"/mailings/{sent}/messages?phone=0000059").text

    assert "Nothing found so far" in page
    assert "10 messages have been looked through" in page
    assert "&amp;after=" in page


def test_the_list_is_saved_as_csv_with_the_same_filter(browser: FlaskClient, sent: int) -> None:
    everything = browser.get(f"/mailings/{sent}/messages.csv")
    skipped = rows_of(browser.get(f"/mailings/{sent}/messages.csv?status=skipped&reason=stop_list").text)
    sent_ones = rows_of(browser.get(f"/mailings/{sent}/messages.csv?status=sent&code=904").text)

    assert everything.mimetype == "text/csv"
    assert f"messages-{sent}.csv" in everything.headers["Content-Disposition"]
    assert len(rows_of(everything.text)) == 60
    assert [(row["Phone"], row["Status"], row["Why"]) for row in skipped] == [
        ("79000000000", "Skipped", "The phone is on the stop list")
    ]
    assert {(row["Operator code"], row["Status"], row["Tries"]) for row in sent_ones} == {("904", "Sent", "1")}
    assert len(sent_ones) == 12


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_viewer_saves_the_list_and_a_stranger_finds_none(signed_in: SignedIn, sent: int) -> None:
    assert signed_in(Role.VIEWER).get(f"/mailings/{sent}/messages.csv").status_code == 200
    assert signed_in().get(f"/mailings/{sent}/messages.csv").status_code == 404
