"""Who are an operator's clients, one at a time?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, null, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from .. import clock
from ..database import db, insert_or_ignore, transaction
from ..models import Client, Message, StopListEntry, User
from . import audit, erased, fan_out, tags
from .audit import Thing
from .client_rules import CheckedClient, ClientDraft, check
from .errors import Conflict, Invalid, NotFound, Problem
from .permissions import Actor, may_see_all, require_change, visible

__all__ = ["ClientDraft", "ClientView", "add", "change", "delete", "get", "held", "views"]

# What of a client a person types, beside the tags.
FIELDS = ("phone", "timezone", "operator_code", "attributes", "consent_source", "consent_at")


@dataclass(frozen=True, slots=True)
class ClientView:
    id: int
    owner_id: int
    # Told to those who see everybody's clients.
    owner_name: str | None
    phone: str
    operator_code: str
    timezone: str
    tags: tuple[str, ...]
    attributes: Mapping[str, str]
    consent_source: str | None
    consent_at: datetime | None
    created_at: datetime
    updated_at: datetime
    is_stop_listed: bool
    # Since when and from where, where it is.
    stop_listed_at: datetime | None
    stop_list_source: str | None

    @property
    def version(self) -> str:
        """Another one after every change, whoever makes it; `change` wants it back."""
        return _version(self.updated_at)


def get(actor: Actor, client_id: int) -> ClientView:
    """Raises NotFound, also for what is deleted or belongs to others."""
    found = views(actor, [client_id])
    if not found:
        raise NotFound
    return found[0]


@contextmanager
def held(actor: Actor, client_id: int) -> Iterator[ClientView]:
    """A client as it is, and as all others leave it until the end of the block, which is one transaction.

    Raises Forbidden and NotFound.
    """
    require_change(actor)
    with transaction() as session:
        _locked(session, actor, client_id)
        yield get(actor, client_id)


def views(actor: Actor, ids: Sequence[int]) -> list[ClientView]:
    """In the order of the ids, without those who are deleted or belong to others."""
    query = (
        select(Client, User.name, StopListEntry)
        .join(User, User.id == Client.owner_id)
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .where(Client.id.in_(ids), Client.deleted_at.is_(None), visible(Client.owner_id, actor))
        .options(selectinload(Client.tags))
        # Whoever has held and changed them in this transaction has them loaded as they were.
        .execution_options(populate_existing=True)
    )
    found = {
        client.id: _view(client, owner_name if may_see_all(actor) else None, entry)
        for client, owner_name, entry in db.session.execute(query)
    }
    return [found[each] for each in ids if each in found]


def _view(client: Client, owner_name: str | None, entry: StopListEntry | None) -> ClientView:
    return ClientView(
        id=client.id,
        owner_id=client.owner_id,
        owner_name=owner_name,
        phone=client.phone,
        operator_code=client.operator_code,
        timezone=client.timezone,
        tags=tuple(tag.name for tag in client.tags),
        attributes=client.attributes,
        consent_source=client.consent_source,
        consent_at=client.consent_at,
        created_at=client.created_at,
        updated_at=client.updated_at,
        is_stop_listed=entry is not None,
        stop_listed_at=entry.added_at if entry else None,
        stop_list_source=entry.source if entry else None,
    )


def add(actor: Actor, draft: ClientDraft) -> int:
    """A new client of this actor's; answers its id. A phone the actor once deleted comes back with its id.

    Raises Invalid, also where the phone is one of the actor's clients already.
    """
    require_change(actor)
    checked = check(draft)
    with transaction() as session:
        now = clock.database_now(session)
        new = {"owner_id": actor.id, "created_at": now, **row_values(checked, now)}
        client_id: int | None = session.scalar(insert_or_ignore(Client).values(new).returning(Client.id))
        if client_id is None:
            client_id = bring_back(session, actor.id, checked)
        else:
            tags.replace(session, actor.id, client_id, checked.tags)
        erased.stop_again(session, [checked.phone])
        audit.note(session, actor, "add", Thing.CLIENT, client_id, after=asdict(checked))
        return client_id


def change(actor: Actor, client_id: int, draft: ClientDraft, version: str) -> None:
    """Every field is replaced; the owner stays. `version` is the one that was read: Conflict if there is a newer.

    Raises NotFound, or Invalid, also where the new phone is taken.
    """
    require_change(actor)
    checked = check(draft)
    with transaction() as session:
        if session.scalar(select(Client.phone).where(Client.id == client_id)) != checked.phone:
            # What is being selected under the phone of before has to be found below. Locked before the client.
            fan_out.outlast(session)
        owner_id, updated_at = _locked(session, actor, client_id)
        if version != _version(updated_at):
            if _stands_so(session, client_id, checked):
                return
            raise Conflict("client_edited")
        before = _said(session, client_id)
        values = row_values(checked, clock.database_now(session))
        try:
            with session.begin_nested():
                session.execute(update(Client).where(Client.id == client_id).values(values))
        except IntegrityError:
            raise _phone_taken(session, owner_id, checked.phone) from None
        if checked.phone != before["phone"]:
            _mark_former(session, client_id, checked.phone)
        tags.replace(session, owner_id, client_id, checked.tags)
        erased.stop_again(session, [checked.phone])
        audit.note(session, actor, "change", Thing.CLIENT, client_id, before, _said(session, client_id))


def _mark_former(session: Session, client_id: int, phone: str) -> None:
    """What has gone to another phone than the client has now counts for that one (`last_look`)."""
    is_former = case((Message.phone != phone, true()), else_=null())
    session.execute(
        update(Message).where(Message.client_id == client_id).values(is_former=is_former),
        execution_options={"synchronize_session": False},
    )


def was_deleted(actor: Actor, client_id: int) -> bool:
    """Was this a client whom the actor could see? For whoever has their form still open."""
    gone = select(Client.id).where(
        Client.id == client_id, Client.deleted_at.is_not(None), visible(Client.owner_id, actor)
    )
    return db.session.scalar(gone) is not None


def delete(actor: Actor, client_id: int) -> None:
    """The row stays for the story of its messages; it loses its tags. Raises NotFound."""
    require_change(actor)
    with transaction() as session:
        owner_id, _updated_at = _locked(session, actor, client_id)
        before = _said(session, client_id)
        now = clock.database_now(session)
        session.execute(update(Client).where(Client.id == client_id).values(deleted_at=now, updated_at=now))
        tags.replace(session, owner_id, client_id, ())
        audit.note(session, actor, "delete", Thing.CLIENT, client_id, before)


def _said(session: Session, client_id: int) -> dict[str, Any]:
    """What the audit log is told of a client."""
    fresh = {"populate_existing": True}
    client = session.get_one(Client, client_id, options=[selectinload(Client.tags)], execution_options=fresh)
    return {**audit.columns(client, *FIELDS), "tags": sorted(tag.name for tag in client.tags)}


def row_values(checked: CheckedClient, now: datetime) -> dict[str, Any]:
    """What a client's row says of what was typed."""
    return {
        "phone": checked.phone,
        "operator_code": checked.operator_code,
        "timezone": checked.timezone,
        "attributes": checked.attributes,
        "consent_source": checked.consent_source,
        "consent_at": checked.consent_at,
        "updated_at": now,
        "deleted_at": None,
    }


