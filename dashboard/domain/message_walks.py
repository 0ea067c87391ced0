"""On which way through a mailing's messages are those that somebody looks for?

Ways go by phone, along the keys (mailing_id, phone) and (mailing_id, unsent, phone). No index holds `status`
(models/message.py says why), so where no key leads to the rows, a bounded number of them is looked through.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union

from .. import phone as phones
from ..database import db
from ..models import UNSENT, Chunk, Flight, Message, Status
from . import flights, standing

# So few that wait are found by their chunks and sorted, instead of among all the others.
FEW = 5_000

# A number and its phone.
Found = tuple[int, str]
# Phones from the first on, and below the second; '' is open.
Span = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sought:
    """None or empty: no condition. `phone` is a number in any notation, its beginning, or some digits of it.

    `since` and `until`: when it was settled, the latter not included; then what waits is not meant.
    """

    status: Status | None = None
    reason: str = ""
    code: str = ""
    zone: str = ""
    phone: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """`along`: the rows that are gone through. `equal`, by column, and the rest: which of them are wanted.

    `spans` are gone through one after the other. `is_direct`: a key leads to what is wanted, or it is few.
    """

    along: tuple[ColumnElement[bool], ...]
    equal: tuple[tuple[str, Any], ...]
    digits: str
    spans: tuple[Span, ...]
    is_direct: bool
    since: datetime | None
    until: datetime | None

    def wanted(self, columns: Any) -> list[ColumnElement[bool]]:
        conditions = [getattr(columns, name) == value for name, value in self.equal]
        if self.digits:
            conditions.append(columns.phone.contains(self.digits))
        if self.since is not None:
            conditions.append(columns.settled_at >= self.since)
        if self.until is not None:
            conditions.append(columns.settled_at < self.until)
        return conditions


def to(mailing_id: int, sought: Sought, waiting: int) -> Walk:
    """`waiting`: how many of the mailing's messages are queued."""
    of_mailing = Message.mailing_id == mailing_id
    along: tuple[ColumnElement[bool], ...] = (of_mailing,)
    equal: list[tuple[str, Any]] = []
    status, is_few = sought.status, False
    if status in UNSENT:
        along = (of_mailing, Message.unsent == status.value)
    elif status is Status.SENDING or (status is Status.QUEUED and waiting <= FEW):
        along = (of_mailing, Message.id.in_(_waiting_ids(mailing_id, status)), standing.stands_at(status))
        is_few = True
    elif status is not None:
        equal.append(("status", status))
    conditions = (("reason", sought.reason), ("operator_code", sought.code), ("timezone", sought.zone))
    equal += [(column, value) for column, value in conditions if value]
    digits = some_digits(sought.phone)
    is_one = bool(re.fullmatch(r"7[0-9]{10}", beginning(sought.phone)))
    is_direct = is_few or is_one or not (equal or digits or sought.since or sought.until)
    return Walk(along, tuple(equal), digits, _spans(sought), is_direct, sought.since, sought.until)


def conditions(sought: Sought) -> list[ColumnElement[bool]]:
    """The same of rows that are few whatever is looked for, such as one client's."""
    found = [] if sought.status is None else [standing.stands_at(sought.status)]
    if first := beginning(sought.phone):
        found += [Message.phone >= first, Message.phone < _beyond(first)]
    equal = (("reason", sought.reason), ("operator_code", sought.code), ("timezone", sought.zone))
    given = tuple((column, value) for column, value in equal if value)
    rest = Walk((), given, some_digits(sought.phone), (), True, sought.since, sought.until)
    return found + rest.wanted(Message)


def _waiting_ids(mailing_id: int, status: Status) -> Any:
    """The numbers among which those of this status are: in their places, and by themselves."""
    kind, by_itself = (
        (Flight, Message.lease_until.is_not(None))
        if status is Status.SENDING
        else (Chunk, Message.send_after.is_not(None))
    )
    within = Message.id.between(kind.first_id, kind.last_id)
    placed = select(Message.id).join(kind, within).where(kind.mailing_id == mailing_id, flights.in_place())
    return union(placed, select(Message.id).where(Message.mailing_id == mailing_id, by_itself))


