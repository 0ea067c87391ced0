"""What do several tables' columns have in common?"""

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Enum, Integer
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
