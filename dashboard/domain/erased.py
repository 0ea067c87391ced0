"""What is left of a person who was erased? A name for their rows, and, if they were stopped, a hash that says so.

The key of the hashes is the installation's own and lies in its database: it outlives a change of SECRET_KEY, which
must not let anybody be messaged again. So whoever has the whole database can try all phones; that is no secret to
them but a trace that does not show. Without the key (a database put together by hand) the hashes mean nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore
from ..models import ErasedPhone, Service, StopListEntry
from . import audit, bulk
from .audit import Thing

# Where an entry of the stop list comes from whose phone was erased and is back.
SOURCE = "erased"
# In the order of texts, every pseudonym comes before it, and no phone.
FIRST_PHONE = "1"


def pseudonym() -> str:
    """What stands for the phone of one person: digits, as lists go by phones, but no phone begins so."""
    return f"0{secrets.randbelow(10**10):010}"


def is_pseudonym(phone: str) -> bool:
    return phone < FIRST_PHONE


def remember(session: Session, phone: str, now: datetime) -> None:
    """That this phone is stopped. Inside a transaction."""
    key = _key(session)
    if key is None:
        key = secrets.token_hex(32)
        session.execute(
            update(Service).where(Service.id == 1, Service.erasing_key.is_(None)).values(erasing_key=key)
        )
        key = _key(session) or key
    session.execute(insert_or_ignore(ErasedPhone), [{"digest": _digest(key, phone), "erased_at": now}])


def stop_again(session: Session, phones: Collection[str]) -> None:
    """Phones that have just been written: those that were stopped when they were erased are stopped from now on.

    Asked after their rows are written, in the same transaction: an erasing waits for that, or has ended before. So
    fan-out and arming need to know nothing of hashes. Costs one look at one row where nobody was ever erased.
    """
    key = _key(session)
    if key is None or not phones:
        return
    by_digest = {_digest(key, phone): phone for phone in phones}
    found = session.scalars(
        delete(ErasedPhone)
        .where(bulk.any_of(ErasedPhone.digest.expression, list(by_digest)))
        .returning(ErasedPhone.digest)
    ).all()
    now = clock.database_now(session)
    for phone in sorted(by_digest[digest] for digest in found):
        entry = {"phone": phone, "added_at": now, "added_by_id": None, "source": SOURCE}
        session.execute(insert_or_ignore(StopListEntry), [entry])
        audit.note(session, None, "stop_again", Thing.PHONE, int(phone))


def is_stopped(phone: str) -> bool:
    """Was it stopped when it was erased?"""
    key = _key(db.session())
    if key is None:
        return False
    return (
        db.session.scalar(select(ErasedPhone.digest).where(ErasedPhone.digest == _digest(key, phone))) is not None
    )


def _key(session: Session) -> str | None:
    return session.scalar(select(Service.erasing_key).where(Service.id == 1))


def _digest(key: str, phone: str) -> str:
    return hmac.digest(bytes.fromhex(key), phone.encode(), hashlib.sha256).hex()
