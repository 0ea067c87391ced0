"""How is a person forgotten on request? By their phone, whosever client they are; then nothing leads to them.

Each step is a short transaction and may be repeated, so that an erasing that broke off is begun again: clients
keep their phone until nothing is left that is found by it. What counts messages stays as it is: their rows stay,
under a pseudonym.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, end_reading, transaction
from ..models import (
    Attempt,
    Client,
    Mailing,
    Message,
    Status,
    StopListEntry,
    Trial,
    TrialOutcome,
    User,
    client_tags,
)
from . import audit, bulk, doubts, erased, erasing_traces, fan_out, mailings, standing
from .audit import Thing
from .client_rules import canonical_phone
from .errors import Conflict
from .moves import move
from .permissions import Actor, require_administration
from .tallies import Place

logger = logging.getLogger(__name__)

# Why a message is cancelled whose addressee is erased.
ERASED = "erased"
# Of one transaction.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many rows of each kind were emptied. `is_stopped`: they stay stopped, should they come back."""

    phone: str
    clients: int
    messages: int
    traces: int
    is_stopped: bool


def erase(actor: Actor | None, phone: str, folder: Path) -> Erasure:
    """`folder`: where the files of imports lie. `actor` None: whoever runs the installation.

    What waits is taken back first, also if the erasing is refused for what is in doubt. Raises Forbidden, Invalid,
    and Conflict while it is not known what becomes of one of their messages, or a file that is not imported yet
    holds the phone.
    """
    if actor is not None:
        require_administration(actor)
    canonical = canonical_phone(phone)
    _require_settled(canonical)
    if erasing_traces.files_with(folder, canonical):
        raise Conflict("import_holds_phone")
    name = erased.pseudonym()
    done = _empty_clients(actor, canonical)
    with transaction() as session:
        fan_out.outlast(session)
    message_ids = _erase_messages(canonical, name)
    _erase_trials(canonical)
    concerned = {Thing.CLIENT: done.client_ids, Thing.PHONE: [int(canonical)]}
    traces = erasing_traces.clear(canonical, concerned)
    _rename_clients(canonical, name)
    logger.info("person erased", extra={"clients": len(done.client_ids), "count": len(message_ids)})
    return Erasure(masked(canonical), len(done.client_ids), len(message_ids), traces, done.is_stopped)


def masked(canonical: str) -> str:
    return f"+{canonical[0]} {canonical[1:4]} ***-**-{canonical[-2:]}"


def _require_settled(phone: str) -> None:
    """Raises Conflict."""
    _give_up_what_is_in_doubt(phone)
    theirs = select(standing.status()).where(Message.id.in_(_ids_of(phone)))
    found = set(db.session.scalars(theirs.distinct()))
    trials = select(Trial.id).where(Trial.phone == phone, Trial.outcome == TrialOutcome.SENDING)
    if Status.SENDING in found or db.session.scalar(trials.limit(1)) is not None:
        raise Conflict("erasing_message_sending")
    if Status.UNKNOWN in found:
        raise Conflict("erasing_message_unknown")
    end_reading()


def _give_up_what_is_in_doubt(phone: str) -> None:
    """What an earlier call may have brought to the gateway waits for no other: a person decides about it."""
    waiting = Message.id.in_(_ids_of(phone)) & doubts.is_waiting_in_doubt()
    for message_id in db.session.scalars(select(Message.id).where(waiting)).all():
        end_reading()
        with transaction() as session:
            message = _locked(session, message_id)
            if message.status is Status.QUEUED:
                doubts.close(session, [message], Place(Status.CANCELLED, ERASED, clock.database_now(session)))


def _locked(session: Session, message_id: int) -> Message:
    """Under the mailing's lock, so that nobody arms it meanwhile."""
    mailing_id = session.scalar(select(Message.mailing_id).where(Message.id == message_id))
    mailings.lock(session, mailing_id)
    return session.get_one(Message, message_id, with_for_update=True, populate_existing=True)


def _ids_of(phone: str) -> list[int]:
    """Of messages to this phone, and of those to earlier phones of whoever's client has it now.

    The former by a look into each mailing, by the key of mailing and phone; the latter by their client.
    """
    to_it = select(Message.id).join(Mailing, Mailing.id == Message.mailing_id).where(Message.phone == phone)
    theirs = select(Client.id).where(Client.phone == phone)
    of_them = select(Message.id).where(Message.client_id.in_(theirs), Message.phone >= erased.FIRST_PHONE)
    return sorted({*db.session.scalars(to_it), *db.session.scalars(of_them)})


