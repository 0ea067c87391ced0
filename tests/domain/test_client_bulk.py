"""Is done to many clients exactly what was confirmed, to exactly those, by those who may?"""

import pytest

from dashboard.database import db
from dashboard.domain import client_bulk, client_bulk_running, client_lists, clients, stop_list, tags
from dashboard.domain.client_bulk import Extent, Selection
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.permissions import Actor
from dashboard.models import ChangeState, ClientVerb, Role, User
from tests.factories import make_actor
from tests.factories_clients import draft, make_client, numbered
from tests.support.engine import add_clients

pytestmark = pytest.mark.usefixtures("any_context")

EVERYBODY = Selection(wanted=ClientFilter())


def asked(actor: Actor, verb: ClientVerb, selection: Selection = EVERYBODY, tag: str = "") -> int:
    """As somebody does who has just been told how many it is."""
    return client_bulk.begin(actor, verb, selection, client_bulk.extent(actor, selection), tag)


def done(
    actor: Actor, verb: ClientVerb, selection: Selection = EVERYBODY, tag: str = ""
) -> client_bulk.ChangeView:
    change_id = asked(actor, verb, selection, tag)
    assert client_bulk_running.run(change_id)
    return client_bulk.get(actor, change_id)


def bearing(actor: Actor, tag: str) -> set[str]:
    return {row.phone for row in client_lists.page(actor, ClientFilter(tag=tag)).items}


def test_ticked_clients_get_a_tag_and_lose_it() -> None:
    actor = make_actor()
    ids = [make_client(actor, numbered(number)) for number in range(4)]
    ticked = Selection(ids=tuple(ids[:2]))

    added = done(actor, ClientVerb.ADD_TAG, ticked, " vip ")
    with_tag = bearing(actor, "vip")
    removed = done(actor, ClientVerb.REMOVE_TAG, Selection(ids=tuple(ids[1:])), "vip")

    assert (added.state, added.total, added.seen, added.changed) == (ChangeState.FINISHED, 2, 2, 2)
    assert with_tag == {numbered(0), numbered(1)}
    assert (removed.total, removed.changed) == (3, 1)
    assert bearing(actor, "vip") == {numbered(0)}


def test_all_that_match_a_filter_are_meant_and_nobody_else() -> None:
    actor = make_actor()
    for number in range(6):
        make_client(actor, numbered(number), "even" if number % 2 == 0 else "odd")

    done(actor, ClientVerb.ADD_TAG, Selection(wanted=ClientFilter(tag="even")), "chosen")

    assert bearing(actor, "chosen") == {numbered(0), numbered(2), numbered(4)}


def test_what_is_done_to_the_very_filter_reaches_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_bulk_running, "BATCH", 2)
    actor = make_actor()
    for number in range(7):
        make_client(actor, numbered(number), "old")

    change = done(actor, ClientVerb.REMOVE_TAG, Selection(wanted=ClientFilter(tag="old")), "old")

    assert (change.seen, change.changed) == (7, 7)
    assert tags.tags_of(actor) == []


def test_doing_it_again_changes_nothing() -> None:
    actor = make_actor()
    client_id = make_client(actor, numbered(1))

    for verb, tag in ((ClientVerb.ADD_TAG, "vip"), (ClientVerb.STOP_LIST, ""), (ClientVerb.UNLIST, "")):
        first, second = (done(actor, verb, Selection(ids=(client_id,)), tag) for _ in range(2))
        assert (first.changed, second.changed) == (1, 0)


def test_the_same_form_sent_twice_is_one_request() -> None:
    actor = make_actor()
    make_client(actor)
    extent = client_bulk.extent(actor, EVERYBODY)
    key = "f" * 32

    ids = {client_bulk.begin(actor, ClientVerb.DELETE, EVERYBODY, extent, form_key=key) for _ in range(2)}
    assert client_bulk_running.run(min(ids))

    assert len(ids) == 1
    # Also when the first one has left nobody to do it to.
    assert client_bulk.begin(actor, ClientVerb.DELETE, EVERYBODY, extent, form_key=key) in ids


