"""In which order is a list of clients read, and what lies beyond a place in it?"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from ..database import AnySelect


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Place:
    """A client's place in a list. `phone` tells it where the list goes by phone, and is empty elsewhere."""

    id: int
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What follows `after`, or what stands right before `before`; neither: the beginning of the list."""

    after: Place | None = None
    before: Place | None = None


BEGINNING = Ask()


def key_of(place: Place) -> tuple[str, int]:
    """By it places stand in ascending order."""
    return (place.phone, place.id)


@dataclass(frozen=True, slots=True)
class Reading:
    """A list in an order, from what is asked for on. Columns need an id, and a phone where it goes by that."""

    sort: Sort
    ask: Ask = BEGINNING

    @property
    def place(self) -> Place | None:
        return self.ask.after or self.ask.before

    @property
    def descends(self) -> bool:
        return (self.sort is Sort.NEWEST) != (self.ask.before is not None)

    def of(self, rows: AnySelect) -> AnySelect:
        """Those beyond the place, in their order."""
        columns = rows.selected_columns
        if self.place is not None:
            rows = rows.where(self.beyond(columns, self.place))
        return rows.order_by(*self.order(columns))

    def beyond(self, columns: Any, place: Place) -> ColumnElement[bool]:
        here: Any = tuple_(columns.phone, columns.id) if self.sort is Sort.PHONE else columns.id
        there: Any = tuple_(place.phone, place.id) if self.sort is Sort.PHONE else place.id
        is_beyond: ColumnElement[bool] = here < there if self.descends else here > there
        return is_beyond

    def order(self, columns: Any) -> list[ColumnElement[Any]]:
        keys = [columns.phone, columns.id] if self.sort is Sort.PHONE else [columns.id]
        return [key.desc() for key in keys] if self.descends else keys

    def sorted_order(self, columns: Any) -> list[ColumnElement[Any]]:
        """The same, for what has been found already: by an expression, or SQLite would not look for it by its
        conditions, but walk along the index of all phones, which is in this order."""
        if self.sort is not Sort.PHONE:
            return self.order(columns)
        keys = [columns.phone.concat(""), columns.id]
        return [key.desc() for key in keys] if self.descends else keys

    def among(self, few: list[Place]) -> list[Place]:
        """Of places that were read already, in ascending order."""
        if self.place is not None:
            here = key_of(self.place)
            few = [each for each in few if (key_of(each) < here if self.descends else key_of(each) > here)]
        return few[::-1] if self.descends else few
