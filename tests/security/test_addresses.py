"""Does an address say a phone where no search needs it? Proxies write addresses down."""

import base64
import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.api.answers import CURSOR
from dashboard.domain import api_tokens, stop_list
from dashboard.domain.sealing import Seal
from dashboard.domain.users import User
from dashboard.gateway import Verdict
from dashboard.models import Scope
from tests.factories import make_user, sign_in
from tests.support.engine import add_clients, arm, fan_out_all, saying, settle
from tests.support.settings import SECRET_KEY

API_LISTS = ("/messages", "/mailings/{}/messages", "/statistics/messages", "/stop-list", "/clients?order=phone")
PAGES = ("/mailings/{}/messages", "/unknown", "/stop-list", "/clients?sort=phone")
PHONE = re.compile(r"79\d{9}")
# What a list by phone, by time, by number might have for a place; and old cursors, which anybody could read.
STRANGE = ("[]", '["a"]', '{"a": 1}', '[-1, ""]', '[99999999999, ""]', "x", "9" * 40)


@pytest.fixture(autouse=True)
def csrf(no_csrf: None) -> None:
    """Switched off."""


@pytest.fixture
def someone(app: Flask) -> User:
    with app.app_context():
        return make_user()


@pytest.fixture
def mailing_id(app: Flask, someone: User) -> int:
    """Its 60 messages have unknown outcomes; all its clients are on the stop list by now."""
    with app.app_context():
        add_clients(someone.actor, 60)
        number = fan_out_all(someone.actor)
        settle(arm(number), saying(Verdict.UNCERTAIN, "timeout"))
        stop_list.add_many(someone.actor, [f"790{each % 5}{each:07}" for each in range(60)])
        return number


def read_in(address: str) -> str:
    """With what anybody reads who knows base64."""
    words = re.findall(r"[\w-]{8,}", address)
    unpacked = (base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)) for word in words if len(word) % 4 != 1)
    return " ".join([address, *(each.decode("latin-1") for each in unpacked)])


def links_of(page: str) -> list[str]:
    found = re.findall(r'(?:href|hx-get)="(/[^"]*[?;](?:after|before)=[^"]*)"', page)
    return [html.unescape(each) for each in found]


def test_pages_of_lists_by_phone_are_turned_without_a_phone_in_the_address(
    app: Flask, client: FlaskClient, someone: User, mailing_id: int
) -> None:
    sign_in(client, someone)
    met = {}

    for path in PAGES:
        first = client.get(path.format(mailing_id)).text
        onward = links_of(first)
        second = client.get(onward[0]).text
        back = links_of(second)
        met[path] = [PHONE.findall(read_in(each)) for each in (*onward, *back)]
        assert links_of(client.get(back[0]).text)[-1] == onward[-1]
    old = client.get("/stop-list?after=1795320000000000-79000000000")

    assert all(len(found) >= 2 and not any(found) for found in met.values()), met
    assert old.status_code == 200
    assert "?before=" not in old.text


def test_cursors_of_programs_say_no_phone_go_on_when_their_row_is_gone_and_are_refused_unless_ours(
    app: Flask, client: FlaskClient, someone: User, mailing_id: int
) -> None:
    with app.app_context():
        _token, text = api_tokens.make(someone.actor, "test", tuple(Scope))
    headers = {"Authorization": f"Token {text}"}

    for path in API_LISTS:
        address = f"/api/v1{path.format(mailing_id)}"
        joint = "&" if "?" in address else "?"
        page = client.get(f"{address}{joint}limit=20", headers=headers)
        again = client.get(f"{address}{joint}limit=20", headers={**headers, "If-None-Match": page.headers["ETag"]})
        if path == "/stop-list":
            with app.app_context():
                stop_list.remove(someone.actor, page.json["items"][-1]["phone_number"])
        following = client.get(page.json["next"], headers=headers).json
        sealed = [Seal(SECRET_KEY).close_alike(CURSOR, each) for each in STRANGE[:-2]]
        plain = [base64.urlsafe_b64encode(each.encode()).decode() for each in STRANGE]
        codes = [
            client.get(f"{address}{joint}cursor={each}", headers=headers).json["code"]
            for each in (*sealed, *plain, *STRANGE)
        ]

        assert PHONE.findall(read_in(page.json["next"])) == []
        assert again.status_code == 304
        assert len(following["items"]) == 20
        assert not {str(each) for each in page.json["items"]} & {str(each) for each in following["items"]}
        assert set(codes) == {"cursor_invalid"}
