"""Does a sign-in last as long as it should, and no longer, on both databases?"""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import clock, models
from dashboard.database import db, transaction
from dashboard.domain import sessions
from dashboard.models import UserSession
from tests.factories import make_user


def move_back(age: timedelta) -> None:
    """As if all sessions had last been seen so long ago; the database's own clock cannot be turned."""
    with transaction() as session:
        session.execute(update(UserSession).values(seen_at=clock.now() - age))


def seen_at() -> object:
    return db.session.scalar(select(UserSession.seen_at))


def test_a_token_brings_its_user_back_and_is_not_kept(any_context: Flask) -> None:
    user = make_user()

    token = sessions.begin(user.id, remember=False)

    assert sessions.resume(token, touch=True) == user
    assert sessions.resume(token + "x", touch=True) is None
    assert token not in (db.session.scalar(select(UserSession.token_hash)) or "")


@pytest.mark.parametrize(
    ("remember", "age", "lasts"),
    [
        (False, sessions.IDLE - timedelta(minutes=1), True),
        (False, sessions.IDLE + timedelta(minutes=1), False),
        (True, sessions.IDLE_REMEMBERED - timedelta(minutes=1), True),
        (True, sessions.IDLE_REMEMBERED + timedelta(minutes=1), False),
    ],
)
def test_idleness_ends_it(any_context: Flask, remember: bool, age: timedelta, lasts: bool) -> None:
    user = make_user()
    token = sessions.begin(user.id, remember)

    move_back(age)

    assert (sessions.resume(token, touch=True) == user) is lasts


def test_it_is_touched_once_a_minute_and_only_when_asked(app_context: Flask) -> None:
    token = sessions.begin(make_user().id, remember=False)
    begun = seen_at()

    sessions.resume(token, touch=True)
    assert seen_at() == begun

    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        sessions.resume(token, touch=False)
        assert seen_at() == begun

        sessions.resume(token, touch=True)
        assert seen_at() != begun


def test_a_user_who_is_switched_off_has_no_session(any_context: Flask) -> None:
    token = sessions.begin(make_user().id, remember=True)

    with transaction() as session:
        session.execute(update(models.User).values(is_active=False))

    assert sessions.resume(token, touch=True) is None


def test_ending_one_leaves_the_others_and_ending_all_leaves_none(any_context: Flask) -> None:
    user = make_user()
    here, there = sessions.begin(user.id, remember=False), sessions.begin(user.id, remember=True)

    sessions.end(here)
    sessions.end(here)

    assert sessions.resume(here, touch=True) is None
    assert sessions.resume(there, touch=True) == user


def test_signing_in_clears_away_what_has_run_out(app_context: Flask) -> None:
    user = make_user()
    sessions.begin(user.id, remember=False)
    kept = sessions.begin(user.id, remember=True)
    move_back(sessions.IDLE + timedelta(minutes=1))

    sessions.begin(user.id, remember=False)

    assert db.session.scalar(select(func.count()).select_from(UserSession)) == 2
    assert sessions.resume(kept, touch=True) == user
