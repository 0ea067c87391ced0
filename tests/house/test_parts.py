"""Are the parts that tests ask for real, and as empty as each test believes?"""

from pathlib import Path

import pytest
from flask import Flask, g
from playwright.sync_api import Browser
from redis import Redis
from sqlalchemy import text

from dashboard.database import db, transaction
from tests.support.apps import running_app


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_a_database_of_its_own(turn: str, any_context: Flask) -> None:
    with transaction() as session:
        session.execute(text("CREATE TABLE left_over (id INTEGER)"))

    assert db.session.scalar(text("SELECT count(*) FROM left_over")) == 0


def test_postgres_is_postgres(pg_app: Flask) -> None:
    with pg_app.app_context():
        version = db.session.scalar(text("SELECT version()"))

    assert version.startswith("PostgreSQL")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_an_empty_redis(turn: str, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 0
        redis.set("left", "over")


def test_no_context_is_kept_from_one_request_to_the_next(own_app: Flask) -> None:
    seen = []

    @own_app.before_request
    def look() -> None:
        seen.append("mark" in g)
        g.mark = True

    client = own_app.test_client()
    client.get("/healthz")
    client.get("/healthz")

    assert seen == [False, False]


@pytest.mark.browser
def test_the_browser_has_letters_for_russian(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<canvas width=40 height=40></canvas>")
    draw = """letter => {
        const pen = document.querySelector("canvas").getContext("2d");
        pen.clearRect(0, 0, 40, 40);
        pen.font = "30px sans-serif";
        pen.fillText(letter, 5, 30);
        return pen.getImageData(0, 0, 40, 40).data.join();
    }"""

    drawn = [page.evaluate(draw, letter) for letter in ("Ж", "ы", " ")]

    assert len(set(drawn)) == 3  # neither blank, nor twice the box that stands for a missing letter


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_tries_of_its_own(turn: str, app: Flask, tmp_path: Path) -> None:
    """Although another application has been made meanwhile, which counts elsewhere."""
    app.config["WTF_CSRF_ENABLED"] = False
    if turn == "first":
        with running_app(tmp_path):
            pass
    wrong = [{"login": f"name-{number}", "password": "wrong"} for number in range(10)]

    statuses = [app.test_client().post("/sign-in", data=data).status_code for data in wrong]

    assert statuses == [422] * 10
