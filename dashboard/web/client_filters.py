"""How do the filters, the order and the places of the list of clients stand in an address?"""

import re
from collections.abc import Mapping

from ..domain.client_order import BEGINNING, Ask, Place, Sort
from ..domain.client_search import ClientFilter, Listed
from .paging import LARGEST_ID, closed, opened

LONGEST = 200
# A client's number, after its phone where the list goes by phone.
KEY = re.compile(r"(?:(7[0-9]{10})-)?([0-9]{1,10})")
Values = Mapping[str, str]


def wanted(values: Values) -> ClientFilter:
    stop = _text(values, "stop")
    listed = Listed(stop) if stop in tuple(Listed) else Listed.ANY
    return ClientFilter(
        q=_text(values, "q"),
        tag=_text(values, "tag"),
        code=_text(values, "code"),
        timezone=_text(values, "timezone"),
        stop=listed,
    )


def sort(values: Values) -> Sort:
    asked = _text(values, "sort")
    return Sort(asked) if asked in tuple(Sort) else Sort.NEWEST


def address_of(filters: ClientFilter, order: Sort = Sort.NEWEST) -> dict[str, str]:
    """The parameters that lead to the same list; what says nothing is left out."""
    chosen = {**filters.kept, "sort": "" if order is Sort.NEWEST else order.value}
    return {name: value for name, value in chosen.items() if value}


def place(values: Values) -> Ask:
    """Which part of the list; what cannot be read is its beginning."""
    before, after = _place(values.get("before", "")), _place(values.get("after", ""))
    if after:
        return Ask(after=after)
    return Ask(before=before) if before else BEGINNING


def key(of: Place | None) -> str | None:
    """`place` reads it again."""
    if of is None:
        return None
    return closed(f"{of.phone}-{of.id}") if of.phone else str(of.id)


def _place(text: str) -> Place | None:
    found = KEY.fullmatch(text if text.isdigit() else opened(text))
    if found is None or not 0 < int(found[2]) <= LARGEST_ID:
        return None
    return Place(int(found[2]), found[1] or "")


def _text(values: Values, name: str) -> str:
    """From the address; without NUL, which PostgreSQL refuses."""
    return values.get(name, "").replace("\0", "").strip()[:LONGEST]
