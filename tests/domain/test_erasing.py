"""Is somebody who was erased really gone, from every table and file, and do the numbers stay?"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, delete, select, update

from dashboard.database import db, transaction
from dashboard.domain import (
    books,
    client_batches,
    client_bulk,
    clients,
    erased,
    erasing,
    erasing_traces,
    form_drafts,
    idempotency,
    imports,
    messages,
    resending,
    single_messages,
    stop_list,
    tallies,
    trials,
    unknown_outcomes,
)
from dashboard.domain.client_bulk import Selection
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.errors import Conflict, Forbidden, Invalid
from dashboard.domain.idempotency import Begun, KeptAnswer
from dashboard.domain.permissions import Actor
from dashboard.domain.unknown_outcomes import Decision
from dashboard.domain.webhooks import endpoints
from dashboard.gateway import Verdict
from dashboard.models import AuditLine, Client, ClientVerb, Message, Role, Status, StopListEntry, WebhookDelivery
from tests.factories import make_actor
from tests.factories_clients import begin_check, client_of, draft, import_clients, make_client
from tests.support.engine import arm, fan_out_all, make_draft, messages_of, saying, settle
from tests.support.webhooks import add_endpoint

PHONE, NAME, TEXT = "79161234567", "Canarina", "only for her"
IN_OTHER_WORDS = "8 (916) 123-45-67"


def dump() -> dict[str, str]:
    """All that each table says; what is packed is unpacked."""
    said = {}
    for table in db.metadata.sorted_tables:
        types = [column.type for column in table.columns]
        assert not any(type(each) is LargeBinary for each in types)
        said[table.name] = json.dumps([list(map(str, row)) for row in db.session.execute(select(table))])
    db.session.rollback()
    return said


def tables_with(canary: str) -> list[str]:
    return [name for name, said in dump().items() if canary in said]


def tables_with_phone() -> list[str]:
    said = dump()
    cells = {name: [cell for row in json.loads(text) for cell in row] for name, text in said.items()}
    return [name for name, values in cells.items() if any(PHONE[1:] in only_digits(value) for value in values)]


def only_digits(said: str) -> str:
    return "".join(filter(str.isdigit, said))


def plant(boss: Actor, folder: Path) -> list[int]:
    """The person comes into every table by the ways there are; answers their messages."""
    other = make_actor()
    client_id = make_client(boss, PHONE, "vip", name="before")
    clients.change(boss, client_id, draft(PHONE, "vip", name=NAME), clients.get(boss, client_id).version)
    client_batches.add(other, [draft(PHONE, "vip", name=NAME)])
    bad_rows = f"phone,timezone,name\n{PHONE},Mars,{NAME}\n{PHONE}0,UTC,x\n{IN_OTHER_WORDS}/1,UTC,{NAME}\n"
    import_clients(other, folder, f"{bad_rows}{PHONE},UTC,{NAME}\n{IN_OTHER_WORDS},UTC,{NAME}\n")
    failed = fan_out_all(boss, text="Dear {{name}}")
    settle(arm(failed), saying(Verdict.REFUSED, "http_400", http_status=400, excerpt=f"{PHONE} {NAME}"))
    sent = fan_out_all(boss, text="Dear {{name}}")
    own = messages_of(sent)[0].id
    single_messages.change_text(boss, own, TEXT)
    settle(arm(sent))
    waiting = fan_out_all(boss, text="Dear {{name}}")
    trials.begin(boss, make_draft(text="Dear {{name}}"), boss.id, PHONE)
    selection = Selection(wanted=ClientFilter(q=IN_OTHER_WORDS))
    change_id = client_bulk.begin(boss, ClientVerb.STOP_LIST, selection, client_bulk.extent(boss, selection))
    client_bulk.cancel(boss, change_id)
    stop_list.add_many(boss, [PHONE, "79000000001"])
    form_drafts.keep(boss, "0" * 32, {"text": [f"call {IN_OTHER_WORDS}"]})
    begun = idempotency.begin(boss, "key", "0" * 64)
    assert isinstance(begun, Begun)
    idempotency.keep(begun, KeptAnswer(201, {}, json.dumps({"phone_number": PHONE, "name": NAME})))
    endpoint, _secret = add_endpoint(boss)
    endpoints.ping(boss, endpoint)
    with transaction() as session:
        session.execute(update(WebhookDelivery).values(answer=f"known: +{PHONE}"))
    return [row.id for each in (failed, sent, waiting) for row in messages_of(each)]


def test_nobody_finds_the_person_in_any_table_any_more_and_every_number_stays(
    any_context: Flask, tmp_path: Path
) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    message_ids = plant(boss, tmp_path)
    mailing_ids = sorted({db.session.get_one(Message, each).mailing_id for each in message_ids})
    before = sum((Counter(books.of(each).counts) for each in mailing_ids), Counter[Status]())
    assert {"clients", "messages", "trials", "audit_log", "import_problems", "imports"} <= set(tables_with_phone())
    assert {"stop_list", "idempotency_keys", "form_drafts", "client_changes"} <= set(tables_with_phone())
    assert {"users", "webhook_deliveries", "attempts"} <= set(tables_with_phone())
    assert {"clients", "messages", "imports", "audit_log", "attempts"} <= set(tables_with(NAME))

    done = erasing.erase(boss, IN_OTHER_WORDS, tmp_path)

    after = sum((Counter(books.of(each).counts) for each in mailing_ids), Counter[Status]())
    assert tables_with_phone() == []
    assert tables_with(NAME) == []
    assert tables_with(TEXT) == []
    assert [path for path in tmp_path.glob("[0-9]*") if NAME.encode() in path.read_bytes()] == []
    assert (done.phone, done.clients, done.messages, done.is_stopped) == ("+7 916 ***-**-67", 2, 3, True)
    assert after - before == {Status.CANCELLED: 1}
    assert before - after == {Status.QUEUED: 1}
    assert [tallies.check(each) for each in mailing_ids] == [[], [], []]
    assert [messages.get(boss, each).text for each in message_ids] == [None] * 3
    assert resending.resend(boss, mailing_ids[0]) == 0
    assert erasing.erase(boss, PHONE, tmp_path).messages == 0


def test_what_was_sent_to_an_earlier_phone_of_the_person_goes_too(any_context: Flask, tmp_path: Path) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(boss, "79990000001", "vip", name=NAME)
    holder_id = make_client(boss, PHONE, "vip", name="Holder")
    failed = fan_out_all(boss, text="Dear {{name}}")
    settle(arm(failed), saying(Verdict.REFUSED, "http_400", http_status=400, excerpt=NAME))
    waiting = fan_out_all(boss, text="Dear {{name}}")
    own = next(message.id for message in messages_of(waiting) if message.client_id == client_id)
    single_messages.change_text(boss, own, TEXT)
    # Each of both mailings has a message to the phone, and one to whoever has the phone now.
    for each, phone, name in ((holder_id, "79990000002", "Holder"), (client_id, PHONE, NAME)):
        clients.change(boss, each, draft(phone, "vip", name=name), clients.get(boss, each).version)

    done = erasing.erase(boss, PHONE, tmp_path)

    phones = [message.phone for mailing_id in (failed, waiting) for message in messages_of(mailing_id)]
    assert (done.clients, done.messages) == (1, 4)
    assert all(map(erased.is_pseudonym, phones))
    assert [tables_with(said) for said in (NAME, TEXT, PHONE, "79990000001")] == [[], [], [], []]
    assert clients.get(boss, holder_id).phone == "79990000002"
    assert [tallies.check(mailing_id) for mailing_id in (failed, waiting)] == [[], []]
    assert messages.get(boss, own).status is Status.CANCELLED


def test_an_erasing_that_broke_off_anywhere_finds_the_rest_when_it_is_repeated(
    app_context: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss, other = make_actor(Role.ADMINISTRATOR), make_actor()
    monkeypatch.setattr(erasing_traces, "AT_ONCE", 1)
    steps = [(erasing, "_erase_message", 0), (erasing, "_erase_trials", 0), (erasing, "_rename_clients", 0)]
    steps += [(erasing_traces, "_clear_line", 1), (erasing_traces, "_clear_line", 2)]
    left = {}

    for module, name, good in steps:
        # An import writes no line for each client: no line of the change says the phone.
        import_clients(boss, tmp_path, f"phone,timezone,tags,name\n{PHONE},UTC,vip,before\n")
        rename(boss, client_of(boss, PHONE).id)
        single_messages.change_text(boss, messages_of(fan_out_all(boss))[0].id, TEXT)
        gone = make_client(other, PHONE, name="before")
        rename(other, gone)
        with transaction() as session:
            session.execute(delete(Client).where(Client.id == gone))
        work = getattr(module, name)
        monkeypatch.setattr(module, name, breaking(work, good))
        with pytest.raises(RuntimeError):
            erasing.erase(boss, PHONE, tmp_path)
        monkeypatch.setattr(module, name, work)
        erasing.erase(boss, PHONE, tmp_path)
        said = json.dumps(dump())
        left[name, good] = [canary for canary in (PHONE, NAME, TEXT) if canary in said]

    assert left == {(name, good): [] for _module, name, good in steps}


def rename(actor: Actor, client_id: int) -> None:
    clients.change(actor, client_id, draft(PHONE, "vip", name=NAME), clients.get(actor, client_id).version)


def breaking(work: Callable[..., Any], good: int) -> Callable[..., Any]:
    """Does its work so many times, and then breaks."""
    calls = count()

    def breaks(*args: Any, **options: Any) -> Any:
        if next(calls) >= good:
            raise RuntimeError
        return work(*args, **options)

    return breaks


def test_who_has_the_phone_in_a_field_loses_the_field_and_keeps_their_history(
    any_context: Flask, tmp_path: Path
) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(boss, "79990000001", contact=IN_OTHER_WORDS, name="before")
    open_form = clients.get(boss, client_id).version
    clients.change(boss, client_id, draft("79990000001", contact=IN_OTHER_WORDS, name="after"), open_form)
    consent = replace(draft("79990000002"), consent_source=f"told by {PHONE}")
    other_id = clients.add(boss, consent)
    add_endpoint(boss, description=f"of {IN_OTHER_WORDS}")
    open_form = clients.get(boss, client_id).version

    erasing.erase(boss, PHONE, tmp_path)

    assert tables_with_phone() == []
    assert clients.get(boss, client_id).attributes == {"name": "after"}
    assert clients.get(boss, client_id).version != open_form
    assert clients.get(boss, other_id).consent_source == "[erased]"
    changed, added = db.session.execute(
        select(AuditLine.before, AuditLine.after)
        .where(AuditLine.object_type == "client", AuditLine.object_id == client_id)
        .order_by(AuditLine.id.desc())
    ).all()
    assert changed == (
        {"attributes": {"contact": "[erased]", "name": "before"}},
        {"attributes": {"contact": "[erased]", "name": "after"}},
    )
    assert added.after["phone"] == "79990000001"


def comes_back(how: str, actor: Actor, folder: Path) -> None:
    if how == "page":
        make_client(actor, PHONE)
    elif how == "change":
        client_id = make_client(actor, "79990000001")
        clients.change(actor, client_id, draft(PHONE), clients.get(actor, client_id).version)
    elif how == "program":
        client_batches.add(actor, [draft(PHONE), draft("79990000001")])
    else:
        import_clients(actor, folder, f"phone,timezone\n{PHONE},UTC\n79990000001,UTC\n")


@pytest.mark.parametrize("how", ["page", "change", "program", "import"])
def test_whoever_was_stopped_and_erased_is_stopped_again_when_they_come_back(
    app_context: Flask, tmp_path: Path, how: str
) -> None:
    boss, owner = make_actor(Role.ADMINISTRATOR), make_actor()
    stop_list.add(boss, PHONE)
    erasing.erase(boss, PHONE, tmp_path)
    assert stop_list.is_listed(PHONE)
    assert db.session.get(StopListEntry, PHONE) is None

    comes_back(how, owner, tmp_path)

    assert list(db.session.scalars(select(StopListEntry.phone))) == [PHONE]
    assert db.session.get_one(StopListEntry, PHONE).source == erased.SOURCE
    (skipped,) = [row for row in messages_of(fan_out_all(owner, everybody=True, tags=())) if row.phone == PHONE]
    assert (skipped.status, skipped.reason) == (Status.SKIPPED, "stop_list")
    stop_list.remove(boss, PHONE)
    assert not stop_list.is_listed(PHONE)


@pytest.mark.usefixtures("app_context")
def test_whoever_was_never_stopped_may_come_back(tmp_path: Path) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    make_client(boss, PHONE)

    done = erasing.erase(boss, PHONE, tmp_path)
    make_client(boss, PHONE)

    assert not done.is_stopped
    assert not stop_list.is_listed(PHONE)


def test_nothing_is_erased_while_a_call_may_be_under_way_or_a_file_is_not_imported(
    any_context: Flask, tmp_path: Path
) -> None:
    boss = make_actor(Role.ADMINISTRATOR)
    client_id = make_client(boss, PHONE, "vip", name=NAME)
    armed = arm(fan_out_all(boss))

    with pytest.raises(Conflict, match="erasing_message_sending"):
        erasing.erase(boss, PHONE, tmp_path)
    settle(armed, saying(Verdict.UNCERTAIN, "timeout"))
    with pytest.raises(Conflict, match="erasing_message_unknown"):
        erasing.erase(boss, PHONE, tmp_path)
    unknown_outcomes.decide(boss, armed[0].mailing_id, Decision.ACCEPT)
    import_id = begin_check(boss, tmp_path, f"phone,name\n{IN_OTHER_WORDS},{NAME}\n")
    with pytest.raises(Conflict, match="import_holds_phone"):
        erasing.erase(boss, PHONE, tmp_path)
    assert clients.get(boss, client_id).phone == PHONE
    imports.cancel(boss, import_id, tmp_path)

    assert erasing.erase(boss, PHONE, tmp_path).messages == 1
    with pytest.raises(Forbidden):
        erasing.erase(make_actor(), PHONE, tmp_path)
    with pytest.raises(Invalid):
        erasing.erase(boss, "12345", tmp_path)
