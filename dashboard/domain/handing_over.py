"""How is a user deleted whose clients and mailings others still need? They are handed to another user.

The row is the request: `handed_to_id` says who gets everything, and until all of it is theirs whoever finds it
goes on. Nothing of the leaving user works meanwhile. Of the user the row stays, with the name alone.

One phone is once per owner. Where both have it, the receiver's client stays as it is, with its tags and
attributes, and takes over the messages of the other one, which is removed. Had the receiver deleted theirs, the
other one's data count.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .. import clock, models
from ..database import db, end_reading, retrying, rows_changed, transaction
from ..models import (
    UNDER_WAY,
    ApiToken,
    ChangeState,
    Client,
    ClientChange,
    FormDraft,
    IdempotencyKey,
    Identity,
    Import,
    ImportState,
    Mail,
    Mailing,
    Message,
    PasswordLink,
    RecoveryCode,
    Role,
    SecondFactor,
    State,
    Tag,
    TokenFamily,
    Trial,
    UserSession,
    WebhookDelivery,
    WebhookEndpoint,
    client_tags,
)
from . import audit, sign_ins, tags, user_administration
from .audit import Thing
from .errors import Conflict, Invalid, Problem
from .permissions import Actor

logger = logging.getLogger(__name__)

# Clients of one transaction: some 50 ms on SQLite, so that nobody waits long for its one lock.
AT_ONCE = 500
LAUNCHED = (State.SCHEDULED, *UNDER_WAY)
OVER = (ImportState.FINISHED, ImportState.FAILED, ImportState.CANCELLED)
# What of a client is the row's own.
DATA = ("operator_code", "timezone", "attributes", "consent_source", "consent_at", "import_id")
# What lets the user in, or is about nobody else.
OWN = (
    UserSession,
    TokenFamily,
    PasswordLink,
    Identity,
    SecondFactor,
    RecoveryCode,
    ApiToken,
    FormDraft,
    Trial,
    IdempotencyKey,
    Mail,
)


def begin(actor: Actor, user_id: int, receiver_id: int) -> None:
    """From now on the user is switched off for good, and `run` hands over what they own.

    Refused while something of theirs is launched and not over: it would go on with the receiver's clients. Raises
    Forbidden, NotFound, Invalid for a receiver who cannot be one, and Conflict: user_is_self, user_leaving,
    user_receiving, user_has_mailings, user_has_imports.
    """
    with transaction() as session:
        row = user_administration.held(session, actor, user_id)
        if user_id == actor.id:
            raise Conflict("user_is_self")
        if row.handed_to_id is not None:
            raise Conflict("user_leaving")
        if session.scalar(select(models.User.id).where(models.User.handed_to_id == user_id)) is not None:
            raise Conflict("user_receiving")
        _require_receiver(session, user_id, receiver_id)
        row.is_active, row.waiting_since, row.handed_to_id = False, None, receiver_id
        sign_ins.end_all(session, user_id)
        _take_mailings(session, user_id, receiver_id)
        if session.scalar(select(Mailing.id).where(Mailing.owner_id == user_id).limit(1)) is not None:
            raise Conflict("user_has_mailings")
        open_ = (Import.owner_id == user_id, Import.state.not_in(OVER))
        if session.scalar(select(Import.id).where(*open_).limit(1)) is not None:
            raise Conflict("user_has_imports")
        _end_changes(session, user_id, receiver_id)
        before = audit.columns(row, "name", "email", "role")
        audit.note(session, actor, "delete", Thing.USER, user_id, before, {"handed_to_id": receiver_id})
    logger.info("user is being deleted", extra={"user_id": user_id, "by_id": actor.id, "to_id": receiver_id})


def _require_receiver(session: Session, user_id: int, receiver_id: int) -> None:
    receiver = session.get(models.User, receiver_id, with_for_update={"key_share": True}, populate_existing=True)
    if receiver is None or receiver_id == user_id or not receiver.is_active or receiver.role is Role.VIEWER:
        raise Invalid([Problem("receiver", "receiver_unknown")])


def _take_mailings(session: Session, user_id: int, receiver_id: int) -> None:
    """All but the launched: those have selected their owner's clients, or will."""
    idle = (Mailing.owner_id == user_id, Mailing.state.not_in(LAUNCHED))
    session.execute(update(Mailing).where(*idle).values(owner_id=receiver_id, form_key=None))


def _end_changes(session: Session, user_id: int, receiver_id: int) -> None:
    """Changes of many clients: what is not done is not done to the receiver's."""
    theirs = ClientChange.actor_id == user_id
    ended = {"state": ChangeState.CANCELLED, "finished_at": clock.database_now(session)}
    session.execute(update(ClientChange).where(theirs, ClientChange.finished_at.is_(None)).values(ended))
    session.execute(update(ClientChange).where(theirs).values(actor_id=receiver_id, form_key=None))


def unfinished() -> list[int]:
    """Who is being deleted."""
    leaving = select(models.User.id).where(models.User.handed_to_id.is_not(None))
    found = list(db.session.scalars(leaving.order_by(models.User.id)))
    end_reading()
    return found


