"""Which rows does a database hold that was made before the models had their present form?

Written and read through the tables as the database knows them, so that the models may change.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import flask_migrate
from sqlalchemy import Connection, MetaData, Table, insert, select

from config import ROOT
from dashboard.database import db

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
START = NOW - timedelta(hours=1)
BACK_OFF = NOW + timedelta(minutes=5)
Rows = list[dict[str, Any]]

STATES = ("draft", "scheduled", "running", "paused", "finished", "cancelled")
SETTLED = ("sent", "failed", "expired", "skipped", "cancelled", "unknown")
RUNNING = 1 + STATES.index("running")


def migrate_afresh_to(revision: str) -> None:
    """An empty database of that revision, whatever there was."""
    flask_migrate.downgrade(directory=str(ROOT / "migrations"), revision="base")
    upgrade_to(revision)


def upgrade_to(revision: str) -> None:
    flask_migrate.upgrade(directory=str(ROOT / "migrations"), revision=revision)


def downgrade_to(revision: str) -> None:
    flask_migrate.downgrade(directory=str(ROOT / "migrations"), revision=revision)


def table(name: str) -> Table:
    """As the database knows it, whatever the models say."""
    return Table(name, MetaData(), autoload_with=db.engine)


def add(name: str, *rows: dict[str, Any]) -> None:
    with writing() as connection:
        connection.execute(insert(table(name)), list(rows))


def read(name: str) -> Rows:
    with db.engine.connect() as connection:
        return _rows(connection, table(name))


def read_all() -> dict[str, Rows]:
    """Its tables are looked at all at once: one by one takes PostgreSQL a second."""
    found = MetaData()
    found.reflect(db.engine)
    with db.engine.connect() as connection:
        return {
            each.name: _rows(connection, each) for each in found.sorted_tables if each.name != "alembic_version"
        }


def _rows(connection: Connection, found: Table) -> Rows:
    return [dict(row) for row in connection.execute(select(found).order_by(*found.primary_key)).mappings()]


@contextmanager
def writing() -> Iterator[Connection]:
    with db.engine.connect().execution_options(takes_write_lock=True) as connection, connection.begin():
        yield connection


def user() -> dict[str, Any]:
    name = {"id": 1, "name": "Анна", "name_key": "анна", "email": "anna@example.org", "password_hash": "x"}
    look = {"language": "ru", "theme": "dark", "timezone": "Asia/Omsk"}
    return name | look | {"role": "operator", "is_active": True, "created_at": START}


def message(number: int, status: str, **values: Any) -> dict[str, Any]:
    row = {
        "id": number,
        "mailing_id": RUNNING,
        "client_id": number,
        "phone": f"7900000{number:04}",
        "operator_code": "900",
        "timezone": "Europe/Moscow",
        "placeholder_values": {"name": f"Имя {number}"},
        "created_at": START,
        "status": status,
        "reason": None,
        "tries": 1,
        "lease_token": None,
        "lease_until": None,
        "settled_at": None,
        "duration_ms": None,
    }
    return row | values


def mailing(number: int, state: str, **values: Any) -> dict[str, Any]:
    row = {
        "id": number,
        "owner_id": 1,
        "title": f"О скидках {number}",
        "text": "Здравствуйте, {name}!",
        "starts_at": START,
        "ends_at": START + timedelta(days=1),
        "tags": ["vip"],
        "operator_codes": ["900", "901"],
        "everybody": False,
        "state": state,
        "created_at": START,
        "updated_at": NOW,
        "version": 3,
        "launched_at": None if state == "draft" else START,
    }
    return row | values


def attempt(number: int, message_id: int, at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "message_id": message_id,
        "mailing_id": RUNNING,
        "at": at,
        "duration_ms": 120,
        "verdict": "retry",
        "reason": "http_503",
        "http_status": 503,
        "code": None,
        "excerpt": "try later",
    }


def tally(number: int, key: str, status: str, change: int) -> dict[str, Any]:
    dimension = "status" if key == "" else "code"
    row = {"id": number, "mailing_id": RUNNING, "dimension": dimension, "key": key, "status": status}
    return row | {"change": change}


def fill_the_first_slice() -> None:
    """Rows in every table and state, at revision 0001."""
    add("users", user())
    session = {"id": 1, "user_id": 1, "token_hash": "a", "created_at": START, "seen_at": NOW}
    add("user_sessions", session | {"is_remembered": True})
    add("setup_links", {"id": 1, "token_hash": "b", "created_at": START, "expires_at": NOW})
    add("stop_list", {"phone": "79000000009", "added_at": START, "added_by_id": 1, "source": "page"})
    _add_clients()
    add("mailings", *(mailing(number, state) for number, state in enumerate(STATES, start=1)))
    add("fan_outs", {"mailing_id": RUNNING, "through": 2, "audience_through": 3})
    hours = {"opens_at": START, "closes_at": NOW}
    add("lanes", *({"mailing_id": RUNNING, "timezone": zone} | hours for zone in ("Europe/Moscow", "Asia/Omsk")))
    add("messages", *_messages())
    # The second pair is one result, written twice.
    add("attempts", attempt(1, 1, START), attempt(2, 1, NOW), attempt(3, 2, NOW), attempt(4, 2, NOW))
    changes = [("", "queued", 9), ("", "queued", -7), ("", "sent", 7), ("900", "queued", 2), ("900", "queued", -2)]
    add("tallies", *(tally(number, *change) for number, change in enumerate(changes, start=1)))


def _add_clients() -> None:
    whose = {"owner_id": 1, "operator_code": "900", "timezone": "Europe/Moscow"}
    when = {"created_at": START, "updated_at": NOW}
    add("clients", {"id": 1, "phone": "79000000001", "attributes": {"name": "Пётр"}} | whose | when)
    add("tags", {"id": 1, "owner_id": 1, "name": "vip"})
    add("client_tags", {"tag_id": 1, "client_id": 1})
    counts = dict.fromkeys(("size_bytes", "bytes_read", "rows_read", "created", "updated", "unchanged", "bad"), 4)
    file = {"filename": "clients.csv", "known": "update", "timezone": "Asia/Omsk", "state": "finished"}
    add("imports", {"id": 1, "owner_id": 1, "created_at": START} | file | counts)
    add("import_problems", {"id": 1, "import_id": 1, "line": 2, "value": "7-900", "code": "bad_phone"})


def _messages() -> Rows:
    lease = {"lease_token": "t", "lease_until": NOW}
    settled = {"send_after": START, "settled_at": NOW, "duration_ms": 80, "reason": "x"}
    return [
        message(1, "queued", send_after=BACK_OFF),
        message(2, "sending", send_after=START, **lease),
        *(message(number, status, **settled) for number, status in enumerate(SETTLED, start=3)),
    ]
