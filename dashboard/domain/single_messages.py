"""What may a person do with one message: send one to one client more, change its text, take it back?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import clock
from ..database import insert_or_ignore, transaction
from ..models import Client, Lane, Mailing, Message, State, Status
from . import (
    audit,
    doubts,
    ids,
    lanes,
    limits,
    mailings,
    messages,
    parts,
    personalisation,
    reopening,
    standing,
    stop_list,
    tallies,
)
from .audit import Thing
from .errors import Conflict, Invalid, NotFound, Problem
from .mailing_drafts import text_problems
from .messages import MessageStory
from .moves import move
from .permissions import Actor, require_change, require_launching
from .tallies import Move, Place

# Why a message is cancelled that a person has taken back.
BY_OPERATOR = "operator"


def create(actor: Actor, mailing_id: int, client_id: int) -> int:
    """One message more in a started mailing, to one of its owner's clients; answers its number.

    It waits by itself from now on; a finished mailing whose end lies ahead runs again. It counts against the
    budget, not against a canary: somebody has wished for exactly this one. Raises Forbidden, NotFound, Invalid
    for a client who cannot be messaged, and Conflict if client or phone have a message already.
    """
    require_launching(actor)
    mailings.get(actor, mailing_id)
    message_id = ids.take(1)
    with transaction() as session:
        mailing = mailings.locked(session, actor, mailing_id)
        require_open(session, mailing)
        # So that whoever erases them meanwhile waits, and finds the message.
        session.execute(select(Client.id).where(Client.id == client_id).with_for_update(read=True))
        client = addressee(session, mailing, client_id)
        values = values_for(mailing, client)
        limits.charge(session, mailing, parts.count(personalisation.render(mailing.text, values)))
        _open_lane(session, mailing, client)
        _insert(session, actor, message_id, mailing, client, values)
        reopening.reopen(session, mailing)
        said = {"mailing_id": mailing_id, "client_id": client_id}
        audit.note(session, actor, "create", Thing.MESSAGE, message_id, after=said)
    return message_id


def require_open(session: Session, mailing: Mailing) -> None:
    """Raises Conflict for a mailing that takes no message any more, or not yet."""
    if mailing.state is State.CANCELLED:
        raise Conflict("mailing_cancelled")
    if mailing.state not in reopening.REOPENABLE:
        raise Conflict("mailing_not_started")
    reopening.require_messages(mailing)
    if mailing.ends_at <= clock.database_now(session):
        raise Conflict("mailing_over")


def addressee(session: Session, mailing: Mailing, client_id: int) -> Client:
    """One of the clients of the mailing's owner. Raises Invalid for others', and for who is on the stop list."""
    client = session.scalar(
        select(Client).where(
            Client.id == client_id, Client.owner_id == mailing.owner_id, Client.deleted_at.is_(None)
        )
    )
    if client is None:
        raise Invalid([Problem("client_id", "client_unknown")])
    if stop_list.is_listed(client.phone):
        raise Invalid([Problem("client_id", "stop_list")])
    return client


def values_for(mailing: Mailing, client: Client) -> dict[str, str] | None:
    """Of the placeholders, as the fan-out freezes them. Raises Invalid where one has no value."""
    names = personalisation.placeholders(mailing.text)
    values = {name: str(client.attributes.get(name) or "") for name in names}
    if not all(values.values()):
        raise Invalid([Problem("client_id", "missing_value")])
    return values or None


def _open_lane(session: Session, mailing: Mailing, client: Client) -> None:
    """After its end a mailing's lanes stand still; and the client's zone may have had none."""
    lanes.open_missing(session, mailing, [client.timezone])
    lanes.renew(session, mailing)
    if session.get_one(Lane, (mailing.id, client.timezone)).opens_at is None:
        raise Invalid([Problem("client_id", "no_window_left")])


def _insert(
    session: Session,
    actor: Actor,
    message_id: int,
    mailing: Mailing,
    client: Client,
    values: dict[str, str] | None,
) -> None:
    now = clock.database_now(session)
    row = {
        "id": message_id,
        "mailing_id": mailing.id,
        "client_id": client.id,
        "phone": client.phone,
        "operator_code": client.operator_code,
        "timezone": client.timezone,
        "placeholder_values": values,
        "created_at": now,
        "added_by_id": actor.id,
        "status": Status.QUEUED,
        "send_after": now,
        "tries": 0,
    }
    if session.scalar(insert_or_ignore(Message).values(row).returning(Message.id)) is None:
        raise Conflict("message_exists")
    new = Move(mailing.id, client.operator_code, client.timezone, None, Place(Status.QUEUED))
    tallies.record(session, [new])


@contextmanager
def held(actor: Actor, message_id: int) -> Iterator[MessageStory]:
    """A message as it stands, and as all others leave it until the end of the block, which is one transaction.

    Raises Forbidden and NotFound.
    """
    require_change(actor)
    with transaction() as session:
        _locked(session, actor, message_id)
        yield messages.get(actor, message_id)


def change_text(actor: Actor, message_id: int, text: str) -> None:
    """Give a message that waits a text of its own, its placeholders filled in now with what was frozen.

    Raises Forbidden (as a launch: other words leave than those that were launched), NotFound, Invalid, and
    Conflict for one that waits no longer, or a text that costs more parts than the budget has left.
    """
    require_launching(actor)
    with transaction() as session:
        mailing, message = _locked(session, actor, message_id)
        _require_waiting(session, message)
        values = message.placeholder_values or {}
        own = own_text(text, values)
        if message.send_after is not None:  # what waits in its place is charged when it leaves
            before = message.text or personalisation.render(mailing.text, values)
            limits.charge(session, mailing, parts.count(own) - parts.count(before))
        audit.note(session, actor, "change_text", Thing.MESSAGE, message_id, {"text": message.text}, {"text": own})
        message.text = own


def own_text(text: str, values: Mapping[str, str]) -> str:
    """As the client will read it. Raises Invalid if it cannot be sent, or asks for more than is known."""
    problems = list(text_problems(text))
    unknown = [name for name in personalisation.placeholders(text) if not values.get(name)]
    problems += [Problem("text", "placeholder_without_value", {"found": name}) for name in unknown[:1]]
    if problems:
        raise Invalid(problems)
    return personalisation.render(text.strip(), values)


def cancel(actor: Actor, message_id: int) -> None:
    """Take a message back that waits; one that was taken back before stays so.

    Raises Forbidden, NotFound, and Conflict for what was settled or has left the house: also in an earlier call
    of which nobody knows how it ended.
    """
    with transaction() as session:
        _mailing, message = _locked(session, actor, message_id)
        if (message.status, message.reason) == (Status.CANCELLED, BY_OPERATOR):
            return
        _require_waiting(session, message)
        ended = Place(Status.CANCELLED, BY_OPERATOR, clock.database_now(session))
        move(session, [message], Place(Status.QUEUED), ended)
        audit.note(session, actor, "cancel", Thing.MESSAGE, message_id)


def _locked(session: Session, actor: Actor, message_id: int) -> tuple[Mailing, Message]:
    """Holding the mailing's row keeps all arming of it off; the message's own row keeps off who settles it."""
    mailing_id = session.scalar(select(Message.mailing_id).where(Message.id == message_id))
    if mailing_id is None:
        raise NotFound
    mailing = mailings.locked(session, actor, mailing_id)
    return mailing, session.get_one(Message, message_id, with_for_update=True, populate_existing=True)


def _require_waiting(session: Session, message: Message) -> None:
    """What has left the house cannot be unsent. Raises Conflict that says where it stands."""
    match session.scalar(select(standing.status()).where(Message.id == message.id)):
        case Status.QUEUED:
            if doubts.reasons(session, [message.id]):
                raise Conflict("message_may_be_sent")
        case Status.SENDING:
            raise Conflict("message_being_sent")
        case Status.SENT:
            raise Conflict("message_sent")
        case Status.UNKNOWN:
            raise Conflict("message_may_be_sent")
        case _:
            raise Conflict("message_settled")
