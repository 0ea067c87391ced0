"""How do clients to try things out with come and go? Those of `flask demo`, for the administrator who asks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import transaction
from ..models import Client, client_tags
from . import audit, demo
from .audit import Thing
from .permissions import Actor, require_administration

USUAL = 2_160
# More would keep whoever asks waiting for longer than a few seconds.
MOST = 10_000
# Of one transaction: about 100 ms on SQLite, so that nobody waits long for its one lock.
AT_ONCE = 300
AS_MADE = ("operator_code", "timezone", "attributes")


def add(actor: Actor, count: int = USUAL) -> int:
    """The first `count` of them, MOST at most, as far as they are missing; how many that were.

    Who was removed comes back; who has one of these phones already stays as they are. Raises Forbidden.
    """
    require_administration(actor)
    audit.note_alone(actor, "add_samples", Thing.CLIENT, after={"count": min(count, MOST)})
    return sum(_add(actor.id, numbers) for numbers in demo.parts(range(min(count, MOST)), AT_ONCE))


def _add(owner_id: int, numbers: list[int]) -> int:
    number_by_phone = {demo.phone_of(number): number for number in numbers}
    with transaction() as session:
        now = clock.database_now(session)
        known = {row.phone: row for row in _rows(session, owner_id, number_by_phone)}
        missing = [number for phone, number in number_by_phone.items() if phone not in known]
        gone = {row.id: number_by_phone[row.phone] for row in known.values() if row.deleted_at is not None}
        demo.write(session, owner_id, missing, now)
        if gone:
            session.execute(update(Client), [{"id": id_, **_anew(number, now)} for id_, number in gone.items()])
            demo.finish(session, owner_id, list(gone.values()))
    return len(missing) + len(gone)


def _anew(number: int, now: datetime) -> dict[str, Any]:
    """Every field as at first, whatever was changed before it was deleted."""
    made = demo.client(0, number, now)
    values = {name: made[name] for name in AS_MADE}
    return values | {"updated_at": now, "deleted_at": None, "consent_source": None, "consent_at": None}


def remove(actor: Actor) -> int:
    """All of them that stand as they were made; how many. Who has been changed is somebody's client by now.

    Deleted like any other: the story of their messages stays. Raises Forbidden.
    """
    require_administration(actor)
    audit.note_alone(actor, "remove_samples", Thing.CLIENT)
    return sum(_remove(actor.id, numbers) for numbers in demo.parts(range(MOST), AT_ONCE))


def _remove(owner_id: int, numbers: list[int]) -> int:
    number_by_phone = {demo.phone_of(number): number for number in numbers}
    with transaction() as session:
        now = clock.database_now(session)
        ids = [
            row.id
            for row in _rows(session, owner_id, number_by_phone)
            if row.deleted_at is None and _is_as_made(row, demo.client(owner_id, number_by_phone[row.phone], now))
        ]
        if ids:
            session.execute(update(Client).where(Client.id.in_(ids)).values(deleted_at=now, updated_at=now))
            session.execute(delete(client_tags).where(client_tags.c.client_id.in_(ids)))
    return len(ids)


def _is_as_made(row: Any, made: dict[str, Any]) -> bool:
    return all(getattr(row, name) == made[name] for name in AS_MADE)


def _rows(session: Session, owner_id: int, phones: Iterable[str]) -> Any:
    return session.execute(
        select(
            Client.id, Client.phone, Client.operator_code, Client.timezone, Client.attributes, Client.deleted_at
        ).where(Client.owner_id == owner_id, Client.phone.in_(phones))
    ).all()
