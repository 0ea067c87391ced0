"""Is every address of ours guarded, by its mark and in fact?"""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.api import is_ours
from dashboard.marks import SAFE_METHODS, marks_of
from dashboard.models import Role
from dashboard.web.access import page_marks_of
from tests.factories import make_user, sign_in

OPEN = {
    "static",
    "api_docs.swagger",
    "api_docs.redoc",
    "auth.sign_in",
    "auth.setup",
    "provider.begin",
    "provider.callback",
    "provider.signed_out",
    "second_step.code",
    "second_step.set_up",
    "passwords.follow",
    "passwords.forgotten",
    "passwords.new",
    "registration.register",
    "health.alive",
    "health.ready",
    "metrics.show",
}
# What a viewer may send: it touches only their own account.
OWN = {
    *("auth.sign_out", "auth.preferences", "tokens.new", "tokens.revoke"),
    *("second_factor.set_up", "second_factor.renew", "second_factor.switch_off"),
    *("profile.change_details", "profile.change_password", "profile.change_look"),
    *("profile.end_session", "profile.end_other_sessions"),
}


def rules(app: Flask) -> list[Rule]:
    """Those for people; the API's are asked by tests/api/test_ownership.py."""
    return [rule for rule in app.url_map.iter_rules() if not is_ours(rule.rule)]


def methods_of(rule: Rule) -> set[str]:
    return (rule.methods or set()) - {"HEAD", "OPTIONS"}


def address_of(app: Flask, rule: Rule) -> str:
    """Some address that the rule matches; whether the object exists, nobody outside may learn."""
    values = dict.fromkeys(rule.arguments, "1")
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, force_external=False))


def test_only_the_listed_views_are_open(app: Flask) -> None:
    marked = {rule.endpoint for rule in rules(app) if marks_of(app.view_functions[rule.endpoint]).is_open}

    assert marked == OPEN


def test_only_the_listed_views_let_a_viewer_send_something(app: Flask) -> None:
    marked = {rule.endpoint for rule in rules(app) if marks_of(app.view_functions[rule.endpoint]).is_own}

    assert marked == OWN


def test_polls_only_read(app: Flask) -> None:
    polls = [rule for rule in rules(app) if page_marks_of(app.view_functions[rule.endpoint]).is_poll]

    assert not [rule.endpoint for rule in polls if methods_of(rule) - SAFE_METHODS]


def test_every_guarded_address_sends_strangers_to_the_sign_in_page(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    reached = [
        f"{method} {rule.endpoint}: {answer.status_code}"
        for rule in rules(app)
        if rule.endpoint not in OPEN
        for method in methods_of(rule)
        if (answer := client.open(address_of(app, rule), method=method)).status_code != 302
        or not answer.location.startswith("/sign-in")
    ]

    assert reached == []


@pytest.mark.parametrize("role", list(Role))
def test_every_unsafe_method_asks_for_a_csrf_token(app: Flask, role: Role) -> None:
    with app.app_context():
        user = make_user(role)
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, user)
    app.config["WTF_CSRF_ENABLED"] = True

    believed = [
        f"{method} {rule.endpoint}: {answer.status_code}"
        for rule in rules(app)
        for method in methods_of(rule) - SAFE_METHODS
        if (answer := client.open(address_of(app, rule), method=method)).status_code not in (400, 403)
    ]

    assert believed == []


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("role", list(Role))
def test_no_address_breaks_when_there_is_nothing_yet(app: Flask, role: Role, language: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with app.app_context():
        user = make_user(role, language=language)
    sign_in(client, user)

    answers = {
        # Buffered: a download that is not read to its end keeps its context open.
        rule.endpoint: client.get(address_of(app, rule), buffered=True)
        for rule in rules(app)
        if "GET" in methods_of(rule) and rule.endpoint != "static"
    }

    broken = {name: answer.status_code for name, answer in answers.items() if answer.status_code >= 500}
    assert broken == {}
    # The pages of the menu: there is always something to see, a hint of what to do next at least.
    for name in ("overview.show", "clients.index", "imports.index", "mailings.index"):
        assert answers[name].status_code == 200
        assert f'<html lang="{language}"' in answers[name].text
