"""How does a test of the engine come by clients, a mailing and a gateway that answers as told?"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import calling, delivery, fan_out, mailings, outbox, settling, starting, statistics, tallies
from dashboard.domain.armed import Armed
from dashboard.domain.mailing_drafts import MailingDraft
from dashboard.domain.permissions import Actor
from dashboard.domain.policy import OnUncertain, SendingPolicy
from dashboard.domain.settling import Result
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Attempt, Chunk, Client, Flight, Mailing, Message, State, Status, Tag, client_tags

HOLD = SendingPolicy(call_seconds=2.0, most_tries=3, on_uncertain=OnUncertain.HOLD)
RETRY = SendingPolicy(call_seconds=2.0, most_tries=12, on_uncertain=OnUncertain.RETRY)
MOSCOW = ("Europe/Moscow",)
# Two workers.
TOKEN, OTHER = "a" * 32, "b" * 32


def add_clients(
    owner: Actor, count: int, zones: tuple[str, ...] = MOSCOW, tag: str = "vip", first: int = 0
) -> list[int]:
    """Clients 7900…, their zones in turn, codes 900 to 904 in turn, each with an attribute `name`; their ids."""
    now = clock.now()
    rows = [
        {
            "owner_id": owner.id,
            "phone": f"790{number % 5}{number:07}",
            "operator_code": f"90{number % 5}",
            "timezone": zones[number % len(zones)],
            "attributes": {"name": f"N{number}"},
            "created_at": now,
            "updated_at": now,
        }
        for number in range(first, first + count)
    ]
    with transaction() as session:
        ids = list(session.scalars(insert(Client).returning(Client.id, sort_by_parameter_order=True), rows))
        tag_id = session.scalar(select(Tag.id).where(Tag.owner_id == owner.id, Tag.name == tag))
        if tag_id is None:
            tag_id = session.scalar(insert(Tag).values(owner_id=owner.id, name=tag).returning(Tag.id))
        session.execute(insert(client_tags), [{"tag_id": tag_id, "client_id": client_id} for client_id in ids])
    return ids


def make_draft(**changes: Any) -> MailingDraft:
    """To everybody with the tag `vip`, begun a second ago, ending in an hour."""
    now = clock.now()
    return MailingDraft(
        **{
            "title": "A mailing",
            "text": "Hello",
            "starts_at": now - timedelta(seconds=1),
            "ends_at": now + timedelta(hours=1),
            "window_from": None,
            "window_to": None,
            "tags": ("vip",),
            "operator_codes": (),
            "everybody": False,
            **changes,
        }
    )


def schedule(owner: Actor, **changes: Any) -> int:
    mailing_id = mailings.create(owner, make_draft(**changes))
    mailings.schedule(owner, mailing_id)
    return mailing_id


def fan_out_all(owner: Actor, **changes: Any) -> int:
    """A running mailing whose messages all exist."""
    mailing_id = schedule(owner, **changes)
    starting.start_due()
    while fan_out.one_range():
        pass
    return mailing_id


def arm(
    mailing_id: int, limit: int = 100, token: str = TOKEN, policy: SendingPolicy = HOLD, *, probing: bool = False
) -> list[Armed]:
    return outbox.arm([mailing_id], limit, token, policy, probing=probing).armed


def settle(
    armed: Iterable[Armed],
    script: Callable[[Call], Answer] | None = None,
    token: str = TOKEN,
    policy: SendingPolicy = HOLD,
    *,
    landed: bool = True,
) -> list[Result]:
    """Write how these calls ended, by default all accepted; `landed`: with them their flights end."""
    results = [Result(each, (script or accepted)(each.call)) for each in armed]
    settling.settle(results, flights_of(results) if landed else [], token, policy)
    return results


def flights_of(results: Iterable[Result]) -> set[int]:
    return {each.armed.flight for each in results if each.armed.flight is not None}


def saying(verdict: Verdict, reason: str, **more: Any) -> Callable[[Call], Answer]:
    """A gateway that answers every call like this."""
    return lambda call: answer(call, verdict, reason, **more)


class ScriptedGateway:
    """Answers each call at the next poll, as `script` says; `calls` keeps what was asked of it."""

    def __init__(self, script: Callable[[Call], Answer] | None = None, connections: int = 64) -> None:
        self._script = script or accepted
        self._connections = connections
        self._waiting: list[Call] = []
        self.calls: list[Call] = []

    @property
    def free(self) -> int:
        return self._connections - len(self._waiting)

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    def submit(self, call: Call) -> None:
        self.calls.append(call)
        self._waiting.append(call)

    def poll(self, timeout_seconds: float) -> list[Answer]:
        waiting, self._waiting = self._waiting, []
        return [self._script(call) for call in waiting]


def accepted(call: Call) -> Answer:
    return answer(call, Verdict.ACCEPTED, "ok", http_status=200, code=0)


def answer(call: Call, verdict: Verdict, reason: str, **more: Any) -> Answer:
    values = {"http_status": None, "code": None, "excerpt": "", "duration_ms": 7, "retry_after": None, **more}
    return Answer(call.message_id, verdict, reason, started_at=clock.now(), **values)


def deliver(gateway: calling.Gateway, policy: SendingPolicy = HOLD, seconds: float = 20) -> bool:
    """One round, to the end of what can be done now."""
    return delivery.Round(gateway, policy).run(seconds)


def ledger(mailing_id: int) -> dict[Status, int]:
    """What the books say, without the zeros; they must agree with a count, and nobody may be forgotten."""
    db.session.rollback()
    assert tallies.check(mailing_id) == []
    assert misplaced(mailing_id) == []
    return {status: count for status, count in statistics.counts(mailing_id).items() if count}


def misplaced(mailing_id: int) -> list[int]:
    """Messages that wait in their place, but not in exactly one chunk or flight."""
    query = select(Message.id).where(Message.mailing_id == mailing_id)
    in_place = query.where(Message.status == Status.QUEUED, Message.send_after.is_(None))
    spans = [
        range(first_id, last_id + 1)
        for kind in (Chunk, Flight)
        for first_id, last_id in db.session.execute(
            select(kind.first_id, kind.last_id).where(kind.mailing_id == mailing_id)
        )
    ]
    return [each for each in db.session.scalars(in_place) if sum(each in span for span in spans) != 1]


def state_of(mailing_id: int) -> State:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id).state


def messages_of(mailing_id: int) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.mailing_id == mailing_id).order_by(Message.id)))


def attempts_of(message_id: int) -> list[Attempt]:
    db.session.rollback()
    return list(db.session.scalars(select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.id)))


def set_messages(mailing_id: int, **values: Any) -> None:
    """Change a column behind the engine's back, as time would."""
    with transaction() as session:
        for message in session.scalars(select(Message).where(Message.mailing_id == mailing_id)):
            for name, value in values.items():
                setattr(message, name, value)


