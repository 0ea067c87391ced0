"""Which part of a long list is shown, and where are its neighbours?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for

from ..domain import pages
from ..domain.pages import Cursor
from ..domain.sealing import Seal, Unreadable

# The largest number of a row: what is larger does not fit PostgreSQL's integer, and is nobody's.
LARGEST_ID = 2**31 - 1
# Of messages, trials, deliveries and lines of the audit log, which are PostgreSQL's BIGINT.
LARGEST_NUMBER = 2**63 - 1
# What such a place is sealed for.
PLACE = "place in a list"


@dataclass(frozen=True, slots=True)
class Page:
    """What components/page.html's pager needs; `previous` and `next` are addresses or None.

    `total` is None where nobody has counted.
    """

    items: Sequence[Any]
    total: int | None
    total_is_exact: bool
    previous: str | None
    next: str | None

    @classmethod
    def of(
        cls,
        items: Sequence[Any],
        total: int | None,
        next_: Mapping[str, Any],
        previous: Mapping[str, Any],
        total_is_exact: bool = True,
        endpoint: str | None = None,
        **filters: Any,
    ) -> "Page":
        """`next_` and `previous` are a cursor by its parameter's name; its value is None: there is no page.

        `endpoint`: of the page that shows the list, where another address answers this request.
        """
        neighbours = (_address(cursors, filters, endpoint) for cursors in (previous, next_))
        return cls(items, total, total_is_exact, *neighbours)

    @classmethod
    def by_id(cls, found: pages.Page[Any], **filters: Any) -> "Page":
        """Of a list that goes by id; `asked_for` reads its cursors again."""
        return cls.of(
            found.items,
            total=found.total,
            total_is_exact=found.total_is_exact,
            next_={"before": found.next_before},
            previous={"after": found.previous_after},
            **filters,
        )


def _address(cursors: Mapping[str, Any], filters: Mapping[str, Any], endpoint: str | None) -> str | None:
    """This list, with the filters that are set."""
    if None in cursors.values():
        return None
    chosen = {name: value for name, value in filters.items() if value}
    return url_for(endpoint or request.endpoint or "", **(request.view_args or {}) | chosen, **cursors)


def asked_for(largest: int = LARGEST_ID) -> Cursor:
    """Which part of a list that goes by id."""
    return Cursor(before=row_number("before", largest), after=row_number("after", largest))


def closed(place: str | None) -> str | None:
    """A place in a list that goes by phone, for the address: sealed, for proxies write addresses down."""
    return None if place is None else _seal().close_alike(PLACE, place)


def opened(text: str) -> str:
    """What `closed` was given; '' for what is not ours."""
    try:
        return _seal().open_alike(PLACE, text)
    except Unreadable:
        return ""


def _seal() -> Seal:
    return Seal(current_app.config["SECRET_KEY"])


def row_number(name: str, largest: int = LARGEST_ID) -> int | None:
    """A row's number in the address; anything else is none."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number <= largest else None
