"""Whom must nobody message, and who may say so? Kept by phone, for the whole installation."""

from enum import StrEnum

from sqlalchemy import delete, exists, select

from .. import clock
from .. import phone as phones
from ..database import db, insert_or_ignore, transaction
from ..models import Client, StopListEntry
from .errors import Invalid, NotFound, Problem
from .permissions import Actor, may_administer, require_change


class Source(StrEnum):
    """Where the wish came from."""

    OPERATOR = "operator"
    IMPORT = "import"
    CLIENT = "client"


def is_listed(phone: str) -> bool:
    """`phone` in its canonical form."""
    return bool(db.session.scalar(select(exists().where(StopListEntry.phone == phone))))


def add(actor: Actor, phone: str, source: Source = Source.OPERATOR) -> None:
    """A phone that is listed already keeps its date and source. Raises Invalid or NotFound."""
    canonical = _concerned(actor, phone)
    with transaction() as session:
        now = clock.database_now(session)
        entry = {"phone": canonical, "added_at": now, "added_by_id": actor.id, "source": source.value}
        session.execute(insert_or_ignore(StopListEntry), [entry])


def remove(actor: Actor, phone: str) -> None:
    """A phone that is not listed is no error. Raises Invalid or NotFound."""
    canonical = _concerned(actor, phone)
    with transaction() as session:
        session.execute(delete(StopListEntry).where(StopListEntry.phone == canonical))


def _concerned(actor: Actor, phone: str) -> str:
    """The canonical phone, where it is this actor's business: any for an administrator, else a client's."""
    require_change(actor)
    try:
        canonical = phones.normalise(phone)
    except phones.PhoneError as error:
        raise Invalid([Problem("phone", error.problem.value)]) from None
    mine = exists().where(Client.owner_id == actor.id, Client.phone == canonical, Client.deleted_at.is_(None))
    if not may_administer(actor) and not db.session.scalar(select(mine)):
        raise NotFound
    return canonical
