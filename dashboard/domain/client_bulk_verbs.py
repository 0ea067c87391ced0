"""What becomes of one batch of clients? A few statements for a thousand of them; done twice, it is done once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from ..database import rows_changed
from ..models import Client, ClientVerb, StopListEntry, Tag, client_tags
from . import bulk, stop_list, tags
from .client_rules import TAGS_PER_CLIENT
from .permissions import Actor


@dataclass(frozen=True, slots=True)
class Done:
    """`refused`: those who bear as many tags as a client may."""

    changed: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """The clients that are still what was asked for; their rows are held."""

    session: Session
    actor: Actor
    tag: str
    now: datetime
    owners: dict[int, int]
    phones: list[str]

    @property
    def ids(self) -> list[int]:
        return list(self.owners)


def do(
    session: Session,
    verb: ClientVerb,
    tag: str,
    actor: Actor,
    ids: Sequence[int],
    wanted: Sequence[ColumnElement[bool]],
    now: datetime,
) -> Done:
    """To those of `ids` for whom `wanted` still holds. Inside a transaction."""
    held = select(Client.id, Client.owner_id, Client.phone).where(bulk.any_of(Client.id.expression, ids), *wanted)
    # By id, so that two who hold many do not wait for each other.
    rows = session.execute(held.order_by(Client.id).with_for_update(of=Client)).all()
    batch = _Batch(session, actor, tag, now, {row.id: row.owner_id for row in rows}, [row.phone for row in rows])
    return VERBS[verb](batch) if rows else Done(0)


def _add_tag(batch: _Batch) -> Done:
    by_owner: dict[int, list[int]] = defaultdict(list)
    for client_id, owner_id in batch.owners.items():
        by_owner[owner_id].append(client_id)
    changed = refused = 0
    for owner_id, ids in by_owner.items():
        tag_id = tags.ids_by_name(batch.session, owner_id, [batch.tag])[batch.tag]
        bearing = _bearing(batch.session, tag_id, ids)
        full = _full(batch.session, ids) - bearing
        new = [client_id for client_id in ids if client_id not in bearing | full]
        if new:
            links = [{"tag_id": tag_id, "client_id": client_id} for client_id in new]
            batch.session.execute(insert(client_tags), links)
            _touch(batch, new)
        changed, refused = changed + len(new), refused + len(full)
    return Done(changed, refused)


def _remove_tag(batch: _Batch) -> Done:
    theirs = select(Tag.id).where(Tag.name == batch.tag, Tag.owner_id.in_(set(batch.owners.values())))
    changed = 0
    for tag_id in batch.session.scalars(theirs).all():
        bearing = list(_bearing(batch.session, tag_id, batch.ids))
        gone = delete(client_tags).where(client_tags.c.tag_id == tag_id)
        batch.session.execute(gone.where(bulk.any_of(client_tags.c.client_id, bearing)))
        _touch(batch, bearing)
        changed += len(bearing)
    return Done(changed)


def _put_on_stop_list(batch: _Batch) -> Done:
    return Done(stop_list.put(batch.session, batch.actor, set(batch.phones), batch.now))


def _take_off_stop_list(batch: _Batch) -> Done:
    listed = delete(StopListEntry).where(bulk.any_of(StopListEntry.phone.expression, batch.phones))
    return Done(rows_changed(batch.session, listed))


def _delete(batch: _Batch) -> Done:
    """The rows stay for the story of their messages; they lose their tags."""
    _touch(batch, batch.ids, deleted_at=batch.now)
    batch.session.execute(delete(client_tags).where(bulk.any_of(client_tags.c.client_id, batch.ids)))
    return Done(len(batch.ids))


VERBS = {
    ClientVerb.ADD_TAG: _add_tag,
    ClientVerb.REMOVE_TAG: _remove_tag,
    ClientVerb.STOP_LIST: _put_on_stop_list,
    ClientVerb.UNLIST: _take_off_stop_list,
    ClientVerb.DELETE: _delete,
}


def _bearing(session: Session, tag_id: int, ids: Sequence[int]) -> set[int]:
    borne = select(client_tags.c.client_id).where(client_tags.c.tag_id == tag_id)
    return set(session.scalars(borne.where(bulk.any_of(client_tags.c.client_id, ids))))


def _full(session: Session, ids: Sequence[int]) -> set[int]:
    """Those who bear as many tags as a client may."""
    counted = select(client_tags.c.client_id).where(bulk.any_of(client_tags.c.client_id, ids))
    most = counted.group_by(client_tags.c.client_id).having(func.count() >= TAGS_PER_CLIENT)
    return set(session.scalars(most))


def _touch(batch: _Batch, ids: Sequence[int], **values: datetime) -> None:
    change = update(Client).where(bulk.any_of(Client.id.expression, ids)).values(updated_at=batch.now, **values)
    batch.session.execute(change.execution_options(synchronize_session=False))
