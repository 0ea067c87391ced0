"""Can the stop list be read, filled and emptied, without a line of it getting lost?"""

import re

from flask import Flask
from flask.testing import FlaskClient

from dashboard.domain import stop_list
from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import SignedIn, make_actor
from tests.factories_clients import make_client, numbered


def listed(app: Flask, phone: str) -> bool:
    with app.app_context():
        return stop_list.is_listed(phone)


def test_many_phones_are_added_at_once(app: Flask, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR, name="Boss")

    answer = administrator.post("/stop-list/add", data={"phones": "8 (900) 000-00-01\r\n\r\n+7 900 000 00 02\r\n"})

    page = administrator.get(answer.location).text
    assert answer.location == "/stop-list"
    assert "2 phones were put on the stop list." in page
    assert "+7 900 000-00-01" in page
    assert "Boss" in page
    assert "entered by hand" in page


def test_bad_lines_stay_to_be_mended_and_good_ones_are_taken(app: Flask, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    typed = "79000000001\n12<3\n\n+1 212 555 01 00\n79000000002"

    answer = administrator.post("/stop-list/add", data={"phones": typed})

    assert answer.status_code == 422
    assert "2 phones were put on the stop list." in answer.text
    assert re.findall(r'data-label="Line">(\d+)<', answer.text) == ["2", "4"]
    field = answer.text.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]
    assert field.strip().splitlines() == ["12&lt;3", "+1 212 555 01 00"]
    assert listed(app, "79000000001")
    assert listed(app, "79000000002")


def test_an_operator_lists_their_clients_phones_and_is_told_of_the_others(
    app: Flask, browser: FlaskClient, owner: User
) -> None:
    with app.app_context():
        make_client(owner.actor, numbered(1))

    answer = browser.post("/stop-list/add", data={"phones": f"{numbered(1)}\n{numbered(2)}"})

    assert answer.status_code == 422
    assert "None of your clients has this phone" in answer.text
    assert listed(app, numbered(1))
    assert not listed(app, numbered(2))


def test_nothing_typed_is_told_beside_the_field(browser: FlaskClient) -> None:
    answer = browser.post("/stop-list/add", data={"phones": " \n"})

    assert answer.status_code == 422
    assert 'aria-describedby="phones-errors' in answer.text


def test_a_phone_is_taken_off_and_the_search_stays(app: Flask, browser: FlaskClient, owner: User) -> None:
    with app.app_context():
        make_client(owner.actor, numbered(1))
        stop_list.add(owner.actor, numbered(1))

    answer = browser.post("/stop-list/remove?q=900", data={"phone": numbered(1)})

    assert answer.location == "/stop-list?q=900"
    assert "The phone is off the stop list." in browser.get(answer.location).text
    assert not listed(app, numbered(1))


def test_the_list_is_searched_and_turned_page_by_page(app: Flask, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR)
    administrator.post("/stop-list/add", data={"phones": "\n".join(numbered(number) for number in range(60))})

    first = administrator.get("/stop-list?q=7900").text
    link = first.split('hx-get="/stop-list?')[1].split('"')[0].replace("&amp;", "&")
    second = administrator.get(f"/stop-list?{link}", headers={"HX-Request": "true"}).text

    assert first.count('class="row-link') == 50
    assert second.count('class="row-link') == 10
    assert "<!doctype" not in second.lower()
    assert "Found: 60" in second
    assert "Not on the stop list" in administrator.get("/stop-list?q=4444").text
    assert administrator.get("/stop-list?after=nonsense&before=1-2").status_code == 200


def test_the_stop_list_leaves_as_a_table(app: Flask, signed_in: SignedIn) -> None:
    administrator = signed_in(Role.ADMINISTRATOR, name="Boss")
    administrator.post("/stop-list/add", data={"phones": f"{numbered(1)}\n79160000002"})

    lines = administrator.get("/stop-list/export.csv?q=916").text.lstrip("\ufeff").splitlines()

    assert lines[0] == "phone,stop_listed_at,source,added_by"
    assert [line.split(",")[0] for line in lines[1:]] == ["79160000002"]
    assert lines[1].endswith(",operator,Boss")


def test_an_empty_list_says_what_to_do_next(browser: FlaskClient) -> None:
    page = browser.get("/stop-list").text

    assert "Nobody is on the stop list" in page
    assert "/stop-list/add" in page


def test_a_viewer_reads_and_changes_nothing(app: Flask, signed_in: SignedIn) -> None:
    with app.app_context():
        administrator = make_actor(Role.ADMINISTRATOR)
        stop_list.add(administrator, numbered(1))
    viewer = signed_in(Role.VIEWER)

    page = viewer.get("/stop-list").text

    assert "+7 900 000-00-01" in page
    assert "/stop-list/add" not in page
    assert "/stop-list/remove" not in page
    assert viewer.get("/stop-list/add").status_code == 403
    assert viewer.post("/stop-list/remove", data={"phone": numbered(1)}).status_code == 403
    assert listed(app, numbered(1))


def test_an_operator_sees_only_what_concerns_them(app: Flask, browser: FlaskClient, owner: User) -> None:
    with app.app_context():
        make_client(owner.actor, numbered(1))
        administrator = make_actor(Role.ADMINISTRATOR)
        for number in (1, 2):
            stop_list.add(administrator, numbered(number))

    page = browser.get("/stop-list").text
    table = browser.get("/stop-list/export.csv").text

    assert "000-00-01" in page
    assert "000-00-02" not in page
    assert numbered(2) not in table
    assert browser.post("/stop-list/remove", data={"phone": numbered(2)}).status_code == 404
