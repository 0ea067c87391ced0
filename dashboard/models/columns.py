"""What do several tables' columns have in common?"""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Enum, Integer, Numeric, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

# SQLite numbers rows by itself only for a column that is exactly INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
# JSONB where there is one: it can be compared and is read without being parsed anew.
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def choice(values: type[StrEnum]) -> Enum:
    """A column that holds one of an enum's values as text; the database refuses any other."""
    return Enum(
        values,
        name=values.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda chosen: [member.value for member in chosen],
    )


class Amount(TypeDecorator[Decimal]):
    """Money to the ten-thousandth; as text on SQLite, whose numbers are binary fractions."""

    impl = Numeric(10, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(16) if dialect.name == "sqlite" else Numeric(10, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)
