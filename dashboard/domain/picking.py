"""Which clients does the next range of a fan-out take, and why does one of them not even wait?"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
    Subquery,
    case,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from ..database import AnySelect, db, json_record
from ..models import Client, FanOut, Mailing, StopListEntry
from ..models.columns import Json
from . import audience
from .personalisation import placeholders

# A connection's own table of one range's clients. Without it they would be walked three times: for their zones,
# for the INSERT and for the counts; and SQLite would number rows in a window, for twice what this costs it.
_CREATE = {
    "sqlite": """
        CREATE TEMPORARY TABLE IF NOT EXISTS picked (
            place INTEGER PRIMARY KEY, client_id INTEGER, phone TEXT, operator_code TEXT, timezone TEXT,
            placeholder_values TEXT, reason TEXT
        )
    """,
    "postgresql": """
        CREATE TEMPORARY TABLE IF NOT EXISTS picked (
            place integer GENERATED ALWAYS AS IDENTITY, client_id bigint, phone text, operator_code text,
            timezone text, placeholder_values jsonb, reason text
        ) ON COMMIT DELETE ROWS
    """,
}
picked = table(
    "picked",
    column("place", Integer),
    column("client_id", BigInteger),
    column("phone", String),
    column("operator_code", String),
    column("timezone", String),
    column("placeholder_values", Json),
    column("reason", String),
)


@dataclass(frozen=True, slots=True)
class Group:
    """`count` clients of the range: where they live, and why they do not wait (None: they do, if a window is
    left).

    Their places lie between `first` and `last`, and no other zone's does.
    """

    timezone: str
    operator_code: str
    reason: str | None
    count: int
    first: int
    last: int
    last_client: int


def pick(session: Session, mailing: Mailing, checkpoint: FanOut, at_most: int) -> list[Group]:
    """Lay the next clients of the audience into `picked`; their places count up, zone by zone."""
    session.execute(text(_CREATE[db.engine.dialect.name]))
    session.execute(delete(picked))
    chosen = _chosen(mailing, checkpoint, at_most)
    session.execute(insert(picked).from_select(list(chosen.selected_columns.keys()), chosen))
    counted = select(
        picked.c.timezone,
        picked.c.operator_code,
        picked.c.reason,
        func.count(),
        func.min(picked.c.place),
        func.max(picked.c.place),
        func.max(picked.c.client_id),
    ).group_by(picked.c.timezone, picked.c.operator_code, picked.c.reason)
    return [Group(*row) for row in session.execute(counted)]


def _chosen(mailing: Mailing, checkpoint: FanOut, at_most: int) -> AnySelect:
    """The stop list is asked only about those who are taken: PostgreSQL would let a join with it decide how the
    clients are walked, and collect all that are left of the audience for each range.
    """
    one = _next(mailing, checkpoint, at_most).c
    values = {name: one.attributes[name].as_string() for name in placeholders(mailing.text)}
    lacks_value = or_(literal(False), *(func.coalesce(value, "") == "" for value in values.values()))
    reason = case((StopListEntry.phone.is_not(None), "stop_list"), (lacks_value, "missing_value"), else_=null())
    return (
        select(
            one.id.label("client_id"),
            one.phone,
            one.operator_code,
            one.timezone,
            (json_record(values) if values else cast(null(), Json)).label("placeholder_values"),
            cast(reason, String).label("reason"),
        )
        .outerjoin(StopListEntry, StopListEntry.phone == one.phone)
        .order_by(one.timezone, one.id)
    )


def _next(mailing: Mailing, checkpoint: FanOut, at_most: int) -> Subquery:
    ahead = audience.next_ids(audience.of(mailing), checkpoint.through, checkpoint.audience_through)
    columns = Client.id, Client.phone, Client.operator_code, Client.timezone, Client.attributes
    return ahead.with_only_columns(*columns).limit(at_most).subquery()
