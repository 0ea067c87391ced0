"""How often may somebody guess, and does an answer tell by its time whose name there is?

What is counted by name, by address and by user each for itself stands in tests/web/test_auth.py and
tests/api/test_rates.py; here somebody claims to be ever somebody else, and Redis may be away.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from flask.testing import FlaskClient
from redis import Redis

from dashboard.web.extensions import limiter
from tests.factories import PASSWORD, make_user, sign_in
from tests.support.apps import quick_passwords, sqlite_app


@pytest.fixture(autouse=True)
def limits_look_for_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages' limiter is one for the process, and remembers that another test's Redis was away."""
    monkeypatch.setattr(limiter, "_storage_dead", False)


# What proxies and programs say of whom they speak for.
CLAIMS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "Via")
# Where people and programs make things.
MADE_BY_API = (
    *("/imports", "/mailings", "/clients", "/clients/bulk", "/messages", "/tokens", "/webhooks", "/stop-list"),
)
MADE_ON_PAGES = (
    *("/imports/new", "/imports/1/file", "/mailings/new", "/clients/new", "/api-tokens/new", "/webhooks/new"),
    *("/messages/new", "/stop-list/add"),
)
Guess = Callable[[FlaskClient, int, dict[str, str]], int]


def by_page(client: FlaskClient, number: int, headers: dict[str, str]) -> int:
    sent = {"login": f"name-{number}", "password": "wrong"}
    return client.post("/sign-in", data=sent, headers=headers).status_code


def by_api(client: FlaskClient, number: int, headers: dict[str, str]) -> int:
    sent = {"username": f"name-{number}", "password": "wrong"}
    return client.post("/api/v1/token", json=sent, headers=headers).status_code


def registering(client: FlaskClient, number: int, headers: dict[str, str]) -> int:
    sent = {"name": f"name-{number}", "email": "nobody", "password": "short"}
    return client.post("/api/v1/users/register", json=sent, headers=headers).status_code


def claiming(number: int) -> dict[str, str]:
    """To be somebody else each time."""
    address = f"198.51.100.{number}"
    return {name: f"for={address}" if name == "Forwarded" else address for name in CLAIMS}


@pytest.mark.parametrize("is_redis_away", [False, True], ids=["Redis there", "Redis away"])
@pytest.mark.parametrize(("guess", "tries"), [(by_page, 10), (by_api, 10), (registering, 20)])
def test_claiming_to_be_somebody_else_gives_no_more_tries(
    sqlite_template: Path, tmp_path: Path, redis_url: str, guess: Guess, tries: int, is_redis_away: bool
) -> None:
    redis = f"unix://{tmp_path}/nobody.sock" if is_redis_away else redis_url
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            make_user()
        statuses = [guess(app.test_client(), number, claiming(number)) for number in range(tries + 1)]

    assert 429 not in statuses[:tries]
    assert statuses[tries] == 429


@pytest.mark.parametrize("is_redis_away", [False, True], ids=["Redis there", "Redis away"])
def test_five_wrong_tries_for_one_user_count_by_page_and_api_by_name_and_address_together(
    sqlite_template: Path, tmp_path: Path, redis_url: str, is_redis_away: bool
) -> None:
    redis = f"unix://{tmp_path}/nobody.sock" if is_redis_away else redis_url
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            user, other = make_user(), make_user()

        def by_page(login: str, password: str = "wrong") -> int:
            return app.test_client().post("/sign-in", data={"login": login, "password": password}).status_code

        def by_api(login: str, password: str = "wrong") -> int:
            sent = {"username": login, "password": password}
            return app.test_client().post("/api/v1/token", json=sent).status_code

        wrong = [by_page(user.name), by_api(user.name.upper()), by_page(user.email), by_api(user.email)]
        wrong.append(by_page(user.name))
        at_last = [way(login, PASSWORD) for way in (by_page, by_api) for login in (user.name, user.email)]

        assert wrong == [422, 401, 422, 401, 422]
        assert at_last == [429] * 4
        assert by_api("a\0\ud800b") in (401, 422)
        assert (by_page(other.name, PASSWORD), by_api(other.email, PASSWORD)) == (303, 200)


@pytest.mark.parametrize("is_redis_away", [False, True], ids=["Redis there", "Redis away"])
def test_imports_and_whatever_else_is_made_have_an_end_whoever_one_claims_to_be(
    sqlite_template: Path, tmp_path: Path, redis_url: str, is_redis_away: bool
) -> None:
    redis = f"unix://{tmp_path}/nobody.sock" if is_redis_away else redis_url
    limit = {"REDIS_URL": redis, "API_CREATE_RATE_LIMIT": "2/hour"}
    with quick_passwords(), sqlite_app(sqlite_template, tmp_path, **limit) as app:
        with app.app_context():
            user = make_user()
        pair = app.test_client().post("/api/v1/token", json={"username": user.name, "password": PASSWORD}).json
        assert pair
        bearing = {"Authorization": f"Bearer {pair['access']}"}
        statuses = {
            path: [
                app.test_client().post(f"/api/v1{path}", headers=bearing | claiming(number)).status_code
                for number in range(3)
            ]
            for path in MADE_BY_API
        }
        app.config["WTF_CSRF_ENABLED"] = False
        browser = app.test_client()
        sign_in(browser, user)
        for path in MADE_ON_PAGES:
            statuses[path] = [browser.post(path, headers=claiming(number)).status_code for number in range(3)]

    assert {path: each[2] for path, each in statuses.items()} == dict.fromkeys((*MADE_BY_API, *MADE_ON_PAGES), 429)
    assert 429 not in [status for each in statuses.values() for status in each[:2]]


@pytest.mark.slow
@pytest.mark.parametrize("guess", [by_page, by_api])
def test_time_does_not_tell_whose_name_there_is(
    sqlite_template: Path, tmp_path: Path, redis_url: str, guess: Guess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With production's hashing; asked in turn, so that whatever else the machine does slows down both."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    with sqlite_app(sqlite_template, tmp_path, REDIS_URL=redis_url) as app, Redis.from_url(redis_url) as redis:
        app.config["WTF_CSRF_ENABLED"] = False
        monkeypatch.setattr(limiter, "enabled", False)
        with app.app_context():
            make_user(name="name-1")
        for turn in range(42):
            redis.flushall()
            is_known = turn % 2 == 1
            start = time.perf_counter()
            status = guess(app.test_client(), 1 if is_known else 2, {})
            spent[is_known].append(time.perf_counter() - start)
            assert status in (401, 422)

    # The first of each makes what is compared with, and compiles its page.
    assert 0.67 < median(spent[True][1:]) / median(spent[False][1:]) < 1.5
