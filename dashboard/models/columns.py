"""What do several tables' columns have in common?"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Enum,
    Integer,
    Numeric,
    String,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

# SQLite numbers rows by itself only for a column that is exactly INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
# JSONB where there is one: it can be compared and is read without being parsed anew.
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class OneOf(ColumnElement[bool]):
    """That a column holds one of these texts, for a CHECK or a generated column.

    There SQLite would draw up the list of an IN anew for each row (1 µs), but compares with one word after the
    other for next to nothing. PostgreSQL sees no difference.
    """

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: str, values: Iterable[str]) -> None:
        self.column = column
        self.values = [f"'{value}'" for value in values]


@compiles(OneOf)
def _one_of(element: OneOf, _compiler: SQLCompiler, **_options: Any) -> str:
    return f"{element.column} IN ({', '.join(element.values)})"


@compiles(OneOf, "sqlite")
def _one_after_the_other(element: OneOf, _compiler: SQLCompiler, **_options: Any) -> str:
    return " OR ".join(f"{element.column} = {value}" for value in element.values)


def choice(values: type[StrEnum], *, checked: bool = True) -> Enum:
    """A column that holds one of an enum's values as text; the database refuses any other.

    Not `checked`: unless the table has a CHECK of its own, for `OneOf`.
    """
    return Enum(
        values,
        name=values.__name__.lower(),
        native_enum=False,
        create_constraint=checked,
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
