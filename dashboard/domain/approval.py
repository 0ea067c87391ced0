"""Who else has to agree before a mailing to many starts?"""

import logging

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, rows_changed, transaction
from ..models import Mailing, Service, State, WebhookKind
from . import audience, audit
from .audit import Thing
from .errors import Conflict, NotFound
from .permissions import Actor, require_administration
from .webhooks import announcing

logger = logging.getLogger(__name__)


def is_needed(session: Session, mailing: Mailing) -> bool:
    """It addresses more clients than one person may decide about. Counts no further than that."""
    bound = session.scalar(select(Service.approval_above).where(Service.id == 1))
    if bound is None:
        return False
    some = audience.client_ids(audience.of(mailing), at_once=True).limit(bound + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) > bound


def approve(actor: Actor, mailing_id: int) -> None:
    """An administrator who has not launched it agrees: it starts at its time, or at once if that is over.

    Approved already, it stays as it is. Raises Forbidden, NotFound and Conflict. Where there is but one
    administrator, only what others launch can be approved; or the limit is raised.
    """
    require_administration(actor)
    with transaction() as session:
        now = clock.database_now(session)
        approved = rows_changed(
            session,
            update(Mailing)
            .where(Mailing.id == mailing_id, Mailing.state == State.SCHEDULED, Mailing.awaits_approval)
            .where(Mailing.launched_by_id.is_distinct_from(actor.id), Mailing.ends_at > now)
            .values(awaits_approval=False, approved_at=now, approved_by_id=actor.id, updated_at=now),
        )
        if not approved:
            _explain(session, actor, mailing_id)
        else:
            audit.note(session, actor, "approve", Thing.MAILING, mailing_id)
    if approved:
        logger.info("mailing approved", extra={"mailing_id": mailing_id, "user_id": actor.id})


def _explain(session: Session, actor: Actor, mailing_id: int) -> None:
    mailing = session.get(Mailing, mailing_id)
    if mailing is None:
        raise NotFound
    if mailing.approved_at is not None and mailing.state is not State.CANCELLED:
        return
    is_own = mailing.awaits_approval and mailing.launched_by_id == actor.id
    raise Conflict("approval_of_own") if is_own else Conflict("cannot_approve")


def lapse() -> None:
    """A mailing that nobody has approved by its end is cancelled: nobody is selected, and nobody messaged.

    It goes on bearing `awaits_approval`, which tells it from one that a person has cancelled.
    """
    now = clock.database_now(db.session())
    is_lapsed = and_(Mailing.state == State.SCHEDULED, Mailing.awaits_approval, Mailing.ends_at <= now)
    for mailing_id in db.session.scalars(select(Mailing.id).where(is_lapsed)).all():
        with transaction() as session:
            cancelled = rows_changed(
                session,
                update(Mailing)
                .where(Mailing.id == mailing_id, is_lapsed)
                .values(state=State.CANCELLED, finished_at=now, updated_at=now),
            )
            if cancelled:
                announcing.announce(session, WebhookKind.MAILING_CANCELLED, mailing_id)
                audit.note(session, None, "lapse", Thing.MAILING, mailing_id)
        if cancelled:
            logger.warning("mailing never approved", extra={"mailing_id": mailing_id})
