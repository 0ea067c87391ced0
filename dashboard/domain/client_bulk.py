"""What may be done to many clients at once, and to which of them exactly?

The row is the request: `begin` writes down what was asked and confirmed, `client_bulk_running.run` does it batch
by batch, whoever calls it, and again after a crash. Doing it to a client twice is doing it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore, transaction
from ..models import ChangeState, Client, ClientChange, ClientVerb, User
from . import audit, bulk, client_lists
from .audit import Thing
from .client_rules import clean_tags, tags_problems
from .client_search import ClientFilter
from .errors import Conflict, Invalid, NotFound, Problem
from .permissions import Actor, may_see_all, require_change, visible

# So few are done while the page waits, many in the background.
AT_ONCE = 5_000
# More than a page can show to be ticked.
MOST_IDS = 1_000
TAG_VERBS = (ClientVerb.ADD_TAG, ClientVerb.REMOVE_TAG)
UNFINISHED = (ChangeState.WAITING, ChangeState.RUNNING)


@dataclass(frozen=True, slots=True)
class Selection:
    """Clients ticked one by one, or all that match a filter."""

    ids: tuple[int, ...] = ()
    wanted: ClientFilter | None = None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Selection":
        return cls(wanted=ClientFilter.of(kept["filter"])) if "filter" in kept else cls(tuple(kept["ids"]))

    @property
    def kept(self) -> dict[str, Any]:
        """As the table keeps it."""
        return {"ids": list(self.ids)} if self.wanted is None else {"filter": self.wanted.kept}


@dataclass(frozen=True, slots=True)
class Extent:
    """How many clients it is, none of them with an id above `through`: what somebody says yes to."""

    count: int
    through: int


@dataclass(frozen=True, slots=True)
class ChangeView:
    """`changed` and `refused` of the `seen` clients; the rest stood so already, or was gone."""

    id: int
    # Told to those who see everybody's clients.
    actor_name: str | None
    verb: ClientVerb
    tag: str | None
    state: ChangeState
    total: int
    seen: int
    changed: int
    refused: int
    created_at: datetime
    finished_at: datetime | None

    @property
    def version(self) -> str:
        """Another one as soon as anything that is shown has changed."""
        return f"{self.state}-{self.seen}"


def extent(actor: Actor, selection: Selection, through: int | None = None) -> Extent:
    """Counted exactly. `through`: as it was asked for before."""
    if through is None:
        through = db.session.scalar(select(func.max(Client.id))) or 0
    if selection.wanted is not None:
        return Extent(client_lists.count(actor, selection.wanted, through), through)
    mine = select(func.count()).where(*_ticked(actor, selection.ids))
    return Extent(db.session.scalar(mine) or 0, through)


def begin(
    actor: Actor,
    verb: ClientVerb,
    selection: Selection,
    confirmed: Extent,
    tag: str = "",
    form_key: str | None = None,
) -> int:
    """A new request, to be run; answers its id. The same form, sent twice, is one request.

    Raises Invalid, or Conflict where it has become more clients than were confirmed.
    """
    require_change(actor)
    name = _checked_tag(tag) if verb in TAG_VERBS else None
    if len(selection.ids) > MOST_IDS:
        raise Invalid([Problem("clients", "too_many_ticked", {"limit": MOST_IDS})])
    now_it_is = extent(actor, selection, confirmed.through)
    with transaction() as session:
        known = _made_before(session, actor, form_key)
        if known is not None:
            return known
        if not now_it_is.count:
            raise Invalid([Problem("clients", "nobody_selected")])
        if now_it_is.count > confirmed.count:
            raise Conflict("selection_grown")
        values = {
            "actor_id": actor.id,
            "form_key": form_key,
            "verb": verb,
            "tag": name,
            "selection": selection.kept,
            "total": now_it_is.count,
            "through": confirmed.through,
            "created_at": clock.database_now(session),
        }
        change_id: int | None = session.scalar(
            insert_or_ignore(ClientChange).values(values).returning(ClientChange.id)
        )
        if change_id is None:
            return _made_before(session, actor, form_key) or 0
        said = {name: values[name] for name in ("verb", "tag", "selection", "total")}
        audit.note(session, actor, "begin", Thing.CLIENT_CHANGE, change_id, after=said)
        return change_id


def get(actor: Actor, change_id: int) -> ChangeView:
    """Raises NotFound, also for what others have asked for."""
    query = (
        select(ClientChange, User.name)
        .join(User, User.id == ClientChange.actor_id)
        .where(ClientChange.id == change_id, visible(ClientChange.actor_id, actor))
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    row, name = found
    fields = (each for each in ChangeView.__dataclass_fields__ if each != "actor_name")
    told = name if may_see_all(actor) else None
    return ChangeView(actor_name=told, **{each: getattr(row, each) for each in fields})


def cancel(actor: Actor, change_id: int) -> None:
    """What has been done stays done. Raises NotFound, or Conflict where it has ended already."""
    require_change(actor)
    with transaction() as session:
        mine = select(ClientChange).where(ClientChange.id == change_id, visible(ClientChange.actor_id, actor))
        found = session.scalar(mine.with_for_update())
        if found is None:
            raise NotFound
        if found.state not in UNFINISHED:
            raise Conflict("client_change_ended")
        audit.note(session, actor, "cancel", Thing.CLIENT_CHANGE, change_id, after={"done": found.seen})
        found.state = ChangeState.CANCELLED
        found.finished_at, found.lease_until = clock.database_now(session), None


def unfinished() -> list[int]:
    """Those that nobody works on: the scheduler knocks for them again."""
    idle = is_idle(clock.database_now(db.session()))
    query = select(ClientChange.id).where(ClientChange.finished_at.is_(None), idle)
    return list(db.session.scalars(query.order_by(ClientChange.id)))


def is_idle(now: datetime) -> ColumnElement[bool]:
    """There is something to do, and nobody does it."""
    lapsed = and_(ClientChange.state == ChangeState.RUNNING, ClientChange.lease_until <= now)
    return or_(ClientChange.state == ChangeState.WAITING, lapsed)


def _ticked(actor: Actor, ids: Sequence[int]) -> list[ColumnElement[bool]]:
    return [visible(Client.owner_id, actor), Client.deleted_at.is_(None), bulk.any_of(Client.id.expression, ids)]


def still_selected(actor: Actor, selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions for a client that is looked at by itself."""
    if selection.wanted is None:
        return _ticked(actor, selection.ids)
    return client_lists.still(actor, selection.wanted)


def _checked_tag(tag: str) -> str:
    names = clean_tags([tag])
    problems = tags_problems(names, "tag") if names else [Problem("tag", "tag_empty")]
    if problems:
        raise Invalid(problems)
    return names[0]


def _made_before(session: Session, actor: Actor, form_key: str | None) -> int | None:
    mine = select(ClientChange.id).where(ClientChange.actor_id == actor.id, ClientChange.form_key == form_key)
    return session.scalar(mine) if form_key else None
