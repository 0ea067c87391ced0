"""Does a file sent in by the page become clients, and does the page tell how far it is?"""

import csv
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.test import TestResponse

from dashboard.database import db
from dashboard.domain import imports
from dashboard.models import Client, Import, Role
from tests.factories import SignedIn
from tests.factories_clients import LIMITS
from tests.factories_mailings import followed

# In the address at which a page asks how far its import is.
ASKS = "/progress"


def send(browser: FlaskClient, content: str | bytes, name: str = "clients.csv") -> TestResponse:
    """Step 1."""
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return browser.post("/imports/new", data={"file": (file, name)}, content_type="multipart/form-data")


def number_in(answer: TestResponse) -> int:
    assert answer.status_code == 303, answer.text
    return int(answer.location.split("/imports/")[1].split("/")[0])


def choose(browser: FlaskClient, import_id: int, *meanings: str, **more: str) -> TestResponse:
    """Step 2: what is guessed, unless `meanings` says otherwise."""
    page = browser.get(f"/imports/{import_id}/columns").text
    form = {name: value for name, value in typed(page).items() if not name.startswith("csrf")}
    form |= {f"meaning_{at}": meaning for at, meaning in enumerate(meanings)}
    return browser.post(f"/imports/{import_id}/columns", data=form | more)


