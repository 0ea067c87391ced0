"""Which clients does this mailing address? One SELECT that count, sample and fan-out all use."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Exists, Select, false, or_, select

from ..database import db
from ..models import Client, Mailing, Message, Tag, client_tags


@dataclass(frozen=True, slots=True)
class Audience:
    """Any of these tags and any of these operator codes; an empty tuple is no condition.

    Without a condition it is nobody, unless `everybody` says otherwise. Left out in any case: who bears one of
    `excluded_tags`, and whom the mailing `excluded_mailing_id` has selected, whatever became of it there.
    """

    owner_id: int
    tags: tuple[str, ...]
    operator_codes: tuple[str, ...]
    everybody: bool
    excluded_tags: tuple[str, ...] = ()
    excluded_mailing_id: int | None = None

    @property
    def is_chosen(self) -> bool:
        return bool(self.everybody or self.tags or self.operator_codes)

    @property
    def has_exclusions(self) -> bool:
        return bool(self.excluded_tags) or self.excluded_mailing_id is not None


def of(mailing: Mailing) -> Audience:
    return Audience(
        mailing.owner_id,
        tuple(mailing.tags),
        tuple(mailing.operator_codes),
        mailing.everybody,
        tuple(mailing.excluded_tags),
        mailing.excluded_mailing_id,
    )


def client_ids(audience: Audience, *, at_once: bool = False) -> Select[int]:
    """The ids of the clients addressed, in no order.

    `at_once`: for a question about all of them, which SQLite answers ten times as quickly when it begins with
    the tags. What stops at the first few must not: it would collect all clients of the tags.
    """
    query = _but_tags(audience)
    if not _asks_for_tags(audience):
        return query
    numbers = _numbers(audience.owner_id, audience.tags)
    return query.where(Client.id.in_(_bearers(numbers)) if at_once else _bears_one(numbers))


def next_ids(audience: Audience, after: int, through: int) -> Select[int]:
    """The same in ascending order, those greater than `after` up to `through`: for a walk in ranges.

    That a client's links lie in the same span follows from the rest, but PostgreSQL would read the tag's from the
    first one on for each range. Of a single tag, the walk goes along its links, however few they are.
    """
    query = _but_tags(audience, after).where(Client.id > after, Client.id <= through)
    if not _asks_for_tags(audience):
        return query.order_by(Client.id)
    numbers = _numbers(audience.owner_id, audience.tags)
    if len(numbers) != 1:
        return query.where(_bears_one(numbers, after)).order_by(Client.id)
    # By a name of its own: client_tags itself is what the excluded tags are looked up in.
    links = client_tags.alias()
    along = query.join(links, links.c.client_id == Client.id).where(links.c.tag_id == numbers[0])
    return along.where(links.c.client_id > after, links.c.client_id <= through).order_by(links.c.client_id)


def _but_tags(audience: Audience, after: int | None = None) -> Select[int]:
    """All conditions but which tags are asked for."""
    query = select(Client.id).where(Client.owner_id == audience.owner_id, Client.deleted_at.is_(None))
    if not audience.is_chosen:
        return query.where(false())
    if audience.excluded_tags:
        query = query.where(~_bears_one(_numbers(audience.owner_id, audience.excluded_tags), after))
    if audience.excluded_mailing_id is not None:
        query = query.where(~_is_of(audience.excluded_mailing_id))
    if audience.operator_codes and not audience.everybody:
        query = query.where(Client.operator_code.in_(audience.operator_codes))
    return query


def addressed(audience: Audience) -> Select[int]:
    """The ids of those addressed, before anybody is left out; for a question about all or any of them."""
    return client_ids(replace(audience, excluded_tags=(), excluded_mailing_id=None), at_once=True)


def is_left_out(audience: Audience) -> ColumnElement[bool]:
    """Of one who is addressed, looked at alone.

    One look into an index for each: with EXISTS, PostgreSQL would rather read all who bear the tag, or all the
    mailing's messages (0.2 s for a million), even for a few thousand clients.
    """
    looks = []
    if audience.excluded_tags:
        looks.append(_links(_numbers(audience.owner_id, audience.excluded_tags)))
    if audience.excluded_mailing_id is not None:
        looks.append(_of_mailing(audience.excluded_mailing_id))
    return or_(false(), *(look.limit(1).scalar_subquery().is_not(None) for look in looks))


def _asks_for_tags(audience: Audience) -> bool:
    return bool(audience.tags) and not audience.everybody


def _numbers(owner_id: int, names: tuple[str, ...]) -> Sequence[int]:
    """The tags are asked for by their numbers: by their names PostgreSQL would not know a rare tag from a common
    one, and took a second for a tag of 200 among a million clients.
    """
    return db.session.scalars(select(Tag.id).where(Tag.owner_id == owner_id, Tag.name.in_(names))).all()


def _bearers(numbers: Sequence[int]) -> Select[int]:
    return select(client_tags.c.client_id).where(client_tags.c.tag_id.in_(numbers))


def _links(numbers: Sequence[int]) -> Select[int]:
    """Of the one client who is looked at."""
    return _bearers(numbers).where(client_tags.c.client_id == Client.id)


def _bears_one(numbers: Sequence[int], after: int | None = None) -> Exists:
    links = _links(numbers)
    return (links if after is None else links.where(client_tags.c.client_id > after)).exists()


def _is_of(mailing_id: int) -> Exists:
    return _of_mailing(mailing_id).exists()


def _of_mailing(mailing_id: int) -> Select[int]:
    """Found by the unique key (client, mailing)."""
    return select(Message.id).where(Message.mailing_id == mailing_id, Message.client_id == Client.id)
