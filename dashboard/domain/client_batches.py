"""How do many new clients come in at once, each with a verdict of its own? In a few statements for hundreds."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import insert_or_ignore, retrying, transaction
from ..models import Client, client_tags
from . import audit, clients, erased, tags
from .audit import Thing
from .client_rules import CheckedClient, ClientDraft, check
from .errors import Invalid, Problem
from .permissions import Actor, require_change

Verdict = int | Invalid

# One transaction: some 30 ms on SQLite, where nobody else can write meanwhile.
AT_ONCE = 250
_CLIENTS = cast(Table, Client.__table__)


def add(actor: Actor, drafts: Sequence[ClientDraft]) -> list[Verdict]:
    """In their order: the new client's id, or what was wrong. Committed some at a time.

    The second of a phone is refused, as is one of a phone the actor has already; deleted clients come back.
    """
    require_change(actor)
    verdicts: list[Verdict] = []
    for start in range(0, len(drafts), AT_ONCE):
        checked = [_checked(draft) for draft in drafts[start : start + AT_ONCE]]
        verdicts += retrying(partial(_add_some, actor, checked))
    return verdicts


def _checked(draft: ClientDraft) -> CheckedClient | Invalid:
    try:
        return check(draft)
    except Invalid as refusal:
        return refusal


def _add_some(actor: Actor, checked: Sequence[CheckedClient | Invalid]) -> list[Verdict]:
    wanted: dict[str, CheckedClient] = {}
    for each in checked:
        if isinstance(each, CheckedClient):
            wanted.setdefault(each.phone, each)
    with transaction() as session:
        made = _insert(session, actor.id, wanted)
        _mark(session, actor.id, [(made[phone], each) for phone, each in wanted.items() if phone in made])
        known = wanted.keys() - made.keys()
        made |= _bring_back(session, actor, [wanted[phone] for phone in sorted(known)])
        if made:
            erased.stop_again(session, list(made))
            audit.note(session, actor, "add_many", Thing.CLIENT, after={"ids": sorted(made.values())})
    verdicts: list[Verdict] = []
    for each in checked:
        if isinstance(each, Invalid):
            verdicts.append(each)
        elif each.phone in made:
            verdicts.append(made.pop(each.phone))
        else:
            verdicts.append(Invalid([Problem("phone", "phone_taken")]))
    return verdicts


def _insert(session: Session, owner_id: int, wanted: dict[str, CheckedClient]) -> dict[str, int]:
    """The ids of those whose phone the owner had not; by phone, so that two who add many do not deadlock."""
    if not wanted:
        return {}
    now = clock.database_now(session)
    new = {"owner_id": owner_id, "created_at": now}
    rows = [new | clients.row_values(wanted[phone], now) for phone in sorted(wanted)]
    added = insert_or_ignore(_CLIENTS).returning(_CLIENTS.c.phone, _CLIENTS.c.id)
    return dict(session.execute(added, rows).all())


def _mark(session: Session, owner_id: int, new: Sequence[tuple[int, CheckedClient]]) -> None:
    names = {name for _client_id, each in new for name in each.tags}
    if names:
        ids = tags.ids_by_name(session, owner_id, names)
        links = [{"tag_id": ids[name], "client_id": client_id} for client_id, each in new for name in each.tags]
        session.execute(insert(client_tags), links)


def _bring_back(session: Session, actor: Actor, known: Sequence[CheckedClient]) -> dict[str, int]:
    """Those among them who were deleted; few, so they come one by one."""
    phones = [each.phone for each in known]
    if not phones:
        return {}
    theirs = select(Client.phone).where(Client.owner_id == actor.id, Client.phone.in_(phones))
    deleted = set(session.scalars(theirs.where(Client.deleted_at.is_not(None))))
    return {each.phone: clients.bring_back(session, actor.id, each) for each in known if each.phone in deleted}