def typed(page: str) -> dict[str, str]:
    """What the form of the columns would send."""
    found = dict(re.findall(r'<input [^>]*name="(name_\d+)" value="([^"]*)"', page))
    for name, body in re.findall(r'<select [^>]*name="(meaning_\d+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        found[name] = re.findall(r'value="(\w+)" selected', body)[0]
    found |= dict(re.findall(r'name="(known)" value="(\w+)" checked', page))
    (zone,) = re.findall(r'<input [^>]*id="timezone"[^>]*>', page) or [""]
    found["timezone"] = "".join(re.findall(r'value="([^"]*)"', zone))
    return found | ({"has_header": "y"} if re.search(r'name="has_header" value="y" checked', page) else {})


def run(app: Flask, import_id: int) -> None:
    with app.app_context():
        imports.run(import_id, app.config["SETTINGS"].imports_dir, LIMITS)


def check(app: Flask, browser: FlaskClient, content: str | bytes, name: str = "clients.csv") -> int:
    """Steps 1 to 3."""
    import_id = number_in(send(browser, content, name))
    number_in(choose(browser, import_id))
    run(app, import_id)
    return import_id


def start(app: Flask, browser: FlaskClient, import_id: int) -> None:
    """Step 4."""
    assert browser.post(f"/imports/{import_id}/start").status_code == 303
    run(app, import_id)


def test_a_file_becomes_clients_in_four_steps(app: Flask, browser: FlaskClient) -> None:
    import_id = number_in(send(browser, "phone;tags\n8 999 123-45-67;vip\nbad;vip\n", "клиенты.csv"))
    columns = browser.get(f"/imports/{import_id}/columns").text

    choose(browser, import_id)
    checking = browser.get(f"/imports/{import_id}").text
    run(app, import_id)
    checked = browser.get(f"/imports/{import_id}").text
    before = browser.get("/clients").text
    start(app, browser, import_id)
    finished = browser.get(f"/imports/{import_id}").text

    assert "+7 999 123-45-67" in columns
    assert "клиенты.csv" in columns
    assert ASKS in checking
    assert "No client is changed by the dry run" in checking
    assert "Import now" in checked
    assert "This is no phone number" in checked
    assert "+7 999 123-45-67" not in before
    assert ASKS not in finished
    assert "+7 999 123-45-67" in browser.get("/clients").text
    assert "клиенты.csv" in browser.get("/imports").text


def test_the_columns_are_a_guess_that_can_be_corrected(app: Flask, browser: FlaskClient) -> None:
    content = "Клиент;Куда звонить;Где\nАнна;8 999 123-45-67;Omsk\n"
    import_id = number_in(send(browser, content))
    guessed = typed(browser.get(f"/imports/{import_id}/columns").text)

    choose(browser, import_id, "attribute", "phone", "tags", name_0="имя")
    run(app, import_id)
    start(app, browser, import_id)

    assert [guessed[f"meaning_{at}"] for at in range(3)] == ["attribute", "phone", "attribute"]
    with app.app_context():
        client = db.session.scalars(select(Client).options(selectinload(Client.tags))).one()
        assert (client.attributes, [tag.name for tag in client.tags]) == ({"имя": "Анна"}, ["Omsk"])


@pytest.mark.parametrize(
    "meanings, more, words",
    [
        (["tags", "ignore"], {}, "Say which column holds the phones"),
        (["phone", "phone"], {}, "Only one column can hold this"),
        (["phone", "attribute"], {"name_1": "two words"}, "one word of letters"),
        (["phone", "tags"], {"timezone": "Moon"}, "No such time zone"),
        (["phone", "tags"], {"known": "guess"}, "Not a valid choice"),
    ],
)
def test_a_wrong_mapping_is_told_beside_its_field_and_what_was_chosen_stays(
    browser: FlaskClient, meanings: list[str], more: dict[str, str], words: str
) -> None:
    import_id = number_in(send(browser, "phone;tags\n79991234567;vip\n"))

    answer = choose(browser, import_id, *meanings, **more)

    assert answer.status_code == 422
    assert words in answer.text
    kept = typed(answer.text)
    assert [kept[f"meaning_{at}"] for at in range(2)] == meanings
    assert kept["timezone"] == more.get("timezone", "Europe/Moscow")


def test_going_back_loses_nothing(app: Flask, browser: FlaskClient) -> None:
    import_id = check(app, browser, "phone;name;city\n79991234567;Anna;Omsk\n")

    choose(browser, import_id, "phone", "attribute", "ignore", name_1="first name", timezone="Moon", go="back")
    file = browser.get(f"/imports/{import_id}/file").text
    on = browser.post(f"/imports/{import_id}/file", data={})
    kept = typed(browser.get(f"/imports/{import_id}/columns").text)

    assert "clients.csv" in file
    assert on.location.endswith(f"/imports/{import_id}/columns")
    assert [kept[f"meaning_{at}"] for at in range(3)] == ["phone", "attribute", "ignore"]
    assert (kept["name_1"], kept["timezone"]) == ("first name", "Moon")


def test_another_file_may_come_in_place_of_the_first(app: Flask, browser: FlaskClient) -> None:
    import_id = check(app, browser, "phone\n79991234567\n")
    file = {"file": (io.BytesIO(b"tel;phone\n1;79990000001\n"), "second.csv")}

    browser.post(f"/imports/{import_id}/file", data=file, content_type="multipart/form-data")
    early = browser.post(f"/imports/{import_id}/start", headers={"Referer": f"/imports/{import_id}"})
    choose(browser, import_id)
    run(app, import_id)
    start(app, browser, import_id)

    assert early.status_code in (303, 409)
    page = browser.get("/clients").text
    assert "+7 999 000-00-01" in page
    assert "+7 999 123-45-67" not in page
    assert "second.csv" in browser.get("/imports").text


def test_what_is_chosen_is_shown_and_kept_at_once(browser: FlaskClient) -> None:
    import_id = number_in(send(browser, "phone;zone\n79991234567;utc+3\n"))
    form = {"has_header": "y", "known": "skip", "timezone": "UTC", "meaning_0": "phone", "meaning_1": "timezone"}

    shown = browser.post(f"/imports/{import_id}/preview", data=form).text
    kept = typed(browser.get(f"/imports/{import_id}/columns").text)

    assert shown.lstrip().startswith("<div")
    assert "UTC+03:00" in shown
    assert (kept["meaning_1"], kept["known"]) == ("timezone", "skip")


def test_an_unfinished_import_is_found_again_at_its_step(app: Flask, browser: FlaskClient) -> None:
    mapping = number_in(send(browser, "phone\n79991234567\n"))
    checked = check(app, browser, "phone\n79991234567\n")

    page = browser.get("/imports").text

    assert browser.get(f"/imports/{mapping}").location.endswith(f"/imports/{mapping}/columns")
    assert "Import now" in browser.get(f"/imports/{checked}").text
    assert sorted(re.findall(r"Step \d of 4", page)) == ["Step 2 of 4", "Step 3 of 4"]


def test_a_second_press_starts_nothing_anew(app: Flask, browser: FlaskClient) -> None:
    import_id = check(app, browser, "phone\n79991234567\n")
    start(app, browser, import_id)

    again = browser.post(f"/imports/{import_id}/start")
    run(app, import_id)

    assert again.status_code == 303
    with app.app_context():
        assert db.session.scalar(select(Import.created)) == 1


def test_the_import_is_knocked_for_after_it_is_kept(
    app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr("dashboard.jobs.queues.import_later", lambda _number: seen.extend(imports.unfinished()))

    import_id = check(app, browser, "phone\n79991234567\n")
    start(app, browser, import_id)

    assert seen == [import_id, import_id]


def test_a_poll_is_answered_only_when_something_has_changed(app: Flask, browser: FlaskClient) -> None:
    import_id = number_in(send(browser, "phone\n79991234567\n"))
    choose(browser, import_id)
    page = browser.get(f"/imports/{import_id}").text
    address = (
        page.split(ASKS)[0].rsplit('"', 1)[1] + ASKS + page.split(ASKS)[1].split('"')[0].replace("&amp;", "&")
    )

    quiet = browser.get(address)
    run(app, import_id)
    changed = browser.get(address)

    assert quiet.status_code == 204
    assert changed.status_code == 200
    assert ASKS not in changed.text
    assert changed.text.lstrip().startswith("<div")


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "The file is empty"),
        ("phone;name\n", "no client in the file"),
        ("PK\x03\x04", "This workbook cannot be read"),
        (";".join("abcdefghijklmnopqrstuvwxyz" * 3) + "\n", "more than 60 columns"),
    ],
)
def test_a_refused_file_is_told_beside_its_field_and_leaves_nothing_behind(
    app: Flask, browser: FlaskClient, content: str, words: str
) -> None:
    answer = send(browser, content)

    assert answer.status_code == 422
    assert words in answer.text
    folder = app.config["SETTINGS"].imports_dir
    assert not folder.exists() or not list(folder.iterdir())


