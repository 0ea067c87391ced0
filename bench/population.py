"""Where do a million clients come from in a few seconds? The database counts, and makes a row of each number."""

from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, String, case, cast, func, insert, literal, select

from dashboard import clock
from dashboard.database import json_record, transaction
from dashboard.domain.permissions import Actor
from dashboard.models import Client, Tag, client_tags

TAG = "news"
CODES = tuple(str(code) for code in range(900, 910))
ZONES = (
    *("Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk"),
    *("Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka"),
)


# Shuffled, neighbours are far apart among the phones: a step that visits each number of a code once.
STEP = 7_654_321
NUMBERS = 10_000_000


def add_clients(owner: Actor, count: int, *, is_shuffled: bool = False) -> None:
    """They bear the tag, their codes and zones in turn, and each has a name and a city.

    Their phones come in the order of the clients, as in a directory that was brought in sorted, or in any.
    """
    number = numbers(count).c.number
    now = literal(clock.now(), Client.created_at.type)
    columns: dict[str, ColumnElement[Any]] = {
        "owner_id": literal(owner.id),
        "phone": phone_of(number, is_shuffled),
        "operator_code": code_of(number),
        "timezone": zone_of(number),
        "attributes": json_record({"name": literal("Client ") + cast(number, String), "city": zone_of(number)}),
        "created_at": now,
        "updated_at": now,
    }
    with transaction() as session:
        session.execute(
            insert(Client).from_select(list(columns), select(*columns.values()), include_defaults=False)
        )
        tag_id = session.scalars(insert(Tag).values(owner_id=owner.id, name=TAG).returning(Tag.id)).one()
        links = select(literal(tag_id), Client.id).where(Client.owner_id == owner.id)
        session.execute(insert(client_tags).from_select(["tag_id", "client_id"], links))


def numbers(count: int) -> CTE:
    """A table of the numbers from 0 to `count` - 1."""
    first = select(literal(0).label("number")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.number + 1).where(first.c.number < count - 1))


def phone_of(number: ColumnElement[int], is_shuffled: bool = False) -> ColumnElement[str]:
    """Eleven digits; the operator code in front, and behind it what is left of the number."""
    left = number // len(CODES)
    if is_shuffled:
        left = cast(left, BigInteger) * STEP % NUMBERS
    behind = NUMBERS + left
    return literal("7") + code_of(number) + func.substr(cast(behind, String), 2)


def code_of(number: ColumnElement[int]) -> ColumnElement[str]:
    return cast(int(CODES[0]) + number % len(CODES), String)


def zone_of(number: ColumnElement[int]) -> ColumnElement[str]:
    return case(dict(enumerate(ZONES)), value=number % len(ZONES))
