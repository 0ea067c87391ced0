"""What has somebody typed into a form that was never saved? It outlives a closed tab and a crashed browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import delete, select

from .. import clock
from ..database import db, insert_or_update, transaction
from ..models import FormDraft, Mailing
from .permissions import Actor, require_change

# As browsers send them: each field with its values.
Fields: TypeAlias = dict[str, list[str]]

KEPT = timedelta(days=30)
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Unsaved:
    form_key: str
    fields: Fields
    saved_at: datetime


def key_of(mailing_id: int) -> str:
    """Names the form in which this draft is changed."""
    return f"mailing-{mailing_id}"


def keep(actor: Actor, form_key: str, fields: Fields) -> datetime | None:
    """Keep a form as it stands, unchecked; answers when that was.

    None, and nothing is kept, once a mailing has been made from it: a last keystroke may arrive after its saving.
    """
    require_change(actor)
    with transaction() as session:
        now = clock.database_now(session)
        session.execute(delete(FormDraft).where(FormDraft.saved_at < now - KEPT))
        made = select(Mailing.id).where(Mailing.owner_id == actor.id, Mailing.form_key == form_key)
        if session.scalar(made) is not None:
            return None
        values = {"fields": fields, "saved_at": now}
        insert = insert_or_update(FormDraft).values(user_id=actor.id, form_key=form_key, **values)
        session.execute(insert.on_conflict_do_update(index_elements=["user_id", "form_key"], set_=values))
        return now


def find(actor: Actor, form_key: str) -> Unsaved | None:
    row = db.session.get(FormDraft, (actor.id, form_key))
    return None if row is None else Unsaved(row.form_key, row.fields, row.saved_at)


def of_new_mailings(actor: Actor) -> list[Unsaved]:
    """The actor's forms of mailings that do not exist yet, the newest first."""
    query = (
        select(FormDraft)
        .where(FormDraft.user_id == actor.id, FormDraft.form_key.not_like("mailing-%"))
        .order_by(FormDraft.saved_at.desc())
        .limit(MOST_SHOWN)
    )
    return [Unsaved(row.form_key, row.fields, row.saved_at) for row in db.session.scalars(query)]


def drop(actor: Actor, form_key: str) -> None:
    """It has been saved, or is not wanted; to drop it twice is no harm."""
    with transaction() as session:
        gone = delete(FormDraft).where(FormDraft.user_id == actor.id, FormDraft.form_key == form_key)
        session.execute(gone)