def test_no_file_at_all_is_told_beside_its_field(browser: FlaskClient) -> None:
    answer = browser.post("/imports/new", data={})

    assert answer.status_code == 422
    assert "Choose a file" in answer.text


@pytest.mark.parametrize("is_checked_first", [True, False])
def test_a_file_beyond_the_limit_is_told_beside_its_field(
    app: Flask, browser: FlaskClient, is_checked_first: bool
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.config["WTF_CSRF_ENABLED"] = is_checked_first  # the check of the token reads the form, too

    answer = send(browser, "phone\n" + "79991234567\n" * 1000)

    assert answer.status_code == 413
    assert "The file is too large" in answer.text
    assert "at most 64 MB" in answer.text


def test_problems_come_as_a_csv_that_no_spreadsheet_executes(app: Flask, browser: FlaskClient) -> None:
    content = 'phone;tags\n=1+1;x\n+49 151 12345678;x\n"a;b\n@cmd\n'
    import_id = check(app, browser, content)

    answer = browser.get(f"/imports/{import_id}/problems.csv")

    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.text.startswith("\ufeff")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert rows[0] == ["Line", "What is wrong", "What stood there"]
    assert rows[1:] == [
        ["2", "This is no phone number", "'=1+1"],
        ["3", "Only Russian numbers (+7) can be messaged", "'+49 151 12345678"],
        ["4", "A quotation mark is never closed", '"a;b'],
        ["5", "This is no phone number", "'@cmd"],
    ]


def test_an_import_can_be_cancelled_while_it_waits(app: Flask, browser: FlaskClient) -> None:
    import_id = check(app, browser, "phone\n79991234567\n")
    begun = followed(browser, browser.post(f"/imports/{import_id}/start"))

    cancelled = followed(browser, browser.post(f"/imports/{import_id}/cancel"))
    run(app, import_id)

    assert "The import has begun." in begun
    assert "The import has been cancelled. No client has been changed." in cancelled
    assert "stays" not in cancelled
    assert ASKS not in browser.get(f"/imports/{import_id}").text
    assert "No clients yet" in browser.get("/clients").text
    assert list(app.config["SETTINGS"].imports_dir.iterdir()) == []


def test_others_imports_are_not_found(browser: FlaskClient, signed_in: SignedIn) -> None:
    import_id = number_in(send(browser, "phone\nbad\n"))
    stranger = signed_in()

    for path in ("", "/progress", "/problems.csv", "/file", "/columns"):
        assert stranger.get(f"/imports/{import_id}{path}").status_code == 404
    for path in ("/file", "/columns", "/preview", "/start", "/cancel"):
        assert stranger.post(f"/imports/{import_id}{path}").status_code == 404


def test_a_viewer_looks_on(browser: FlaskClient, signed_in: SignedIn) -> None:
    import_id = number_in(send(browser, "phone\n79991234567\n"))
    viewer = signed_in(Role.VIEWER)

    page = viewer.get(f"/imports/{import_id}")

    assert page.status_code == 200
    assert f"/imports/{import_id}/cancel" not in page.text
    assert viewer.get("/imports/new").status_code == 403
    assert send(viewer, "phone\n79991234567\n").status_code == 403
    for path in ("file", "columns", "preview", "start", "cancel"):
        assert viewer.post(f"/imports/{import_id}/{path}").status_code == 403
