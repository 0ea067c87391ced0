"""How does a test get an empty PostgreSQL database without waiting for a new one?

A copy of the template takes 100 ms and makes the server write all it has in memory; deleting the rows that the
last test has left takes 5. Where that test has changed the tables themselves, there is a new copy.
"""

from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from tests.support.postgres import create_database

END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SHAPE = """
    SELECT (SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT array_agg((attrelid, attname, atttypid, attnotnull)::text ORDER BY attrelid, attnum)
            FROM pg_attribute WHERE attrelid >= 16384),
           (SELECT array_agg(oid ORDER BY oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
           (SELECT array_agg(oid ORDER BY oid) FROM pg_trigger)
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
# Tables that have grown, or that the planner knows something of: to a query they must look like new ones.
GROWN = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND (relpages > 0 OR pg_relation_size(oid) > 65536)
"""
FORGET_STATISTICS = "DELETE FROM pg_statistic WHERE starelid >= 16384"
FIRST_NUMBERS = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class ReusedDatabase:
    def __init__(self, server_url: str, name: str, template: str) -> None:
        self._make = partial(create_database, server_url, name, template)
        self._begin()

    def _begin(self) -> None:
        self._url = self._make()
        # Kept between tests: a new one would have to learn of every table again before it deletes anything.
        self._connection: Connection = psycopg.connect(self._url, autocommit=True)
        # Foreign keys and triggers rest.
        self._connection.execute("SET session_replication_role = replica")
        self._shape = self._connection.execute(SHAPE).fetchone()
        self._tables = [name for (name,) in self._connection.execute(TABLES)]
        self._first_rows = _rows(self._connection, self._tables)

    def emptied(self) -> str:
        """Its URL; in it is what the migrations have left there. Whoever was connected is no more."""
        try:
            self._connection.execute(END_OTHERS)
            is_as_it_was = self._connection.execute(SHAPE).fetchone() == self._shape
        except psycopg.OperationalError:
            is_as_it_was = False  # the last test has ended all connections, or made the database anew
        if is_as_it_was:
            self._empty(self._connection)
        else:
            self.close()
            self._begin()
        return self._url

    def close(self) -> None:
        """What empties it lets go of it; the next time, it is made anew."""
        self._connection.close()

    def _empty(self, connection: Connection) -> None:
        grown = [name for (name,) in connection.execute(GROWN)]
        if grown:
            names = sql.SQL(", ").join(map(sql.Identifier, grown))
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
            connection.execute(FORGET_STATISTICS)
        deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in self._tables]
        connection.execute(sql.SQL("; ").join(deletions))
        connection.execute(FIRST_NUMBERS)
        for name, rows in self._first_rows.items():
            insert = "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{0}, %s)"
            connection.execute(sql.SQL(insert).format(sql.Identifier(name)), [rows])


def _rows(connection: Connection, tables: list[str]) -> dict[str, str]:
    """What stands in each table that is not empty, as JSON."""
    asked = sql.SQL("SELECT json_agg(t)::text FROM {} t")
    found = {name: connection.execute(asked.format(sql.Identifier(name))).fetchone() for name in tables}
    return {name: row[0] for name, row in found.items() if row and row[0] is not None}
