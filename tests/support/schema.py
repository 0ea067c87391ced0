"""What does a database's schema say, in a form that two databases can be compared by?

Everything that takes part in keeping the data right: columns, constraints, generated values, indexes. The order
of the columns does not, nor does a DEFAULT on SQLite, which cannot be taken from a column again.
"""

import re
from typing import Any

from sqlalchemy import Connection, text

Shape = dict[str, Any]

POSTGRES_PARTS = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,
            generation_expression
        FROM information_schema.columns WHERE table_schema = current_schema()
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'
    """,
    "indexes": """
        SELECT tablename, replace(indexdef, current_schema() || '.', '')
        FROM pg_indexes WHERE schemaname = current_schema()
    """,
    "storage": """
        SELECT relname, reloptions
        FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    """,
}


def postgres_shape(connection: Connection, schema: str) -> Shape:
    connection.execute(text(f"SET search_path TO {schema}"))
    return {
        f"{part} of {row[0]}": sorted(repr(tuple(other)) for other in rows if other[0] == row[0])
        for part, query in POSTGRES_PARTS.items()
        for rows in [connection.execute(text(query)).all()]
        for row in rows
        if row[0] != "alembic_version"
    }


def sqlite_shape(connection: Connection) -> Shape:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    tables = connection.execute(text(query)).all()
    return {name: _sqlite_table(connection, name, sql) for name, sql in tables if name != "alembic_version"}


def _sqlite_table(connection: Connection, name: str, sql: str) -> Shape:
    def pragma(question: str, argument: str = name) -> list[dict[str, Any]]:
        rows = connection.exec_driver_sql(f"PRAGMA {question}({argument})").mappings()
        return [dict(row) for row in rows]

    columns = ("name", "type", "notnull", "pk", "hidden")
    references = ("from", "table", "to", "on_update", "on_delete")
    unique = [index["name"] for index in pragma("index_list") if index["origin"] == "u"]
    written = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :table"
    return {
        "columns": sorted([row[column] for column in columns] for row in pragma("table_xinfo")),
        "references": sorted([row[column] for column in references] for row in pragma("foreign_key_list")),
        "unique": sorted([row["name"] for row in pragma("index_info", index)] for index in unique),
        "indexes": sorted(connection.execute(text(written), {"table": name}).scalars()),
        "checks": _clauses(sql, r"CONSTRAINT (\w+) CHECK "),
        "generated": _clauses(sql, r"(\w+) \S+ GENERATED ALWAYS AS "),
        "numbers_once": "AUTOINCREMENT" in sql,
    }


def _clauses(sql: str, opening: str) -> dict[str, str]:
    """What stands in the parentheses after each opening, by the name in it."""
    return {found[1]: _in_parentheses(sql[found.end() :]) for found in re.finditer(opening, sql)}


def _in_parentheses(sql: str) -> str:
    depth = 0
    for place, letter in enumerate(sql):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return sql[: place + 1]
    raise ValueError(f"no closing parenthesis: {sql}")
