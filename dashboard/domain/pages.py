"""Which part of a long list is shown? Lists go by id, newest first, and never skip rows by counting them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, select

from ..database import db

Item = TypeVar("Item")
# Beyond this a list says "more than".
COUNTED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Rows older than `before`, or those just newer than `after`; neither: the newest."""

    before: int | None = None
    after: int | None = None

    def cut(self, query: Select[Any], column: ColumnElement[int], limit: int) -> Select[Any]:
        """In the direction of reading: going back to newer rows, the oldest of them first."""
        if self.after is not None:
            return query.where(column > self.after).order_by(column).limit(limit)
        older = query if self.before is None else query.where(column < self.before)
        return older.order_by(column.desc()).limit(limit)


NEWEST = Cursor()


def neighbours(is_back: bool, is_onward: bool, has_more: bool) -> tuple[bool, bool]:
    """Are there rows ahead of these, and behind them? `has_more`: in the direction of reading there were more."""
    return (has_more if is_back else is_onward), (is_back or has_more)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`previous_after` and `next_before` are what the cursors of the neighbouring pages need; None: none there."""

    items: list[Item]
    previous_after: int | None
    next_before: int | None
    total: int
    total_is_exact: bool


class Order(StrEnum):
    """In which a program walks along; people's pages show the newest first."""

    NEWEST = "newest"
    OLDEST = "oldest"


def behind(last: int | None, order: Order) -> Cursor:
    """Where a walk goes on that has met `last`; None: where it begins."""
    if order is Order.OLDEST:
        return Cursor(after=last or 0)
    return NEWEST if last is None else Cursor(before=last)


def in_order(page: Page[Item], order: Order) -> tuple[list[Item], int | None]:
    """The items as such a walk meets them, and the last id if it goes on behind it."""
    if order is Order.OLDEST:
        return page.items[::-1], page.previous_after
    return page.items, page.next_before


def turn_to(
    cursor: Cursor,
    limit: int,
    ids_at: Callable[[Cursor, int], Select[Any]],
    count: Select[Any],
    items_of: Callable[[Sequence[int]], list[Item]],
    *,
    is_walk: bool = False,
) -> Page[Item]:
    """`ids_at` selects the ids of a page by `Cursor.cut`, `count` the ids of all up to a bound.

    A person is shown the newest again where there is nothing any more; a program that walks through (`is_walk`)
    has come to the end.
    """
    ids = db.session.scalars(ids_at(cursor, limit + 1)).all()
    if not ids and cursor != NEWEST and not is_walk:
        cursor = NEWEST  # what was beyond it is gone
        ids = db.session.scalars(ids_at(cursor, limit + 1)).all()
    has_more, shown = len(ids) > limit, sorted(ids[:limit], reverse=True)
    is_ahead, is_behind = neighbours(cursor.after is not None, cursor.before is not None, has_more)
    total = db.session.scalar(select(func.count()).select_from(count.subquery())) or 0
    return Page(
        items=items_of(shown),
        previous_after=shown[0] if shown and is_ahead else None,
        next_before=shown[-1] if shown and is_behind else None,
        total=min(total, COUNTED_AT_MOST),
        total_is_exact=total <= COUNTED_AT_MOST,
    )
