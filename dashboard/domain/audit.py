"""Who has done what to which object, and what was it before? Written down in the transaction that does it.

A verb calls `note` beside its own statements: what is rolled back was never done, and what is committed is
written down. Secrets never come here, nor does what was typed where a name or password belongs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from .. import clock, models, origin
from ..database import transaction
from ..models import AuditLine, AuditPermit
from .permissions import Actor

# Longer texts are cut: no field of ours is longer, and a line shall stay readable.
LONGEST_VALUE = 2_000


class Thing(StrEnum):
    """What something is done to. PHONE: an entry of the stop list, by its phone; SERVICE: the installation."""

    USER = "user"
    API_TOKEN = "api_token"
    WEBHOOK = "webhook"
    CLIENT = "client"
    CLIENT_CHANGE = "client_change"
    PHONE = "phone"
    IMPORT = "import"
    MAILING = "mailing"
    MESSAGE = "message"
    TRIAL = "trial"
    SERVICE = "service"


def note(
    session: Session,
    actor: Actor | None,
    verb: str,
    thing: Thing,
    object_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One line. `verb` is the domain verb's own word; `actor` None: the service itself, a command, or a stranger.

    Of `before` and `after` together only what differs is kept. Inside a transaction.
    """
    by_name = select(models.User.name).where(models.User.id == actor.id).scalar_subquery() if actor else None
    here = origin.present()
    old, new = _difference(before, after)
    line = insert(AuditLine).values(
        at=clock.database_now(session),
        actor_id=actor.id if actor else None,
        actor_name=by_name,
        via=here.via,
        token_id=here.token_id,
        ip=here.ip,
        request_id=here.request_id,
        verb=f"{thing.value}.{verb}",
        object_type=thing.value,
        object_id=object_id,
        before=old,
        after=new,
    )
    session.execute(line)


def note_alone(
    actor: Actor | None,
    verb: str,
    thing: Thing,
    object_id: int | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The same where nothing is changed: something was looked at, taken along, or tried in vain."""
    with transaction() as session:
        note(session, actor, verb, thing, object_id, after=after)


def _difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    old, new = _plain(before), _plain(after)
    if old is None or new is None:
        return old, new
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: old.get(name) for name in changed}, {name: new.get(name) for name in changed}


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {str(name): _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return value[:LONGEST_VALUE]
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_value(each) for each in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value


def columns(row: Any, *names: str) -> dict[str, Any]:
    """What a row says at this moment, for `before` and `after`."""
    return {name: getattr(row, name) for name in names}


@contextmanager
def permitted(session: Session) -> Iterator[None]:
    """Inside, and by this transaction alone, lines may be changed and removed: for erasing and for retention."""
    permit = session.scalars(insert(AuditPermit).returning(AuditPermit.id)).one()
    yield
    session.execute(delete(AuditPermit).where(AuditPermit.id == permit))