def test_the_stop_list_is_filled_and_emptied_by_phone() -> None:
    actor, other = make_actor(), make_actor()
    ids = [make_client(actor, numbered(number)) for number in range(3)]
    make_client(other, numbered(0))
    stop_list.add(actor, numbered(0))
    before = clients.get(actor, ids[0]).stop_listed_at

    listed = done(actor, ClientVerb.STOP_LIST)
    kept = clients.get(actor, ids[0]).stop_listed_at
    unlisted = done(actor, ClientVerb.UNLIST, Selection(ids=tuple(ids[:2])))

    assert (listed.changed, kept) == (2, before)
    assert unlisted.changed == 2
    assert [stop_list.is_listed(numbered(number)) for number in range(3)] == [False, False, True]


def test_deleted_clients_lose_their_tags_and_come_back_by_their_phone() -> None:
    actor = make_actor()
    client_id = make_client(actor, numbered(1), "vip")

    change = done(actor, ClientVerb.DELETE)

    assert change.changed == 1
    assert tags.tags_of(actor) == []
    with pytest.raises(NotFound):
        clients.get(actor, client_id)
    assert make_client(actor, numbered(1)) == client_id


def test_who_bears_as_many_tags_as_a_client_may_is_left_as_they_are() -> None:
    actor = make_actor()
    full = make_client(actor, numbered(1), *(f"t{number}" for number in range(20)))
    make_client(actor, numbered(2))

    change = done(actor, ClientVerb.ADD_TAG, tag="one more")
    again = done(actor, ClientVerb.ADD_TAG, tag="t3")

    assert (change.changed, change.refused) == (1, 1)
    assert len(clients.get(actor, full).tags) == 20
    assert (again.changed, again.refused) == (1, 0)


def test_a_client_who_is_changed_in_bulk_has_changed_for_whoever_edits_them() -> None:
    actor = make_actor()
    client_id = make_client(actor)
    read = clients.get(actor, client_id).version

    done(actor, ClientVerb.ADD_TAG, tag="vip")

    with pytest.raises(Conflict):
        clients.change(actor, client_id, draft(timezone="UTC"), read)


def test_whoever_comes_after_the_question_is_not_meant() -> None:
    actor = make_actor()
    make_client(actor, numbered(1))
    extent = client_bulk.extent(actor, EVERYBODY)
    make_client(actor, numbered(2))

    change_id = client_bulk.begin(actor, ClientVerb.DELETE, EVERYBODY, extent)
    client_bulk_running.run(change_id)

    assert [row.phone for row in client_lists.page(actor, ClientFilter()).items] == [numbered(2)]


def test_more_clients_than_were_confirmed_are_asked_about_again() -> None:
    actor = make_actor()
    make_client(actor, numbered(1), "vip")
    other = make_client(actor, numbered(2))
    wanted = Selection(wanted=ClientFilter(tag="vip"))
    extent = client_bulk.extent(actor, wanted)
    clients.change(actor, other, draft(numbered(2), "vip"), clients.get(actor, other).version)

    with pytest.raises(Conflict) as refusal:
        client_bulk.begin(actor, ClientVerb.DELETE, wanted, extent)

    assert refusal.value.code == "selection_grown"


def test_who_no_longer_matches_when_their_turn_comes_is_left_alone() -> None:
    actor = make_actor()
    make_client(actor, numbered(1), "vip")
    kept = make_client(actor, numbered(2), "vip")
    change_id = asked(actor, ClientVerb.DELETE, Selection(wanted=ClientFilter(tag="vip")))
    clients.change(actor, kept, draft(numbered(2)), clients.get(actor, kept).version)

    client_bulk_running.run(change_id)

    assert [row.id for row in client_lists.page(actor, ClientFilter()).items] == [kept]
    assert client_bulk.get(actor, change_id).changed == 1


@pytest.mark.parametrize(
    "selection, verb, tag, code",
    [
        (Selection(ids=(77,)), ClientVerb.DELETE, "", "nobody_selected"),
        (Selection(), ClientVerb.DELETE, "", "nobody_selected"),
        (Selection(ids=tuple(range(1, 1002))), ClientVerb.DELETE, "", "too_many_ticked"),
        (EVERYBODY, ClientVerb.ADD_TAG, "  ", "tag_empty"),
        (EVERYBODY, ClientVerb.ADD_TAG, "a,b", "tag_separator"),
        (EVERYBODY, ClientVerb.REMOVE_TAG, "x" * 65, "tag_too_long"),
    ],
)
def test_what_cannot_be_done_says_why(selection: Selection, verb: ClientVerb, tag: str, code: str) -> None:
    actor = make_actor()
    make_client(actor)

    with pytest.raises(Invalid) as refusal:
        client_bulk.begin(actor, verb, selection, Extent(1, 100), tag)

    assert [problem.code for problem in refusal.value.problems] == [code]


