"""How does a test of the engine come by clients, a mailing and a gateway that answers as told?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select

from dashboard import clock
from dashboard.database import db, transaction
from dashboard.domain import delivery, fan_out, mailings, starting, statistics, tallies
from dashboard.domain.mailing_drafts import MailingDraft
from dashboard.domain.outbox import OnUncertain, SendingPolicy
from dashboard.domain.permissions import Actor
from dashboard.gateway import Answer, Call, Verdict
from dashboard.models import Client, Mailing, Message, State, Status, Tag, client_tags

HOLD = SendingPolicy(call_seconds=2.0, most_tries=3, on_uncertain=OnUncertain.HOLD)
RETRY = SendingPolicy(call_seconds=2.0, most_tries=12, on_uncertain=OnUncertain.RETRY)
MOSCOW = ("Europe/Moscow",)


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


def deliver(gateway: delivery.Gateway, policy: SendingPolicy = HOLD, seconds: float = 20) -> bool:
    """One round, to the end of what can be done now."""
    return delivery.Round(gateway, policy).run(seconds)


def ledger(mailing_id: int) -> dict[Status, int]:
    """What the books say, without the zeros; they must agree with a count."""
    db.session.rollback()
    assert tallies.check(mailing_id) == []
    return {status: count for status, count in statistics.counts(mailing_id).items() if count}


def state_of(mailing_id: int) -> State:
    db.session.rollback()
    return db.session.get_one(Mailing, mailing_id).state


def messages_of(mailing_id: int) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.mailing_id == mailing_id).order_by(Message.id)))


def set_messages(mailing_id: int, **values: Any) -> None:
    """Change a column behind the engine's back, as time would."""
    with transaction() as session:
        for message in session.scalars(select(Message).where(Message.mailing_id == mailing_id)):
            for name, value in values.items():
                setattr(message, name, value)


def count_messages(mailing_id: int) -> int:
    query = select(func.count()).select_from(Message).where(Message.mailing_id == mailing_id)
    return db.session.scalar(query) or 0
