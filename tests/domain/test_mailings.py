"""May this be done to a mailing, in this state, by this person, and by two at once?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import mailing_lists, mailings
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.mailings import TRANSITIONS, Verb
from dashboard.domain.pages import Cursor
from dashboard.domain.permissions import Actor
from dashboard.models import Mailing, Role, State
from tests.factories import make_actor, make_user
from tests.support.engine import add_clients, fan_out_all, make_draft, schedule, state_of

VERBS: dict[Verb, Callable[[Actor, int], None]] = {
    Verb.SCHEDULE: mailings.schedule,
    Verb.UNSCHEDULE: mailings.unschedule,
    Verb.PAUSE: mailings.pause,
    Verb.RESUME: mailings.resume,
    Verb.CANCEL: mailings.cancel,
}
# Written out once more, so that a slip in the table of the domain is seen.
MAY = {
    (Verb.SCHEDULE, State.DRAFT): State.SCHEDULED,
    (Verb.UNSCHEDULE, State.SCHEDULED): State.DRAFT,
    (Verb.PAUSE, State.RUNNING): State.PAUSED,
    (Verb.RESUME, State.PAUSED): State.RUNNING,
    (Verb.CANCEL, State.SCHEDULED): State.CANCELLED,
    (Verb.CANCEL, State.RUNNING): State.CANCELLED,
    (Verb.CANCEL, State.PAUSED): State.CANCELLED,
}


def make_mailing(owner: Actor, state: State = State.DRAFT) -> int:
    mailing_id = mailings.create(owner, make_draft())
    with transaction() as session:
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(state=state))
    return mailing_id


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", list(Verb))
def test_each_verb_moves_from_its_states_and_from_no_other(app_context: Flask, verb: Verb, state: State) -> None:
    owner = make_actor()
    mailing_id = make_mailing(owner, state)
    target = MAY.get((verb, state))

    if target is None:
        with pytest.raises(Conflict, match=f"cannot_{verb}"):
            VERBS[verb](owner, mailing_id)
    else:
        VERBS[verb](owner, mailing_id)

    assert state_of(mailing_id) is (target or state)


@pytest.mark.parametrize("state", list(State))
def test_what_is_offered_is_what_is_allowed(state: State) -> None:
    assert mailings.allowed_verbs(state) == {verb for verb, source in MAY if source is state}


def test_every_verb_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Verb) == set(VERBS)


@pytest.mark.parametrize("verb", list(Verb))
def test_a_viewer_moves_nothing_and_a_stranger_finds_nothing(app_context: Flask, verb: Verb) -> None:
    state = TRANSITIONS[verb][0][0]
    mailing_id = make_mailing(make_actor(), state)

    with pytest.raises(Forbidden):
        VERBS[verb](make_actor(Role.VIEWER), mailing_id)
    with pytest.raises(NotFound):
        VERBS[verb](make_actor(), mailing_id)

    assert state_of(mailing_id) is state


def test_an_administrator_may_stop_anybodys_mailing(any_context: Flask) -> None:
    mailing_id = make_mailing(make_actor(), State.RUNNING)

    mailings.cancel(make_actor(Role.ADMINISTRATOR), mailing_id)

    assert state_of(mailing_id) is State.CANCELLED


@pytest.mark.parametrize(
    "verb, state", [(Verb.PAUSE, State.RUNNING), (Verb.RESUME, State.PAUSED), (Verb.SCHEDULE, State.DRAFT)]
)
def test_of_two_who_press_at_once_one_succeeds(any_app: Flask, verb: Verb, state: State) -> None:
    with any_app.app_context():
        owner = make_actor()
        mailing_id = make_mailing(owner, state)
    both = Barrier(2)

    def press(_number: int) -> bool:
        with any_app.app_context():
            both.wait()
            try:
                VERBS[verb](owner, mailing_id)
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == [False, True]


def test_of_two_who_edit_the_second_is_told_instead_of_undoing_the_first(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mailings.create(owner, make_draft())
    version = mailings.get(owner, mailing_id).version
    mailings.change(owner, mailing_id, make_draft(text="from the first"), version)

    with pytest.raises(Conflict, match="mailing_edited"):
        mailings.change(owner, mailing_id, make_draft(text="from the second"), version)

    db.session.rollback()
    assert mailings.get(owner, mailing_id).text == "from the first"


def test_once_scheduled_it_cannot_be_edited_or_deleted(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = schedule(owner)

    with pytest.raises(Conflict, match="mailing_not_draft"):
        mailings.change(owner, mailing_id, make_draft(), 1)
    with pytest.raises(Conflict, match="mailing_not_draft"):
        mailings.remove(owner, mailing_id)


def test_a_deleted_draft_is_gone(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mailings.create(owner, make_draft())

    mailings.remove(owner, mailing_id)

    with pytest.raises(NotFound):
        mailings.get(owner, mailing_id)


def test_a_mailing_whose_end_has_passed_is_not_scheduled(any_context: Flask) -> None:
    owner = make_actor()
    past = clock.now() - timedelta(hours=2)
    mailing_id = mailings.create(owner, make_draft(starts_at=past, ends_at=past + timedelta(hours=1)))

    with pytest.raises(Invalid, match="ends_in_past"):
        mailings.schedule(owner, mailing_id)

    assert state_of(mailing_id) is State.DRAFT


def test_to_launch_saves_and_schedules_in_one(any_context: Flask) -> None:
    owner = make_actor()
    draft_id = mailings.create(owner, make_draft(text="old"))

    new_id = mailings.launch(owner, make_draft())
    mailings.launch(owner, make_draft(text="new"), draft_id, version=1)

    assert {state_of(new_id), state_of(draft_id)} == {State.SCHEDULED}
    assert mailings.get(owner, draft_id).text == "new"


def test_a_launch_that_is_refused_leaves_nothing_behind(any_context: Flask) -> None:
    owner = make_actor()
    past = clock.now() - timedelta(hours=2)

    with pytest.raises(Invalid, match="ends_in_past"):
        mailings.launch(owner, make_draft(starts_at=past, ends_at=past + timedelta(hours=1)))

    assert mailing_lists.page(owner).items == []


def test_the_list_goes_page_by_page_and_shows_ones_own(any_context: Flask) -> None:
    owner = make_actor()
    ids = [mailings.create(owner, make_draft(title=f"No. {number}")) for number in range(5)]
    mailings.create(make_actor(), make_draft(title="somebody else's"))

    first = mailing_lists.page(owner, limit=2)
    second = mailing_lists.page(owner, cursor=Cursor(before=first.next_before), limit=2)
    back = mailing_lists.page(owner, cursor=Cursor(after=second.previous_after), limit=2)

    assert [row.id for row in first.items + second.items] == ids[:0:-1]
    assert back.items == first.items
    assert (first.previous_after, back.previous_after, first.total) == (None, None, 5)


def test_the_list_is_filtered_by_state_and_tells_each_ledger(any_context: Flask) -> None:
    owner = make_actor()
    add_clients(owner, 3)
    running_id = fan_out_all(owner)
    mailings.create(owner, make_draft())

    (row,) = mailing_lists.page(owner, State.RUNNING).items

    assert (row.id, row.total, row.owner_name) == (running_id, 3, None)
    assert mailing_lists.page(owner, State.DRAFT).items[0].total is None
    numbers = mailing_lists.numbers(owner)
    assert (numbers[State.RUNNING], numbers[State.DRAFT], numbers[State.PAUSED]) == (1, 1, 0)


def test_those_who_see_all_are_told_whose_a_mailing_is(any_context: Flask) -> None:
    user = make_user(name="Vera")
    mailings.create(user.actor, make_draft())

    (row,) = mailing_lists.page(make_actor(Role.VIEWER)).items

    assert row.owner_name == "Vera"


def test_a_launch_refuses_a_draft_that_has_changed_since_it_was_shown(any_context: Flask) -> None:
    owner = make_actor()
    mailing_id = mailings.create(owner, make_draft())
    mailings.change(owner, mailing_id, make_draft(text="Another text"), version=1)

    with pytest.raises(Conflict, match="mailing_changed_since"):
        mailings.schedule(owner, mailing_id, version=1)

    assert state_of(mailing_id) is State.DRAFT
    mailings.schedule(owner, mailing_id, version=2)
    assert state_of(mailing_id) is State.SCHEDULED
