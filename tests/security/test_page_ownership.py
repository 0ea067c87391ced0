"""Who may do what to whose things? Every address of the pages, by every method, asked by everybody there is.

As tests/api/test_ownership.py asks the API. What is expected follows from a few rules; the lists below name the
exceptions. An address of which these tests do not know how to ask it fails them: see tests/support/page_world.py.
Whoever is refused has changed nothing: the database says whether anything was written meanwhile.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.domain.users import User
from dashboard.models import Role
from tests.factories import make_user, sign_in
from tests.support.page_world import NAMED, OBJECTS_OF, Route, question, routes


class Who(StrEnum):
    ANONYMOUS = "anonymous"
    VIEWER = "viewer"
    OTHER = "another operator"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"


class Verdict(StrEnum):
    """What an answer says of who asks. DONE also stands for what only the form or the thing's state forbids."""

    DONE = "done"
    WHO_ARE_YOU = "to the sign-in page"
    NOT_YOU = "403"
    NOTHING_THERE = "404"


# Nobody is asked who they are; tests/house/test_routes.py holds the same list against the views' marks. These are
# about nobody's things: their own tests say what they show.
OPEN = {
    *(
        "static",
        "api_docs.swagger",
        "api_docs.redoc",
        "auth.sign_in",
        "auth.setup",
        "health.alive",
        "health.ready",
    ),
    *("metrics.show", "passwords.follow", "passwords.forgotten", "passwords.new", "registration.register"),
    *("provider.begin", "provider.callback", "provider.signed_out", "second_step.code", "second_step.set_up"),
}
ADMINISTRATORS = {
    *("administration.show", "audit.export", "audit.index", "erasing.index"),
    *("brakes.go_on", "limits.show", "mailings.approve", "tokens.everybody", "second_factor.reset"),
    *("second_factor.rule", "sample_clients.add", "sample_clients.remove", "sample_clients.show"),
    *("users.activate", "users.approve", "users.deactivate", "users.delete", "users.end_sessions", "users.index"),
    *("users.new", "users.password_link", "users.refuse", "users.show"),
}
# Whoever takes a list along leaves a line in the audit log.
EXPORTS = {"audit.export", "clients.export", "imports.problems", "mailings.messages_csv", "stop_list.export"}
# They touch nothing but one's own account: viewers may, too, and see no more of others' than operators do.
OWN_ACCOUNT = {
    *("auth.sign_out", "auth.preferences", "tokens.new", "tokens.revoke"),
    *("profile.change_details", "profile.change_look", "profile.change_password", "profile.end_other_sessions"),
    *("profile.end_session", "second_factor.renew", "second_factor.set_up", "second_factor.switch_off"),
}
# Webhooks carry a secret of one user's, trials a phone, sessions are a person's: nobody else sees them.
PERSONAL = ("webhooks.", "mailings.trial", "profile.end_session")
# Pages that only lead to a change.
FORMS = {
    *("clients.bulk", "clients.edit", "clients.new", "imports.columns", "imports.file", "imports.new"),
    *("mailings.cautions", "mailings.edit", "mailings.limits", "mailings.new", "mailings.resend"),
    *("single_messages.edit", "single_messages.new", "stop_list.add", "unknowns.ask", "brakes.running"),
    *("webhooks.index", "webhooks.new", "webhooks.show", "webhooks.edit"),
}
# Somebody else's among the named is passed over like one that was never there, instead of "not found".
PASSED_OVER = {"clients.bulk", "clients.begin_bulk", "unknowns.ask", "unknowns.decide"}


def expected(route: Route, rule: str, who: Who) -> Verdict:
    method, endpoint = route
    if endpoint in OPEN:
        return Verdict.DONE
    if who is Who.ANONYMOUS:
        return Verdict.WHO_ARE_YOU
    if endpoint in ADMINISTRATORS:
        return Verdict.DONE if who is Who.ADMINISTRATOR else Verdict.NOT_YOU
    is_own = endpoint in OWN_ACCOUNT
    if who is Who.VIEWER and not is_own and (method != "GET" or endpoint in FORMS):
        return Verdict.NOT_YOU
    is_of_somebody = "<" in rule or (route in NAMED and endpoint not in PASSED_OVER)
    if endpoint.startswith(PERSONAL) and is_of_somebody:
        return Verdict.DONE if who is Who.OWNER else Verdict.NOTHING_THERE
    if is_of_somebody and (who is Who.OTHER or (who is Who.VIEWER and is_own)):
        return Verdict.NOTHING_THERE
    return Verdict.DONE


def verdict(route: Route, answer: TestResponse) -> Verdict:
    if route[1] in OPEN:
        assert answer.status_code < 500, route
        return Verdict.DONE
    if answer.status_code == 302 and (answer.location or "").startswith("/sign-in"):
        return Verdict.WHO_ARE_YOU
    refused = {each.value: each for each in Verdict}.get(str(answer.status_code))
    if refused:
        return refused
    assert answer.status_code < 400 or answer.status_code in (409, 422), (route, answer.status_code)
    return Verdict.DONE


