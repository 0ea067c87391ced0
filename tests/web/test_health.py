"""Do machines learn whether we live, and whether we can work?"""

from pathlib import Path

from flask.testing import FlaskClient

from tests.support.apps import running_app


def test_alive_is_a_plain_word_without_a_login(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.text == "ok"


def test_ready_names_every_part(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    beside = {"workers": "down", "scheduler": "down"}
    assert answer.json == {"database": "ok", "migrations": "ok", "redis": "ok"} | beside


def test_not_ready_says_which_part_is_down(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with running_app(tmp_path / "new", REDIS_URL=f"unix://{tmp_path}/nobody.sock") as app:
        answer = app.test_client().get("/readyz")

        assert app.test_client().get("/healthz").status_code == 200
    assert answer.status_code == 503
    beside = {"workers": "down", "scheduler": "down"}
    assert answer.json == {"database": "ok", "migrations": "down", "redis": "down"} | beside


def test_signing_in_is_still_limited_while_redis_is_away(tmp_path: Path, client: FlaskClient) -> None:
    url = client.application.config["SQLALCHEMY_DATABASE_URI"]
    with running_app(tmp_path, DATABASE_URL=url, REDIS_URL=f"unix://{tmp_path}/nobody.sock") as app:
        app.config["WTF_CSRF_ENABLED"] = False
        tries = [
            app.test_client().post("/sign-in", data={"login": "anna", "password": "no"}).status_code
            for _ in range(6)
        ]

    assert tries == [422] * 5 + [429]
