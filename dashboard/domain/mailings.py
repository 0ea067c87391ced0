"""What may happen to a mailing, in which state, and by whom?"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore, rows_changed, transaction
from ..models import Allowance, Mailing, PauseReason, State, TimeBasis, User, WebhookKind
from . import approval, audit, exclusions, lanes
from .audit import Thing
from .errors import Conflict, Invalid, NotFound, Problem
from .mailing_drafts import MailingDraft, checked
from .permissions import Actor, require_change, require_launching, visible
from .webhooks import announcing


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

# What other programs are told of.
ANNOUNCED = {
    Verb.PAUSE: WebhookKind.MAILING_PAUSED,
    Verb.RESUME: WebhookKind.MAILING_RESUMED,
    Verb.CANCEL: WebhookKind.MAILING_CANCELLED,
}


def allowed_verbs(state: State) -> frozenset[Verb]:
    """What the pages may offer in this state; the verbs themselves check again."""
    return frozenset(verb for verb, (sources, _target) in TRANSITIONS.items() if state in sources)


def get(actor: Actor, mailing_id: int) -> Mailing:
    """Raises NotFound, also for what belongs to others."""
    query = select(Mailing).where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))
    # Whoever has held and changed it has it loaded as it was.
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def seen(actor: Actor, mailing_id: int) -> tuple[Mailing, str, datetime]:
    """With its owner's name, and the instant at which it was so: one question, for what is asked again and again.

    Raises NotFound.
    """
    session = db.session()
    query = select(Mailing, User.name, clock.told_by(session)).join(User, User.id == Mailing.owner_id)
    row = session.execute(query.where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))).one_or_none()
    if row is None:
        raise NotFound
    mailing, owner_name, answer = row
    return mailing, owner_name, clock.told(answer)


def locked(session: Session, actor: Actor, mailing_id: int) -> Mailing:
    """The mailing, and nobody arms, pauses or finishes it before this transaction ends. Raises NotFound.

    Taken before rows of allowances, lanes and messages by everybody, so that none waits for the other.
    """
    require_change(actor)
    query = select(Mailing).where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))
    found = session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def lock(session: Session, mailing_id: int | None) -> None:
    """The same for whoever acts for nobody: nobody arms, pauses or finishes it meanwhile."""
    session.execute(select(Mailing.id).where(Mailing.id == mailing_id).with_for_update(key_share=True))


@contextmanager
def held(actor: Actor, mailing_id: int) -> Iterator[Mailing]:
    """A mailing as it is, and as all others leave it until the end of the block, which is one transaction.

    Raises Forbidden and NotFound.
    """
    with transaction() as session:
        yield locked(session, actor, mailing_id)


def create(actor: Actor, draft: MailingDraft, form_key: str | None = None) -> int:
    """A new draft of this actor's; answers its id. Raises Invalid.

    `form_key` names the form it was typed into: sent twice, it makes one mailing. Conflict if something else has
    been made from that form.
    """
    require_change(actor)
    values = checked(draft)
    with transaction() as session:
        exclusions.require(session, actor.id, draft.excluded_mailing_id)
        now = clock.database_now(session)
        insert = insert_or_ignore(Mailing).returning(Mailing.id)
        row = {"owner_id": actor.id, "form_key": form_key, "created_at": now, "updated_at": now, **values}
        mailing_id: int | None = session.scalar(insert.values(row))
        if mailing_id is None:
            return _made_before(actor, form_key, values)
        audit.note(session, actor, "create", Thing.MAILING, mailing_id, after=values)
        return mailing_id


def release(actor: Actor, form_key: str, before: datetime) -> None:
    """What was made by this key before then bears it no longer: it may make another mailing."""
    mine = (Mailing.owner_id == actor.id, Mailing.form_key == form_key, Mailing.created_at <= before)
    with transaction() as session:
        session.execute(update(Mailing).where(*mine).values(form_key=None))


def _made_before(actor: Actor, form_key: str | None, values: dict[str, Any]) -> int:
    mailing = db.session.scalars(
        select(Mailing).where(Mailing.owner_id == actor.id, Mailing.form_key == form_key)
    ).one()
    # By the clients' clocks these two are worked out anew when it is scheduled.
    worked_out = {"starts_at", "ends_at"} if mailing.time_basis is TimeBasis.CLIENT else set()
    if any(getattr(mailing, name) != values[name] for name in values.keys() - worked_out):
        raise Conflict("mailing_made_before")
    return mailing.id


def change(actor: Actor, mailing_id: int, draft: MailingDraft, version: int) -> None:
    """Replace a draft's content. `version` is the one that was read: Conflict if it has changed since."""
    require_change(actor)
    values = checked(draft)
    with transaction() as session:
        present = get(actor, mailing_id)
        before = audit.columns(present, *values)
        exclusions.require(session, present.owner_id, draft.excluded_mailing_id)
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
        audit.note(session, actor, "change", Thing.MAILING, mailing_id, before, values)


