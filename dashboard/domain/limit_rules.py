"""Which limits make sense? One check for a mailing's own and for those of the whole installation."""

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import Problem

# More calls a second than any gateway takes.
MOST_PER_SECOND = 100_000
# More than there are phones in the country, and a bill that nobody means.
MOST_RECIPIENTS, MOST_PARTS = 1_000_000_000, 1_000_000_000
MOST_PER_PHONE, MOST_DAYS = 1_000, 366


@dataclass(frozen=True, slots=True)
class Bound:
    """A whole number that somebody wrote into a field, and between which two it may lie; None: no limit."""

    field: str
    value: int | None
    most: int
    least: int = 1


def problems(bounds: Iterable[Bound]) -> list[Problem]:
    return [
        Problem(bound.field, "limit_out_of_range", {"least": bound.least, "limit": bound.most})
        for bound in bounds
        if bound.value is not None and not bound.least <= bound.value <= bound.most
    ]