def test_others_clients_cannot_be_ticked_and_administrators_tag_everybodys_with_their_owners_tags() -> None:
    one, other, administrator = make_actor(), make_actor(), make_actor(Role.ADMINISTRATOR)
    mine, theirs = make_client(one, numbered(1)), make_client(other, numbered(2))

    ours = done(one, ClientVerb.ADD_TAG, Selection(ids=(mine, theirs)), "mine")
    all_ = done(administrator, ClientVerb.ADD_TAG, EVERYBODY, "all")

    assert (ours.total, ours.changed, all_.changed) == (1, 1, 2)
    assert (tags.tags_of(one), tags.tags_of(other)) == (["all", "mine"], ["all"])
    with pytest.raises(Forbidden):
        asked(make_actor(Role.VIEWER), ClientVerb.DELETE)


def test_others_requests_are_not_found() -> None:
    actor, stranger = make_actor(), make_actor()
    make_client(actor)
    change_id = asked(actor, ClientVerb.DELETE)

    with pytest.raises(NotFound):
        client_bulk.get(stranger, change_id)
    with pytest.raises(NotFound):
        client_bulk.cancel(stranger, change_id)
    with pytest.raises(Forbidden):
        client_bulk.cancel(make_actor(Role.VIEWER), change_id)
    assert client_bulk.get(make_actor(Role.ADMINISTRATOR), change_id).actor_name


def test_a_run_that_was_killed_is_gone_on_with_after_its_last_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_bulk_running, "BATCH", 3)
    actor = make_actor()
    add_clients(actor, 10)
    change_id = asked(actor, ClientVerb.ADD_TAG, tag="new")
    batches = iter([client_bulk_running._write] * 2)

    def killed(*args: object) -> None:
        next(batches)(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(client_bulk_running, "_write", killed)
        with pytest.raises(StopIteration):
            client_bulk_running.run(change_id)
    midway = client_bulk.get(actor, change_id)
    held = client_bulk.unfinished()
    monkeypatch.setattr(client_bulk_running.clock, "database_now", _an_hour_ahead())
    lapsed = client_bulk.unfinished()
    assert client_bulk_running.run(change_id)

    assert (midway.state, midway.seen, midway.changed) == (ChangeState.RUNNING, 6, 6)
    assert (held, lapsed) == ([], [change_id])
    after = client_bulk.get(actor, change_id)
    assert (after.state, after.seen, after.changed) == (ChangeState.FINISHED, 10, 10)


def _an_hour_ahead():  # type: ignore[no-untyped-def]
    from datetime import timedelta

    from dashboard import clock

    real = clock.database_now
    return lambda session: real(session) + timedelta(hours=1)


def test_a_round_ends_in_time_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_bulk_running, "BATCH", 4)
    actor = make_actor()
    add_clients(actor, 10)
    change_id = asked(actor, ClientVerb.DELETE)

    rounds = 1
    while not client_bulk_running.run(change_id, seconds=-1):
        rounds += 1
        assert client_bulk.unfinished() == [change_id]

    assert rounds == 4
    assert client_bulk.get(actor, change_id).changed == 10


def test_a_request_that_is_stopped_does_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_bulk_running, "BATCH", 4)
    actor = make_actor()
    add_clients(actor, 10)
    change_id = asked(actor, ClientVerb.DELETE)
    client_bulk_running.run(change_id, seconds=-1)

    client_bulk.cancel(actor, change_id)

    assert client_bulk_running.run(change_id)
    change = client_bulk.get(actor, change_id)
    assert (change.state, change.changed) == (ChangeState.CANCELLED, 4)
    with pytest.raises(Conflict):
        client_bulk.cancel(actor, change_id)


def test_who_has_lost_the_right_meanwhile_changes_nothing_more() -> None:
    from dashboard.database import transaction

    actor = make_actor()
    make_client(actor)
    change_id = asked(actor, ClientVerb.DELETE)
    with transaction() as session:
        session.get_one(User, actor.id).is_active = False

    assert client_bulk_running.run(change_id)

    db.session.expire_all()
    assert client_bulk.get(actor, change_id).state is ChangeState.CANCELLED
    assert client_lists.page(actor, ClientFilter()).total == 1
