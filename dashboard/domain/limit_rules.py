"""Which limits make sense? One check for a mailing's own and for those of the whole installation."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from .errors import Problem

# More calls a second than any gateway takes.
MOST_PER_SECOND = 100_000
# More than there are phones in the country, and a bill that nobody means.
MOST_RECIPIENTS, MOST_PARTS = 1_000_000_000, 1_000_000_000
MOST_PER_PHONE, MOST_DAYS = 1_000, 366
# Of one part of SMS: bills go to the hundredth of a kopeck, and no country's part costs so much.
LEAST_PRICE, MOST_PRICE = Decimal("0.0001"), Decimal(1000)
# In which gateways of our clients' countries (+7) write bills, and the two that everybody takes; ISO 4217.
CURRENCIES = ("RUB", "KZT", "USD", "EUR")


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


def price_problems(price: Decimal | None, currency: str) -> list[Problem]:
    """A price of nothing is no price: it is left out."""
    problems = []
    if price is not None and not _is_price(price):
        problems.append(Problem("price_per_part", "price_invalid", {"limit": int(MOST_PRICE)}))
    if currency not in CURRENCIES:
        problems.append(Problem("currency", "currency_unknown"))
    return problems


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and LEAST_PRICE <= price <= MOST_PRICE and price % LEAST_PRICE == 0