def run(user_id: int, seconds: float, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Hand over, for about so long. True: there is nothing more to do. Two at once do no harm."""
    until = clock.monotonic() + seconds
    while retrying(lambda: _step(user_id)):
        if clock.monotonic() >= until or is_stopping():
            return False
    return True


def _step(user_id: int) -> bool:
    """One transaction. False: it was the last."""
    with transaction() as session:
        row = session.get(models.User, user_id, with_for_update={"key_share": True}, populate_existing=True)
        if row is None or row.handed_to_id is None:
            return False
        receiver_id = row.handed_to_id
        some = select(Client).where(Client.owner_id == user_id).order_by(Client.id).limit(AT_ONCE)
        if clients := session.scalars(some.with_for_update()).all():
            _take_clients(session, clients, receiver_id)
            return True
        if _end_some_deliveries(session, user_id):
            return True
        # What was begun in the instant before it ended may be launched still: it is looked at again later.
        _take_mailings(session, user_id, receiver_id)
        if session.scalar(select(Mailing.id).where(Mailing.owner_id == user_id).limit(1)) is not None:
            return False
        session.execute(update(Import).where(Import.owner_id == user_id).values(owner_id=receiver_id))
        _end_changes(session, user_id, receiver_id)
        _empty(session, row)
    logger.info("user deleted", extra={"user_id": user_id})
    return False


def _take_clients(session: Session, clients: Sequence[Client], receiver_id: int) -> None:
    of_receiver = select(Client).where(
        Client.owner_id == receiver_id, Client.phone.in_([each.phone for each in clients])
    )
    known = {each.phone: each for each in session.scalars(of_receiver.with_for_update())}
    borne = _tags_of(session, [each.id for each in clients])
    names = {name for each in clients for name in borne.get(each.id, ())}
    ids = tags.ids_by_name(session, receiver_id, names) if names else {}
    marked: list[tuple[int, int]] = []
    for each in clients:
        other = known.get(each.phone)
        if other is None or _revived(session, each, other):
            kept = each if other is None else other
            marked += [(ids[name], kept.id) for name in borne.get(each.id, ())]
    gone = {each.id: known[each.phone].id for each in clients if each.phone in known}
    moved = [each.id for each in clients if each.phone not in known]
    session.flush()
    _hand_on_messages(session, gone)
    session.execute(delete(client_tags).where(client_tags.c.client_id.in_([each.id for each in clients])))
    session.execute(delete(Client).where(Client.id.in_(gone)), execution_options={"synchronize_session": False})
    to_receiver = update(Client).where(Client.id.in_(moved)).values(owner_id=receiver_id)
    session.execute(to_receiver, execution_options={"synchronize_session": False})
    if marked:
        session.execute(insert(client_tags), [{"tag_id": tag, "client_id": client} for tag, client in marked])


def _tags_of(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    query = select(client_tags.c.client_id, Tag.name).join(Tag, Tag.id == client_tags.c.tag_id)
    found: dict[int, list[str]] = {}
    for client_id, name in session.execute(query.where(client_tags.c.client_id.in_(ids))):
        found.setdefault(client_id, []).append(name)
    return found


def _revived(session: Session, living: Client, other: Client) -> bool:
    """The receiver had deleted the phone, and gets it back as the leaving user has it."""
    if other.deleted_at is None or living.deleted_at is not None:
        return False
    for name in DATA:
        setattr(other, name, getattr(living, name))
    other.deleted_at, other.updated_at = None, clock.database_now(session)
    return True


def _hand_on_messages(session: Session, gone: dict[int, int]) -> None:
    """A mailing has one message for a phone at most, so that none has one for both clients."""
    theirs = select(Message.client_id).where(Message.client_id.in_(gone)).distinct()
    for client_id in session.scalars(theirs).all():
        session.execute(
            update(Message).where(Message.client_id == client_id).values(client_id=gone[client_id]),
            execution_options={"synchronize_session": False},
        )


def _end_some_deliveries(session: Session, user_id: int) -> bool:
    """What webhooks were told is no longer of use; there may be very many."""
    endpoints = select(WebhookEndpoint.id).where(WebhookEndpoint.user_id == user_id)
    some = select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id.in_(endpoints)).limit(10 * AT_ONCE)
    gone = delete(WebhookDelivery).where(WebhookDelivery.id.in_(some))
    return rows_changed(session, gone.execution_options(synchronize_session=False)) > 0


def _empty(session: Session, row: models.User) -> None:
    for table in OWN:
        own: Any = table
        session.execute(delete(own).where(own.user_id == row.id))
    session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.user_id == row.id))
    session.execute(delete(Tag).where(Tag.owner_id == row.id))
    # Neither can be typed in, so that nobody signs in so, and name and address are free again.
    row.name_key = row.email = f"@{row.id}"
    row.password_hash, row.phone, row.signed_in_at = secrets.token_hex(32), None, None
    row.handed_to_id, row.deleted_at = None, clock.database_now(session)
