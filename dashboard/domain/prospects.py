"""What would one message more of a mailing be, or one with another text, before somebody decides on it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from .. import clock, zones
from ..database import db
from ..models import Allowance, Client, Mailing, Message, State
from . import lanes, mailings, parts, personalisation, reopening, single_messages
from .client_rules import canonical_phone
from .errors import Conflict, Invalid, NotFound, Problem
from .permissions import Actor, require_change, visible
from .timing import next_opening

# Offered for a choice, the newest first.
MOST_OFFERED = 100


@dataclass(frozen=True, slots=True)
class OpenMailing:
    id: int
    title: str
    state: State
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Prospect:
    """Who would read what. `opens_at` lies ahead if their window is closed now; else None."""

    client_id: int
    phone: str
    timezone: str
    text: str
    parts: int
    is_paused: bool
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnText:
    """`values`: what may stand in braces, frozen with the message."""

    text: str
    parts: int
    values: Mapping[str, str]


def open_mailings(actor: Actor, owner_id: int | None = None) -> list[OpenMailing]:
    """Those that still take a message: begun, not cancelled, their end ahead; of one owner, or of any."""
    query = (
        select(Mailing.id, Mailing.title, Mailing.state, Mailing.ends_at)
        .where(Mailing.state.in_(reopening.REOPENABLE), Mailing.ends_at > clock.database_now(db.session()))
        .where(visible(Mailing.owner_id, actor))
        .order_by(Mailing.id.desc())
        .limit(MOST_OFFERED)
    )
    if owner_id is not None:
        query = query.where(Mailing.owner_id == owner_id)
    return [OpenMailing(*row) for row in db.session.execute(query)]


def of(actor: Actor, mailing_id: int, phone: str) -> Prospect:
    """The message that `single_messages.create` would make, to a phone in any notation.

    Raises what that would raise, for a client who has a message already, too. The fields of Invalid are `phone`
    and, as there, `client_id`.
    """
    require_change(actor)
    mailing = mailings.get(actor, mailing_id)
    single_messages.require_open(db.session(), mailing)
    client = _client(mailing, phone)
    values = single_messages.values_for(mailing, client)
    text = personalisation.render(mailing.text, values)
    _require_new(mailing, client)
    _require_budget(mailing, parts.count(text))
    now = clock.database_now(db.session())
    opening = next_opening(lanes.timetable(mailing), zones.zone(client.timezone), now)
    if opening is None:
        raise Invalid([Problem("phone", "no_window_left")])
    return Prospect(
        client.id,
        client.phone,
        client.timezone,
        text,
        parts.count(text),
        is_paused=mailing.state is State.PAUSED,
        opens_at=opening.opens_at if opening.opens_at > now else None,
    )


def _client(mailing: Mailing, phone: str) -> Client:
    query = select(Client.id).where(
        Client.owner_id == mailing.owner_id,
        Client.phone == canonical_phone(phone),
        Client.deleted_at.is_(None),
    )
    client_id = db.session.scalar(query)
    return single_messages.addressee(db.session(), mailing, client_id or 0)


def _require_new(mailing: Mailing, client: Client) -> None:
    same = or_(Message.client_id == client.id, Message.phone == client.phone)
    if db.session.scalar(select(Message.id).where(Message.mailing_id == mailing.id, same).limit(1)) is not None:
        raise Conflict("message_exists")


def _require_budget(mailing: Mailing, needed: int) -> None:
    """Before its first arming a mailing has no allowance yet, and all of its budget."""
    if mailing.budget_parts is None:
        return
    left = db.session.scalar(select(Allowance.parts_left).where(Allowance.scope == mailing.id))
    if needed > (mailing.budget_parts if left is None else left):
        raise Conflict("budget_used_up")


def present_text(actor: Actor, message_id: int) -> OwnText:
    """What a message says now. Raises NotFound."""
    mailing, message = _found(actor, message_id)
    values = message.placeholder_values or {}
    text = message.text
    if text is None and values.keys() >= set(personalisation.placeholders(mailing.text)):
        text = personalisation.render(mailing.text, values)
    text = mailing.text if text is None else text
    return OwnText(text, parts.count(text), values)


def own_text(actor: Actor, message_id: int, text: str) -> OwnText:
    """What it would say with this text. Raises NotFound, and Invalid as `single_messages.change_text`."""
    _mailing, message = _found(actor, message_id)
    values = message.placeholder_values or {}
    own = single_messages.own_text(text, values)
    return OwnText(own, parts.count(own), values)


def _found(actor: Actor, message_id: int) -> tuple[Mailing, Message]:
    query = (
        select(Mailing, Message)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Message.id == message_id, visible(Mailing.owner_id, actor))
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    return found.Mailing, found.Message
