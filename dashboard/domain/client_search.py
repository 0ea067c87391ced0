"""By what can clients be found? Conditions of a list, each of which an index serves at a million clients.

A number may be typed in any notation. A part of one is looked for at the beginning of numbers and, from four
digits on, at their end: what stands in the middle could only be found by reading every client (170–540 ms of a
million), and nobody remembers a number by its middle.
"""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, false, func, literal_column, select, true

from .. import phone as phones
from ..database import db
from ..models import Client, StopListEntry, Tag, User, client_tags
from .permissions import Actor, may_see_all, visible

LEAST_ENDING = 4
# So many of them are in the index on their own.
INDEXED_ENDING = 2
SUBSCRIBER_DIGITS = 10
PHONE = Client.phone.expression


class Listed(StrEnum):
    """Is the phone on the stop list?"""

    ANY = ""
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Empty: no condition; all of them hold together. `q` is a number in any notation, or a part of one."""

    q: str = ""
    tag: str = ""
    code: str = ""
    timezone: str = ""
    stop: Listed = Listed.ANY

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """What `kept` has made of one."""
        return cls(**{**kept, "stop": Listed(kept["stop"])})

    @property
    def kept(self) -> dict[str, Any]:
        """As a table or an address keeps it."""
        return asdict(self) | {"stop": self.stop.value}

    @property
    def is_tag_alone(self) -> bool:
        """Is there no condition but a tag?"""
        return bool(self.tag) and not (self.q.strip(" +") or self.code or self.timezone or self.stop)

    @property
    def is_combined(self) -> bool:
        """Are there several conditions?"""
        return sum(map(bool, (self.q.strip(" +"), self.tag, self.code, self.timezone, self.stop))) > 1

    def is_keyed_by(self, least: int) -> bool:
        """Are there so many conditions that can be told from indexes alone, and no number?"""
        keys = sum(map(bool, (self.tag, self.code, self.timezone)))
        return keys >= least and not self.q.strip(" +")

    @property
    def is_part(self) -> bool:
        """Is only a part of a number given?"""
        return _digits(self.q) is not None and _whole(self.q) is None


def conditions(wanted: ClientFilter) -> list[ColumnElement[bool]]:
    """All but whose they are, the number and the tag."""
    found = [Client.deleted_at.is_(None), *keys(wanted)]
    if wanted.stop is Listed.YES:
        # Not EXISTS: SQLite would ask it of every client instead of looking for the clients of few phones.
        found.append(Client.phone.in_(select(StopListEntry.phone)))
    elif wanted.stop is Listed.NO:
        found.append(~select(StopListEntry.phone).where(StopListEntry.phone == Client.phone).exists())
    return found


def keys(wanted: ClientFilter) -> list[ColumnElement[bool]]:
    """Conditions, each of which has an index of an owner's living clients."""
    wants = ((Client.operator_code, wanted.code), (Client.timezone, wanted.timezone))
    return [column == value for column, value in wants if value]


def by_phone(q: str, phone: ColumnElement[str] = PHONE) -> list[ColumnElement[bool]]:
    """Ways in which a number may match, each served by an index of its own; a client may match several."""
    if not q.strip(" +"):
        return [true()]
    whole = _whole(q)
    if whole is not None:
        return [phone == whole]
    digits = _digits(q)
    if digits is None:
        return [false()]
    ways = [_begins_with(phone, beginning) for beginning in _beginnings(digits, q.lstrip().startswith("+"))]
    if LEAST_ENDING <= len(digits) <= SUBSCRIBER_DIGITS and not q.lstrip().startswith("+"):
        # The very expression of the index, so that PostgreSQL takes it.
        last = func.substr(phone, literal_column("10"))
        ways.append(and_(last == digits[-INDEXED_ENDING:], phone.endswith(digits)))
    return ways or [false()]


def whose(actor: Actor, wanted: ClientFilter) -> list[ColumnElement[bool]]:
    """Conditions of which each client of the actor meets one.

    Codes and zones are indexed for each owner, so there an administrator looks at one owner after the other.
    """
    if not (may_see_all(actor) and (wanted.code or wanted.timezone)):
        return [visible(Client.owner_id, actor)]
    # Not EXISTS: for one who has no client PostgreSQL would read those of all others.
    some = select(Client.id).where(Client.owner_id == User.id).order_by(Client.owner_id, Client.phone).limit(1)
    has_clients = some.scalar_subquery().is_not(None)
    owners = db.session.scalars(select(User.id).where(has_clients).order_by(User.id)).all()
    return [Client.owner_id.expression == owner_id for owner_id in owners] or [false()]


@dataclass(frozen=True, slots=True)
class Bearers:
    """Which clients of an owner bear a tag: none of them has an id below `first` or above `last`."""

    owner_id: int
    tag_id: int
    first: int
    last: int


def bearers_of(actor: Actor, name: str) -> list[Bearers]:
    """One for each owner who has such a tag; each tag in use has only living clients of its owner."""
    theirs = client_tags.c.tag_id == Tag.id
    first = select(func.min(client_tags.c.client_id)).where(theirs).scalar_subquery()
    last = select(func.max(client_tags.c.client_id)).where(theirs).scalar_subquery()
    query = select(Tag.owner_id, Tag.id, first, last).where(Tag.name == name, visible(Tag.owner_id, actor))
    return [Bearers(*values) for values in db.session.execute(query) if values[2] is not None]


def _whole(q: str) -> str | None:
    try:
        return phones.normalise(q.strip())
    except phones.PhoneError:
        return None


def _digits(q: str) -> str | None:
    digits = phones.SEPARATORS.sub("", q.strip(" +"))
    return digits if re.fullmatch(r"[0-9]{1,11}", digits) else None


def _beginnings(digits: str, is_international: bool) -> list[str]:
    """'8 916' and '7 916' begin with the country's code, or are the first digits after it, like '916'."""
    found = ["7" + digits[1:]] if digits[0] == "7" or (digits[0] == "8" and not is_international) else []
    if len(digits) <= SUBSCRIBER_DIGITS and not is_international:
        found.append("7" + digits)
    return found


def _begins_with(phone: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """A range, because not every collation lets LIKE use an index."""
    return and_(phone >= beginning, phone < str(int(beginning) + 1))
