"""Does a file sent in by the page become clients, and does the page tell how far it is?"""

import csv
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.domain import imports
from dashboard.models import Role
from tests.factories import SignedIn


def send(browser: FlaskClient, content: str | bytes, name: str = "clients.csv", **more: str) -> TestResponse:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    form = {"file": (file, name), "known": "update", "timezone": "Europe/Moscow", **more}
    return browser.post("/imports/new", data=form, content_type="multipart/form-data")


def run(app: Flask, import_id: int) -> None:
    with app.app_context():
        imports.run(import_id, app.config["SETTINGS"].imports_dir)


def number_in(answer: TestResponse) -> int:
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def test_a_file_is_taken_queued_and_read(app: Flask, browser: FlaskClient) -> None:
    import_id = number_in(send(browser, "phone;tags\n8 999 123-45-67;vip\nbad;vip\n", "клиенты.csv"))

    waiting = browser.get(f"/imports/{import_id}").text
    run(app, import_id)
    finished = browser.get(f"/imports/{import_id}").text

    assert "data-poll" in waiting
    assert "клиенты.csv" in waiting
    assert "data-poll" not in finished
    assert "This is no phone number" in finished
    assert "+7 999 123-45-67" in browser.get("/clients").text
    assert "клиенты.csv" in browser.get("/imports").text


def test_the_import_is_knocked_for_after_it_is_kept(
    app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr("dashboard.jobs.queues.import_later", lambda _number: seen.extend(imports.unfinished()))

    import_id = number_in(send(browser, "phone\n79991234567\n"))

    assert seen == [import_id]


def test_a_poll_is_answered_only_when_something_has_changed(app: Flask, browser: FlaskClient) -> None:
    import_id = number_in(send(browser, "phone\n79991234567\n"))
    page = browser.get(f"/imports/{import_id}").text
    address = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")

    quiet = browser.get(address)
    run(app, import_id)
    changed = browser.get(address)

    assert quiet.status_code == 204
    assert changed.status_code == 200
    assert "data-poll" not in changed.text
    assert changed.text.lstrip().startswith("<div")


@pytest.mark.parametrize(
    "content, more, words",
    [
        ("", {}, "The file is empty"),
        ("name\nAnna\n", {}, "no column"),
        ("PK\x03\x04", {}, "This is an Excel workbook"),
        ("phone\n79991234567\n", {"timezone": "Moon"}, "No such time zone"),
        ("phone\n79991234567\n", {"known": "guess"}, "Not a valid choice"),
    ],
)
def test_a_refused_file_is_told_beside_its_field_and_leaves_nothing_behind(
    app: Flask, browser: FlaskClient, content: str, more: dict[str, str], words: str
) -> None:
    answer = send(browser, content, **more)

    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{more.get("timezone", "Europe/Moscow")}"' in answer.text
    folder = app.config["SETTINGS"].imports_dir
    assert not folder.exists() or not list(folder.iterdir())


def test_no_file_at_all_is_told_beside_its_field(browser: FlaskClient) -> None:
    answer = browser.post("/imports/new", data={"known": "skip", "timezone": "UTC"})

    assert answer.status_code == 422
    assert "Choose a file" in answer.text
    assert 'value="UTC"' in answer.text


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
    import_id = number_in(send(browser, content))
    run(app, import_id)

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
    import_id = number_in(send(browser, "phone\n79991234567\n"))

    browser.post(f"/imports/{import_id}/cancel")
    run(app, import_id)

    assert "data-poll" not in browser.get(f"/imports/{import_id}").text
    assert "No clients yet" in browser.get("/clients").text
    assert list(app.config["SETTINGS"].imports_dir.iterdir()) == []


def test_others_imports_are_not_found(browser: FlaskClient, signed_in: SignedIn) -> None:
    import_id = number_in(send(browser, "phone\nbad\n"))
    stranger = signed_in()

    for path in ("", "/progress", "/problems.csv"):
        assert stranger.get(f"/imports/{import_id}{path}").status_code == 404
    assert stranger.post(f"/imports/{import_id}/cancel").status_code == 404


def test_a_viewer_looks_on(browser: FlaskClient, signed_in: SignedIn) -> None:
    import_id = number_in(send(browser, "phone\n79991234567\n"))
    viewer = signed_in(Role.VIEWER)

    page = viewer.get(f"/imports/{import_id}")

    assert page.status_code == 200
    assert f"/imports/{import_id}/cancel" not in page.text
    assert viewer.get("/imports/new").status_code == 403
    assert send(viewer, "phone\n79991234567\n").status_code == 403
    assert viewer.post(f"/imports/{import_id}/cancel").status_code == 403
