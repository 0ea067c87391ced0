"""How are clients marked, and which marks are in use?"""

from collections.abc import Collection

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from ..database import db, insert_or_ignore
from ..models import Tag, client_tags
from .permissions import Actor, visible

MOST_CHOICES = 500


def tags_of(actor: Actor) -> list[str]:
    """The names that at least one client bears, in alphabetical order: a filter's choices, at most 500."""
    in_use = exists().where(client_tags.c.tag_id == Tag.id)
    wanted = select(Tag.name).where(visible(Tag.owner_id, actor), in_use).distinct()
    return list(db.session.scalars(wanted.order_by(Tag.name).limit(MOST_CHOICES)))


def ids_by_name(session: Session, owner_id: int, names: Collection[str]) -> dict[str, int]:
    """The owner's tags of these names; those that do not exist yet are made. Inside a transaction."""
    wanted = select(Tag.name, Tag.id).where(Tag.owner_id == owner_id, Tag.name.in_(names))
    found = dict(session.execute(wanted).all())
    missing = sorted(set(names) - found.keys())
    if missing:
        # Somebody else may make the same tag at the same instant; then theirs is found.
        session.execute(insert_or_ignore(Tag), [{"owner_id": owner_id, "name": name} for name in missing])
        found = dict(session.execute(wanted).all())
    return found


def replace(session: Session, owner_id: int, client_id: int, names: tuple[str, ...]) -> None:
    """Afterwards the client bears exactly these. Inside a transaction that holds the client's row."""
    session.execute(delete(client_tags).where(client_tags.c.client_id == client_id))
    if names:
        ids = ids_by_name(session, owner_id, names)
        links = [{"tag_id": ids[name], "client_id": client_id} for name in names]
        session.execute(insert(client_tags), links)
