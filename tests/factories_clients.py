"""How does a test come by clients, and by files of them?"""

from pathlib import Path

from sqlalchemy import func, select

from dashboard.database import db
from dashboard.domain import client_lists, clients, imports
from dashboard.domain.client_lists import ClientFilter
from dashboard.domain.client_rules import ClientDraft
from dashboard.domain.clients import ClientView
from dashboard.domain.imports import ImportDraft, ImportView
from dashboard.domain.permissions import Actor
from dashboard.models import Client, KnownPhones


def draft(
    phone: str = "79991234567",
    *tags: str,
    timezone: str = "Europe/Moscow",
    operator_code: str | None = None,
    **attributes: str,
) -> ClientDraft:
    return ClientDraft(phone, timezone, operator_code, tags, attributes)


def make_client(actor: Actor, phone: str = "79991234567", *tags: str, **more: str) -> int:
    return clients.add(actor, draft(phone, *tags, **more))


def numbered(number: int) -> str:
    """A canonical phone."""
    return f"79{number:09}"


def begin_import(
    actor: Actor,
    folder: Path,
    content: str | bytes,
    known: KnownPhones = KnownPhones.UPDATE,
    timezone: str = "Europe/Moscow",
) -> int:
    """As the page does once the file has been stored."""
    upload = folder / "upload-1"
    upload.write_bytes(content.encode() if isinstance(content, str) else content)
    return imports.begin(actor, ImportDraft("clients.csv", known, timezone), upload, folder)


def import_clients(
    actor: Actor, folder: Path, content: str | bytes, known: KnownPhones = KnownPhones.UPDATE
) -> ImportView:
    """The whole way; what became of it."""
    import_id = begin_import(actor, folder, content, known)
    assert imports.run(import_id, folder)
    return imports.get(actor, import_id)


def client_of(actor: Actor, phone: str) -> ClientView:
    (row,) = client_lists.page(actor, ClientFilter(q=phone)).items
    return clients.get(actor, row.id)


def count_clients() -> int:
    return db.session.scalar(select(func.count()).select_from(Client)) or 0
