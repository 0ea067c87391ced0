"""What is typed for the limits of the whole installation? An empty field is no limit."""

import re
from decimal import Decimal
from typing import Any

from wtforms import SelectField
from wtforms.fields.core import Field

from ...domain.errors import Problem
from ...domain.limit_rules import CURRENCIES
from ...domain.limits import Limits
from ...models import RateUnit
from .fields import Form, TrimmedField

# People group digits by spaces, of whatever width.
SPACES = re.compile(r"\s")
WHOLE = re.compile(r"[0-9]{1,12}")
AMOUNT = re.compile(r"[0-9]{1,9}([.,][0-9]{1,9})?")


class LimitsForm(Form):
    rate_limit = TrimmedField()
    rate_unit = SelectField(choices=[unit.value for unit in RateUnit], validate_choice=False)
    approval_above = TrimmedField()
    frequency_cap = TrimmedField()
    frequency_days = TrimmedField()
    price_per_part = TrimmedField()
    currency = SelectField(choices=CURRENCIES, validate_choice=False)

    def limits(self) -> Limits:
        """Call validate() first: what cannot be read becomes None and an error beside its field."""
        units = {unit.value: unit for unit in RateUnit}
        return Limits(
            rate_limit=_whole(self.rate_limit),
            rate_unit=units.get(self.rate_unit.data, RateUnit.MESSAGES),
            approval_above=_whole(self.approval_above),
            frequency_cap=_whole(self.frequency_cap),
            frequency_days=_whole(self.frequency_days),
            price_per_part=_amount(self.price_per_part),
            currency=self.currency.data or "",
        )


def contents_of(limits: Limits, decimal_sign: str) -> dict[str, Any]:
    """What the form shows of the limits that hold; nothing where there is none."""
    whole = ("rate_limit", "approval_above", "frequency_cap", "frequency_days")
    numbers = {name: getattr(limits, name) for name in whole}
    price = limits.price_per_part
    return {
        **{name: "" if value is None else str(value) for name, value in numbers.items()},
        "rate_unit": limits.rate_unit.value,
        "price_per_part": "" if price is None else _shortest(price).replace(".", decimal_sign),
        "currency": limits.currency,
    }


def _shortest(price: Decimal) -> str:
    """'3.5' for 3.5000, which is how PostgreSQL gives it back."""
    return f"{price:f}".rstrip("0").rstrip(".") if "." in f"{price:f}" else f"{price:f}"


def _whole(field: Field) -> int | None:
    typed = SPACES.sub("", field.data or "")
    if typed and not WHOLE.fullmatch(typed):
        field.errors = [*field.errors, Problem(field.name, "number_invalid")]
        return None
    return int(typed) if typed else None


def _amount(field: Field) -> Decimal | None:
    typed = SPACES.sub("", field.data or "")
    if typed and not AMOUNT.fullmatch(typed):
        field.errors = [*field.errors, Problem(field.name, "amount_invalid")]
        return None
    return Decimal(typed.replace(",", ".")) if typed else None