@dataclass(frozen=True, slots=True)
class _Clients:
    client_ids: list[int]
    is_stopped: bool


def _empty_clients(actor: Actor | None, phone: str) -> _Clients:
    """All but the phone, by which they are found again: no mailing meets who is deleted.

    With them goes the open entry of the stop list, and the line is written that says so.
    """
    with transaction() as session:
        if bulk.is_postgresql():
            # Whoever is writing clients ends before, or sees the hash: `erased.stop_again` asks after writing.
            session.execute(text("LOCK TABLE clients IN SHARE ROW EXCLUSIVE MODE"))
        now = clock.database_now(session)
        gone = delete(StopListEntry).where(StopListEntry.phone == phone).returning(StopListEntry.phone)
        is_stopped = session.scalar(gone) is not None
        if is_stopped:
            erased.remember(session, phone, now)
        emptied = (
            update(Client)
            .where(Client.phone == phone)
            .values(
                operator_code="",
                timezone="UTC",
                attributes={},
                consent_source=None,
                consent_at=None,
                updated_at=now,
                deleted_at=func.coalesce(Client.deleted_at, now),
            )
        )
        ids = list(session.scalars(emptied.returning(Client.id)))
        session.execute(delete(client_tags).where(bulk.any_of(client_tags.c.client_id, ids)))
        session.execute(update(User).where(User.phone == phone).values(phone=None))
        after = {"phone": masked(phone), "clients": len(ids), "stopped": is_stopped}
        audit.note(session, actor, "erase", Thing.PHONE, after=after)
    return _Clients(ids, is_stopped or erased.is_stopped(phone))


def _erase_messages(phone: str, name: str) -> list[int]:
    """Also those that a fan-out has written meanwhile; it meets no client of this phone any more."""
    done: list[int] = []
    while ids := _ids_of(phone)[:AT_ONCE]:
        for message_id in ids:
            _erase_message(message_id, name)
        done += ids
    return done


def _erase_message(message_id: int, name: str) -> None:
    """Raises Conflict where somebody has just armed it, or called for it and not heard what became of it."""
    with transaction() as session:
        message = _locked(session, message_id)
        status = session.scalar(select(standing.status()).where(Message.id == message_id))
        if status is Status.SENDING:
            raise Conflict("erasing_message_sending")
        is_in_doubt = status is Status.QUEUED and doubts.reasons(session, [message_id])
        if status is Status.UNKNOWN or is_in_doubt:
            raise Conflict("erasing_message_unknown")
        if status is Status.QUEUED:
            ended = Place(Status.CANCELLED, ERASED, clock.database_now(session))
            move(session, [message], Place(Status.QUEUED), ended)
        _empty(session, message, name)


def _empty(session: Session, message: Message, name: str) -> None:
    """With what the audit log says of it: once it is empty, nothing leads from the phone to it."""
    same = select(Message.id).where(Message.mailing_id == message.mailing_id, Message.phone == name)
    if session.scalar(same) is not None:
        # The mailing has one more of theirs, to a phone they had before or have now.
        name = erased.pseudonym()
    values = {"phone": name, "text": None, "placeholder_values": None}
    session.execute(update(Message).where(Message.id == message.id).values(values))
    session.execute(update(Attempt).where(Attempt.message_id == message.id).values(excerpt=""))
    erasing_traces.clear_lines(session, Thing.MESSAGE, [message.id])


def _erase_trials(phone: str) -> None:
    with transaction() as session:
        gone = delete(Trial).where(Trial.phone == phone, Trial.outcome != TrialOutcome.SENDING)
        ids = list(session.scalars(gone.returning(Trial.id)))
        erasing_traces.clear_lines(session, Thing.TRIAL, ids)


def _rename_clients(phone: str, name: str) -> None:
    """Last of all. Whoever was added again meanwhile has come back, and keeps the phone."""
    with transaction() as session:
        theirs = (Client.phone == phone, Client.deleted_at.is_not(None))
        session.execute(update(Client).where(*theirs).values(phone=name))