def _spans(sought: Sought) -> tuple[Span, ...]:
    """Of an operator code first the phones that begin with it, then those that were given it by hand."""
    if first := beginning(sought.phone):
        return ((first, _beyond(first)),)
    if re.fullmatch(r"[0-9]{3}", sought.code) and not sought.phone:
        own = "7" + sought.code
        return (own, _beyond(own)), ("", own), (_beyond(own), "")
    return (("", ""),)


def _beyond(first: str) -> str:
    """Follows all phones that begin so."""
    return str(int(first) + 1)


def beginning(typed: str) -> str:
    """'8 912 34' and '912-34' → '791234'; '' where what was typed is no beginning of a number."""
    try:
        return phones.normalise(typed)
    except phones.PhoneError:
        digits = some_digits_of(typed)
    if digits[:1] not in ("7", "8", "9"):
        return ""
    return digits if digits[0] == "7" else "7" + digits.removeprefix("8")


def some_digits(typed: str) -> str:
    """What is sought anywhere in a number, because none begins with it."""
    return "" if beginning(typed) else some_digits_of(typed)


def some_digits_of(typed: str) -> str:
    """Without what people put between digits; '' for anything that can be in no number."""
    digits = phones.SEPARATORS.sub("", typed).removeprefix("+")
    return digits if re.fullmatch(r"[0-9]{1,11}", digits) else ""


def go(walk: Walk, after: str | None, before: str | None, limit: int, look: int) -> tuple[list[Found], str | None]:
    """At most `limit` from the cursor on; going back (`before`), in falling order.

    Also the phone at which the look was broken off, after `look` rows of one span; None: it came to its end, or
    found as many as it should.
    """
    found: list[Found] = []
    cursor, is_back = (after, False) if before is None else (before, True)
    for span in _spans_from(walk.spans, cursor, is_back):
        way = _way(walk, span, cursor, is_back)
        if walk.is_direct:
            rows, stopped_at = _all(way.where(*walk.wanted(Message)), limit - len(found)), None
        else:
            rows, stopped_at = _near(walk, way, is_back, limit - len(found), look)
        found += rows
        if stopped_at is not None or len(found) >= limit:
            return found, stopped_at
        cursor = None
    return found, None


def _spans_from(spans: Sequence[Span], cursor: str | None, is_back: bool) -> Sequence[Span]:
    ordered = spans[::-1] if is_back else spans
    if cursor is None:
        return ordered
    at = [number for number, (first, end) in enumerate(ordered) if first <= cursor and (not end or cursor < end)]
    return ordered[at[0] :] if at else ordered


def _way(walk: Walk, span: Span, cursor: str | None, is_back: bool) -> Select[int, str]:
    first, end = span
    way = select(Message.id, Message.phone).where(*walk.along)
    if first:
        way = way.where(Message.phone >= first)
    if end:
        way = way.where(Message.phone < end)
    if cursor is not None:
        way = way.where(Message.phone < cursor if is_back else Message.phone > cursor)
    return way.order_by(Message.phone.desc() if is_back else Message.phone)


def _all(query: Select[int, str], limit: int) -> list[Found]:
    return [(number, phone) for number, phone in db.session.execute(query.limit(limit))]


def _near(
    walk: Walk, way: Select[int, str], is_back: bool, limit: int, look: int
) -> tuple[list[Found], str | None]:
    """What is wanted among the next rows on the way; the database stops as soon as it has enough."""
    columns = (Message.status, Message.reason, Message.operator_code, Message.timezone, Message.settled_at)
    near = way.add_columns(*columns).limit(look).subquery()
    order = near.c.phone.desc() if is_back else near.c.phone
    rows = _all(select(near.c.id, near.c.phone).where(*walk.wanted(near.c)).order_by(order), limit)
    if len(rows) >= limit:
        return rows, None
    last = db.session.execute(way.offset(look - 1).limit(1)).one_or_none()
    return rows, last and last.phone