@pytest.fixture(autouse=True)
def csrf(no_csrf: None) -> None:
    """Switched off: that it is asked for is another test's."""


@pytest.fixture
def owner(app: Flask) -> User:
    """An operator."""
    with app.app_context():
        return make_user()


@pytest.fixture
def everybody(app: Flask, owner: User) -> dict[Who, FlaskClient]:
    """Their browsers."""
    with app.app_context():
        users = {Who.VIEWER: make_user(Role.VIEWER), Who.OTHER: make_user(), Who.OWNER: owner}
        users[Who.ADMINISTRATOR] = make_user(Role.ADMINISTRATOR)
    browsers = {who: app.test_client() for who in Who}
    for who, user in users.items():
        sign_in(browsers[who], user)
    return browsers


@contextmanager
def writing_noticed(app: Flask) -> Iterator[list[bool]]:
    """SQLite tells each connection whether another one has written since it last asked."""
    found: list[bool] = []
    with sqlite3.connect(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")) as beside:
        before = beside.execute("PRAGMA data_version").fetchone()
        yield found
        found.append(beside.execute("PRAGMA data_version").fetchone() != before)
    beside.close()


@dataclass
class Asked:
    """What came of one question."""

    verdict: Verdict
    has_written: bool


def test_the_rules_name_only_addresses_that_exist(app: Flask) -> None:
    endpoints = {endpoint for _method, endpoint in routes(app)}

    assert endpoints >= OPEN | ADMINISTRATORS | OWN_ACCOUNT | FORMS | PASSED_OVER
    assert set(NAMED) | set(OBJECTS_OF) <= set(routes(app))


def test_everybody_may_do_what_the_rules_say_and_nothing_else(
    app: Flask, everybody: dict[Who, FlaskClient], owner: User
) -> None:
    rules, looked_at = routes(app), dict[str, int | str]()

    met = {
        (route, who): asked
        for route in sorted(rules)
        for who, asked in answers_to(app, everybody, owner, route, rules[route], looked_at).items()
    }

    differing = {
        asked: (found.verdict, wanted)
        for asked, found in met.items()
        if found.verdict is not (wanted := expected(asked[0], rules[asked[0]], asked[1]))
    }
    assert not differing, "\n".join(map(str, differing.items()))
    assert [asked for asked, found in met.items() if found.has_written and not may_write(*asked, found)] == []
    # The owner's questions do something, so that those of the others would have, too.
    done = {route[1] for (route, who), found in met.items() if who is Who.OWNER and found.has_written}
    assert len(done) >= 25
    assert {found.verdict for found in met.values()} == set(Verdict)


def may_write(route: Route, who: Who, found: Asked) -> bool:
    """Viewers only to their own account; another operator not about what is somebody else's."""
    method, endpoint = route
    if endpoint in EXPORTS:
        return found.verdict is Verdict.DONE
    if endpoint == "auth.sign_in":
        return method == "POST"  # what is tried in vain is noted in the audit log
    if endpoint in OPEN or who is Who.ANONYMOUS or method == "GET":
        return False
    if who is Who.VIEWER:
        return endpoint in OWN_ACCOUNT
    return who is not Who.OTHER or endpoint not in PASSED_OVER


def answers_to(
    app: Flask,
    everybody: dict[Who, FlaskClient],
    owner: User,
    route: Route,
    rule: str,
    looked_at: dict[str, int | str],
) -> dict[Who, Asked]:
    """Those come first who shall be able to do nothing; who may do it, too, finds a new thing to do it to."""
    found = {}
    for who in Who:
        if who is Who.ANONYMOUS or (who is Who.ADMINISTRATOR and found[Who.OWNER].has_written):
            with app.app_context():
                asked = question(route, rule, owner.actor, looked_at)
        with writing_noticed(app) as noticed:
            # Buffered: a download that is not read to its end keeps its context open.
            answer = everybody[who].open(asked.path, method=asked.method, data=asked.sent, buffered=True)
        found[who] = Asked(verdict(route, answer), noticed[0])
        if route[1] == "auth.sign_out" and who is not Who.ANONYMOUS:
            everybody[who] = signed_in_again(app, who, owner)
    return found


def signed_in_again(app: Flask, who: Who, owner: User) -> FlaskClient:
    """Somebody of the same kind."""
    roles = {Who.VIEWER: Role.VIEWER, Who.OTHER: Role.OPERATOR, Who.ADMINISTRATOR: Role.ADMINISTRATOR}
    browser = app.test_client()
    with app.app_context():
        user = owner if who is Who.OWNER else make_user(roles[who])
    sign_in(browser, user)
    return browser