def bring_back(session: Session, owner_id: int, checked: CheckedClient) -> int:
    """A client of this phone who was deleted, as typed now; answers the id. Raises Invalid where there is none."""
    deleted = (
        update(Client)
        .where(Client.owner_id == owner_id, Client.phone == checked.phone, Client.deleted_at.is_not(None))
        .values(row_values(checked, clock.database_now(session)))
        .returning(Client.id)
    )
    client_id = session.scalar(deleted)
    if client_id is None:
        raise _phone_taken(session, owner_id, checked.phone)
    tags.replace(session, owner_id, client_id, checked.tags)
    return client_id


def _version(updated_at: datetime) -> str:
    """Everything that changes a client says when, to the microsecond."""
    return updated_at.isoformat()


def _stands_so(session: Session, client_id: int, checked: CheckedClient) -> bool:
    """The same form, sent twice, is no conflict with itself."""
    client = session.get_one(Client, client_id, options=[selectinload(Client.tags)])
    has_same_tags = {tag.name for tag in client.tags} == set(checked.tags)
    return has_same_tags and all(getattr(client, name) == getattr(checked, name) for name in FIELDS)


def _locked(session: Session, actor: Actor, client_id: int) -> tuple[int, datetime]:
    """Owner and last change of a client that this actor may change, whose row is now held. Raises NotFound."""
    mine = select(Client.owner_id, Client.updated_at).where(
        Client.id == client_id, Client.deleted_at.is_(None), visible(Client.owner_id, actor)
    )
    found = session.execute(mine.with_for_update()).one_or_none()
    if found is None:
        raise NotFound
    return found.owner_id, found.updated_at


def _phone_taken(session: Session, owner_id: int, phone: str) -> Invalid:
    """A deleted client's row keeps its phone, because its messages do: adding the phone brings it back."""
    same = select(Client.deleted_at).where(Client.owner_id == owner_id, Client.phone == phone)
    code = "phone_taken" if session.scalar(same) is None else "phone_deleted"
    return Invalid([Problem("phone", code)])
