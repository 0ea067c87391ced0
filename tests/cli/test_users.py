"""Can the person at the command line make users, and do they learn what is wrong?"""

from pathlib import Path

from flask import Flask

from dashboard.domain import registration, second_factor, users
from dashboard.domain.registration import Policy, Registration
from dashboard.domain.second_factor import Demand
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.apps import running_app
from tests.support.authenticator import switch_on

CREATE_ANNA = ["users", "create", "Анна", "--email", "anna@example.com"]


def test_an_administrator_is_made_with_the_password_from_standard_input(app: Flask) -> None:
    arguments = [*CREATE_ANNA, "--role", "administrator", "--password-stdin"]

    done = app.test_cli_runner().invoke(args=arguments, input=f"{PASSWORD}\n")

    assert done.exit_code == 0, done.output
    with app.app_context():
        user = users.authenticate("Анна", PASSWORD)
    assert user is not None
    assert user.role is Role.ADMINISTRATOR


def test_what_is_wrong_is_said_in_words_and_nobody_is_made(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=[*CREATE_ANNA, "--password-stdin"], input="short\n")

    assert done.exit_code == 1
    assert "password: The password is too short (at least 12 characters)" in done.output
    with app.app_context():
        assert not users.has_users()


def test_without_a_terminal_the_password_has_to_come_by_standard_input(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=CREATE_ANNA)

    assert done.exit_code == 2
    assert "--password-stdin" in done.output


def test_the_list_names_everybody(app: Flask) -> None:
    runner = app.test_cli_runner()
    runner.invoke(args=[*CREATE_ANNA, "--password-stdin"], input=PASSWORD)

    done = runner.invoke(args=["users", "list"])

    assert done.output.split() == ["Анна", "anna@example.com", "operator"]


def test_a_database_without_tables_is_explained(tmp_path: Path) -> None:
    with running_app(tmp_path) as app:
        done = app.test_cli_runner().invoke(args=["users", "list"])

    assert done.exit_code == 1
    assert "db upgrade" in done.output


def test_who_has_registered_is_listed_and_let_in(app: Flask) -> None:
    runner = app.test_cli_runner()
    with app.app_context():
        make_user()
        registration.register(
            Registration("Ева", "eve@example.com", PASSWORD, "ru", "Europe/Moscow"), Policy.APPROVAL
        )

    before = runner.invoke(args=["users", "waiting"])
    approved = runner.invoke(args=["users", "approve", "ева"])
    after = runner.invoke(args=["users", "waiting"])

    assert before.output.startswith("Ева\teve@example.com\t")
    assert (approved.exit_code, approved.output) == (0, "Ева (operator) can sign in now.\n")
    assert after.output == "Nobody is waiting.\n"


def test_nobody_is_let_in_who_does_not_wait(app: Flask) -> None:
    runner = app.test_cli_runner()
    with app.app_context():
        bob = make_user()

    done = [runner.invoke(args=["users", "approve", name]) for name in (bob.name, "nobody")]

    assert [each.exit_code for each in done] == [1, 1]
    assert "is not waiting for approval" in done[0].output
    assert "There is no user nobody" in done[1].output


def test_who_has_lost_the_second_factor_is_let_in_by_the_password_alone(app: Flask) -> None:
    runner = app.test_cli_runner()
    with app.app_context():
        anna = make_user(name="Анна")
        switch_on(anna)

    done = [runner.invoke(args=["users", "reset-second-factor", name]) for name in ("анна", "Анна", "nobody")]

    assert done[0].output == "Анна has no second factor any more, and is signed out everywhere.\n"
    assert [each.exit_code for each in done] == [0, 1, 1]
    assert "Анна has no second factor" in done[1].output
    assert "There is no user nobody" in done[2].output
    with app.app_context():
        assert second_factor.demand(anna) is Demand.NOTHING
