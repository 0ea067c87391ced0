"""What may happen to a mailing, in which state, and by whom?"""

from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore, rows_changed, transaction
from ..models import Mailing, State
from .errors import Conflict, Invalid, NotFound, Problem
from .mailing_drafts import MailingDraft, checked
from .permissions import Actor, require_change, visible


class Verb(StrEnum):
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


# The one table of what a person may do to a mailing. `start` and `finish` are the engine's (starting, sweep).
TRANSITIONS: dict[Verb, tuple[tuple[State, ...], State]] = {
    Verb.SCHEDULE: ((State.DRAFT,), State.SCHEDULED),
    Verb.UNSCHEDULE: ((State.SCHEDULED,), State.DRAFT),
    Verb.PAUSE: ((State.RUNNING,), State.PAUSED),
    Verb.RESUME: ((State.PAUSED,), State.RUNNING),
    Verb.CANCEL: ((State.SCHEDULED, State.RUNNING, State.PAUSED), State.CANCELLED),
}


def allowed_verbs(state: State) -> frozenset[Verb]:
    """What the pages may offer in this state; the verbs themselves check again."""
    return frozenset(verb for verb, (sources, _target) in TRANSITIONS.items() if state in sources)


def get(actor: Actor, mailing_id: int) -> Mailing:
    """Raises NotFound, also for what belongs to others."""
    found = db.session.scalar(select(Mailing).where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor)))
    if found is None:
        raise NotFound
    return found


def create(actor: Actor, draft: MailingDraft, form_key: str | None = None) -> int:
    """A new draft of this actor's; answers its id. Raises Invalid.

    `form_key` names the form it was typed into: sent twice, it makes one mailing. Conflict if something else has
    been made from that form.
    """
    require_change(actor)
    values = checked(draft)
    with transaction() as session:
        now = clock.database_now(session)
        insert = insert_or_ignore(Mailing).returning(Mailing.id)
        row = {"owner_id": actor.id, "form_key": form_key, "created_at": now, "updated_at": now, **values}
        mailing_id = session.scalar(insert.values(row))
        return _made_before(actor, form_key, values) if mailing_id is None else mailing_id


def _made_before(actor: Actor, form_key: str | None, values: dict[str, Any]) -> int:
    mailing = db.session.scalars(
        select(Mailing).where(Mailing.owner_id == actor.id, Mailing.form_key == form_key)
    ).one()
    if any(getattr(mailing, name) != value for name, value in values.items()):
        raise Conflict("mailing_made_before")
    return mailing.id


def change(actor: Actor, mailing_id: int, draft: MailingDraft, version: int) -> None:
    """Replace a draft's content. `version` is the one that was read: Conflict if it has changed since."""
    require_change(actor)
    values = checked(draft)
    with transaction() as session:
        changed = rows_changed(
            session,
            update(Mailing)
            .where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))
            .where(Mailing.state == State.DRAFT, Mailing.version == version)
            .values(updated_at=clock.database_now(session), version=Mailing.version + 1, **values),
        )
        if not changed:
            mailing = get(actor, mailing_id)
            raise Conflict("mailing_not_draft" if mailing.state is not State.DRAFT else "mailing_edited")


def remove(actor: Actor, mailing_id: int) -> None:
    """Delete a draft for good; anything that has been scheduled keeps its story."""
    require_change(actor)
    with transaction() as session:
        gone = rows_changed(
            session,
            delete(Mailing)
            .where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))
            .where(Mailing.state == State.DRAFT),
        )
        if not gone:
            get(actor, mailing_id)
            raise Conflict("mailing_not_draft")


def schedule(actor: Actor, mailing_id: int) -> None:
    """Let it start by itself at its time, or at once if that has passed. Raises Invalid if its end has, too."""
    with transaction() as session:
        mailing = get(actor, mailing_id)
        now = clock.database_now(session)
        if mailing.state is State.DRAFT and mailing.ends_at <= now:
            raise Invalid([Problem("ends_at", "ends_in_past")])
        _move(session, actor, mailing_id, Verb.SCHEDULE, launched_at=now)


def launch(
    actor: Actor,
    draft: MailingDraft,
    mailing_id: int | None = None,
    version: int = 1,
    form_key: str | None = None,
) -> int:
    """Save (a new one without `mailing_id`) and schedule: both happen or neither. Answers the mailing's id."""
    with transaction():
        if mailing_id is None:
            mailing_id = create(actor, draft, form_key)
            if get(actor, mailing_id).state is not State.DRAFT:
                return mailing_id  # the same form, sent a second time
        else:
            change(actor, mailing_id, draft, version)
        schedule(actor, mailing_id)
        return mailing_id


def unschedule(actor: Actor, mailing_id: int) -> None:
    """Take a mailing that has not started back to a draft."""
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.UNSCHEDULE, launched_at=None)


def pause(actor: Actor, mailing_id: int) -> None:
    """After this commit nothing more is armed; what was armed in the second before may still go."""
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.PAUSE)


def resume(actor: Actor, mailing_id: int) -> None:
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.RESUME)


def cancel(actor: Actor, mailing_id: int) -> None:
    """Nothing more is armed; the sweep marks what still waits as cancelled."""
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.CANCEL, finished_at=clock.database_now(session))


def _move(session: Session, actor: Actor, mailing_id: int, verb: Verb, **values: Any) -> None:
    """The guarded UPDATE: of two who press at once, one succeeds. Raises NotFound or Conflict.

    Arming holds the row FOR SHARE, so this waits for an arming under way and shuts out the next.
    """
    require_change(actor)
    sources, target = TRANSITIONS[verb]
    moved = rows_changed(
        session,
        update(Mailing)
        .where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor), Mailing.state.in_(sources))
        .values(state=target, updated_at=clock.database_now(session), **values),
    )
    if not moved:
        get(actor, mailing_id)
        raise Conflict(f"cannot_{verb.value}")
