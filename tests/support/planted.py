"""What does an installation look like in which somebody has written such things wherever people write?

`PLANTED` names every column that holds what somebody outside our code has written. A new column of text belongs
there or into `OURS`; tests/security/test_stored_scripts.py fails until it stands in one of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import JSON, Enum, String, Table, select, update

from dashboard.database import db, transaction
from dashboard.domain import audit

from . import every_page

# Only what would be a fault if a page showed it raw; how a column keeps it.
Shape = Callable[[str, Any], Any]


def _as_text(text: str, _kept: Any) -> str:
    return text


def _as_list(text: str, _kept: Any) -> list[str]:
    return [text]


def _as_names_and_values(text: str, _kept: Any) -> dict[str, str]:
    return {text: text, "name": text}


def _as_cells(text: str, kept: Any) -> dict[str, Any]:
    return {**kept, "rows": [[text] * len(row) for row in kept["rows"]]}


def _as_names_of_columns(text: str, kept: Any) -> dict[str, Any]:
    """Of those that become attributes; what else a column may be is one of our own words."""
    return {**kept, "columns": [[meaning, name and text] for meaning, name in kept["columns"]]}


def _as_search(text: str, kept: Any) -> dict[str, Any]:
    nothing = {"code": "", "timezone": "", "stop": ""}
    return {"filter": {**nothing, **kept.get("filter", {}), "q": text, "tag": text}}


def _as_every_word(text: str, kept: Any) -> Any:
    if isinstance(kept, dict):
        return {name: _as_every_word(text, value) for name, value in kept.items()}
    if isinstance(kept, list):
        return [_as_every_word(text, value) for value in kept]
    return text if isinstance(kept, str) else kept


def _as_fields(text: str, _kept: Any) -> dict[str, list[str]]:
    return {name: [text] for name in ("title", "text", "tags", "timezone", "starts_at", "ends_at", "trial_phone")}


PLANTED: dict[str, Shape] = {
    "api_tokens.name": _as_text,
    "attempts.excerpt": _as_text,
    "audit_log.actor_name": _as_text,
    "audit_log.after": _as_names_and_values,
    "audit_log.before": _as_names_and_values,
    "audit_log.request_id": _as_text,
    "client_changes.selection": _as_search,
    "client_changes.tag": _as_text,
    "clients.attributes": _as_names_and_values,
    "clients.consent_source": _as_text,
    "form_drafts.fields": _as_fields,
    "import_problems.value": _as_text,
    "imports.filename": _as_text,
    "imports.layout": _as_cells,
    "imports.mapping": _as_names_of_columns,
    "mailings.excluded_tags": _as_list,
    "mailings.tags": _as_list,
    "mailings.text": _as_text,
    "mailings.title": _as_text,
    "messages.placeholder_values": _as_names_and_values,
    "messages.text": _as_text,
    "tags.name": _as_text,
    "trials.text": _as_text,
    "identities.subject": _as_text,
    "mails.address": _as_text,
    "mails.params": _as_every_word,
    "user_sessions.address": _as_text,
    "user_sessions.user_agent": _as_text,
    "users.email": _as_text,
    "users.name": _as_text,
    "webhook_deliveries.answer": _as_text,
    "webhook_endpoints.description": _as_text,
    "webhook_endpoints.url": _as_text,
}
# Written by our code alone: codes, numbers as text, names of zones and languages, hashes, keys, tokens.
OURS = {
    *("audit_log.ip", "audit_log.object_type", "audit_log.verb", "erased_phones.digest", "service.erasing_key"),
    *("breaker_openings.reason", "half_sign_ins.token_hash", "identities.issuer", "mails.kind"),
    *("password_links.token_hash", "recovery_codes.code_hash", "second_factors.sealed_secret"),
    *("api_tokens.beginning", "api_tokens.scopes", "api_tokens.token_hash", "attempts.reason", "attempts.verdict"),
    *("call_windows.calls", "chunks.timezone", "client_changes.form_key", "client_changes.lease_token"),
    *("clients.operator_code", "clients.phone", "clients.timezone", "flights.token"),
    *("form_drafts.form_key", "heartbeats.name", "hour_tallies.hour", "hour_tallies.status"),
    *("idempotency_keys.body", "idempotency_keys.digest", "idempotency_keys.headers", "idempotency_keys.key"),
    *("import_problems.code", "imports.failure", "imports.lease_token"),
    *("imports.timezone", "lanes.timezone", "mailings.form_key", "mailings.operator_codes"),
    *("messages.lease_token", "messages.operator_code", "messages.phone", "messages.reason", "messages.timezone"),
    *("messages.unsent", "service.breaker_reason", "service.currency", "setup_links.token_hash"),
    *("stop_list.phone", "stop_list.source", "tallies.key", "tallies.status", "trials.phone", "trials.reason"),
    *("user_sessions.token_hash", "users.language", "users.name_key", "users.password_hash", "users.phone"),
    *("users.theme", "users.timezone", "webhook_deliveries.ending", "webhook_deliveries.lease_token"),
    *("webhook_endpoints.events", "webhook_endpoints.old_secret", "webhook_endpoints.secret"),
    *("webhook_events.kind", "webhook_events.name", "webhook_settlements.message_ids"),
}


def columns_of_text() -> set[str]:
    """Of every table; a choice among our own words is none."""
    return {
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON) and not isinstance(column.type, Enum)
    }


def fill(app: Flask, folder: Path) -> FlaskClient:
    """As `every_page.fill`, and the files of its imports name their columns and cells in such a way."""
    text = "<img src=/struck onerror=alert(1)>"
    file = f"phone;{text};tags\n{text};{text};{text}\n79990001122;{text};{text}\n".encode()
    with mock.patch.object(every_page, "FILE", file):
        return every_page.fill(app, folder, "en")


def plant(app: Flask, texts: list[str]) -> None:
    """Into every row, in place of what stood there; the rows of a table begin with one text after the other."""
    with app.app_context():
        for name, shape in PLANTED.items():
            table_name, _, column = name.partition(".")
            _plant(db.metadata.tables[table_name], column, shape, texts)


def _plant(table: Table, column: str, shape: Shape, texts: list[str]) -> None:
    (key, *_) = table.primary_key.columns
    rows = db.session.execute(select(key, table.c[column]).where(table.c[column].is_not(None))).all()
    db.session.rollback()
    with transaction() as session, audit.permitted(session):
        for number, (id_, kept) in enumerate(rows):
            turned = texts[number % len(texts) :] + texts[: number % len(texts)]
            # Names have to differ.
            value = shape(" ".join([*turned, str(number)]), kept)
            session.execute(update(table).where(key == id_).values({column: value}))