def remove(actor: Actor, mailing_id: int) -> None:
    """Delete a draft for good; anything that has been scheduled keeps its story."""
    require_change(actor)
    with transaction() as session:
        gone = session.execute(
            delete(Mailing)
            .where(Mailing.id == mailing_id, visible(Mailing.owner_id, actor))
            .where(Mailing.state == State.DRAFT)
            .returning(Mailing.owner_id, Mailing.title, Mailing.text),
        ).one_or_none()
        if gone is None:
            get(actor, mailing_id)
            raise Conflict("mailing_not_draft")
        audit.note(session, actor, "remove", Thing.MAILING, mailing_id, gone._asdict())


def schedule(actor: Actor, mailing_id: int, version: int | None = None) -> None:
    """Let it start by itself at its time, or at once if that has passed. Raises Invalid if its end has, too.

    `version` is the one that was read: Conflict if it has changed since; without it, whatever it is now. To very
    many it starts only once a second person has approved. Raises Forbidden for who may not launch.
    """
    require_launching(actor)
    with transaction() as session:
        # Held, so that nobody changes it between this look and the launch.
        mailing = locked(session, actor, mailing_id)
        if version is not None and mailing.state is State.DRAFT and mailing.version != version:
            raise Conflict("mailing_changed_since")
        now = clock.database_now(session)
        span: dict[str, Any] = {}
        if mailing.state is State.DRAFT:
            exclusions.require(session, mailing.owner_id, mailing.excluded_mailing_id)
            span = _span(mailing, now)
        _move(
            session,
            actor,
            mailing_id,
            Verb.SCHEDULE,
            launched_at=now,
            launched_by_id=actor.id,
            awaits_approval=approval.is_needed(session, mailing),
            **span,
        )


def _span(mailing: Mailing, now: datetime) -> dict[str, Any]:
    """From the first client's start to the last one's end; by their own clocks it depends on who they are."""
    span = lanes.span(mailing)
    if span.closes_at <= now:
        field = "ends_at" if mailing.time_basis is TimeBasis.INSTANT else "ends_wall"
        raise Invalid([Problem(field, "ends_in_past")])
    return {"starts_at": span.opens_at, "ends_at": span.closes_at}


def launch(
    actor: Actor,
    draft: MailingDraft,
    mailing_id: int | None = None,
    version: int = 1,
    form_key: str | None = None,
) -> int:
    """Save (a new one without `mailing_id`) and schedule: both happen or neither. Answers the mailing's id."""
    require_launching(actor)
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
    """Take a mailing that has not started back to a draft; an approval is void, for it may be changed now."""
    launch = dict.fromkeys(("launched_at", "launched_by_id", "approved_at", "approved_by_id"))
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.UNSCHEDULE, awaits_approval=False, **launch)


def pause(actor: Actor, mailing_id: int) -> None:
    """After this commit nothing more is armed; what was armed in the second before may still go."""
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.PAUSE, pause_reason=PauseReason.OPERATOR)


def resume(actor: Actor, mailing_id: int) -> None:
    """Go on; after a canary, with all the rest.

    Conflict while its budget is used up (limits.raise_budget), and once its end has passed. Forbidden as a launch.
    """
    require_launching(actor)
    with transaction() as session:
        mailing = locked(session, actor, mailing_id)
        reason = mailing.pause_reason
        if reason is PauseReason.BUDGET:
            raise Conflict("budget_used_up")
        if mailing.state is State.PAUSED and mailing.ends_at <= clock.database_now(session):
            raise Conflict("mailing_over")
        _move(session, actor, mailing_id, Verb.RESUME, pause_reason=None)
        if reason is PauseReason.CANARY:
            session.execute(update(Allowance).where(Allowance.scope == mailing_id).values(canary_left=None))


def cancel(actor: Actor, mailing_id: int) -> None:
    """Nothing more is armed; the sweep marks what still waits as cancelled."""
    ended = {"awaits_approval": False, "pause_reason": None}
    with transaction() as session:
        _move(session, actor, mailing_id, Verb.CANCEL, finished_at=clock.database_now(session), **ended)


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
    audit.note(session, actor, verb.value, Thing.MAILING, mailing_id)
    if verb in ANNOUNCED:
        announcing.announce(session, ANNOUNCED[verb], mailing_id)