def set_mailing(mailing_id: int, **values: Any) -> None:
    """Change a column behind the engine's back, as time would."""
    with transaction() as session:
        session.execute(update(Mailing).where(Mailing.id == mailing_id).values(**values))


def another_try_is_due(mailing_id: int) -> None:
    """What waits by itself has waited long enough."""
    waiting = update(Message).where(Message.mailing_id == mailing_id, Message.status == Status.QUEUED)
    with transaction() as session:
        due = waiting.where(Message.send_after.is_not(None)).values(send_after=clock.now() - timedelta(seconds=1))
        session.execute(due)


def leases_run_out(mailing_id: int) -> None:
    """The worker that has armed messages of this mailing has died a while ago."""
    past = clock.now() - timedelta(seconds=1)
    with transaction() as session:
        session.execute(update(Flight).where(Flight.mailing_id == mailing_id).values(lease_until=past))
        leased = update(Message).where(Message.mailing_id == mailing_id, Message.lease_until.is_not(None))
        session.execute(leased.values(lease_until=past))


def count_rows(table: type[Chunk] | type[Flight], mailing_id: int) -> int:
    query = select(func.count()).select_from(table).where(table.mailing_id == mailing_id)
    return db.session.scalar(query) or 0


def count_messages(mailing_id: int) -> int:
    query = select(func.count()).select_from(Message).where(Message.mailing_id == mailing_id)
    return db.session.scalar(query) or 0
