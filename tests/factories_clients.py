"""How does a test come by clients, and by files of them?"""

from pathlib import Path

from sqlalchemy import func, select

from dashboard.database import db
from dashboard.domain import client_lists, clients, imports
from dashboard.domain.client_rules import ClientDraft
from dashboard.domain.client_search import ClientFilter
from dashboard.domain.clients import ClientView
from dashboard.domain.imports import FileLimits, ImportView, MappingDraft, Upload
from dashboard.domain.permissions import Actor
from dashboard.models import Client, KnownPhones

LIMITS = FileLimits(megabytes=64, rows=1_000_000)


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


def upload_file(actor: Actor, folder: Path, content: str | bytes, timezone: str = "Europe/Moscow") -> int:
    """As the page does once the file has been stored; its columns are to be mapped."""
    path = folder / "upload-1"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return imports.begin(actor, Upload(path, "clients.csv"), timezone, folder, LIMITS)


def begin_check(
    actor: Actor,
    folder: Path,
    content: str | bytes,
    known: KnownPhones = KnownPhones.UPDATE,
    timezone: str = "Europe/Moscow",
) -> int:
    """The columns are taken for what they are guessed to be; the dry run waits."""
    import_id = upload_file(actor, folder, content)
    guessed = imports.columns(actor, import_id).mapping
    imports.map_columns(actor, import_id, MappingDraft(guessed, known, timezone))
    return import_id


def begin_import(
    actor: Actor,
    folder: Path,
    content: str | bytes,
    known: KnownPhones = KnownPhones.UPDATE,
    timezone: str = "Europe/Moscow",
) -> int:
    """Checked, and told to run."""
    import_id = begin_check(actor, folder, content, known, timezone)
    assert imports.run(import_id, folder, LIMITS)
    imports.start(actor, import_id)
    return import_id


def import_clients(
    actor: Actor, folder: Path, content: str | bytes, known: KnownPhones = KnownPhones.UPDATE
) -> ImportView:
    """The whole way; what became of it."""
    import_id = begin_import(actor, folder, content, known)
    assert imports.run(import_id, folder, LIMITS)
    return imports.get(actor, import_id)


def client_of(actor: Actor, phone: str) -> ClientView:
    (row,) = client_lists.page(actor, ClientFilter(q=phone)).items
    return clients.get(actor, row.id)


def count_clients() -> int:
    return db.session.scalar(select(func.count()).select_from(Client)) or 0
