"""What stops all sending, and what stops a mailing by itself before all is sent?"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, literal, select, update
from sqlalchemy.orm import Session

from .. import clock
from ..database import UtcDateTime, db, rows_changed, transaction
from ..models import Allowance, Breaker, Mailing, PauseReason, Service, State, StopReason, User, WebhookKind
from . import pulse
from .errors import Conflict
from .permissions import Actor, require_administration, require_change
from .throttle import Shortage
from .versions import version_of
from .webhooks import announcing

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Brakes:
    """What holds all mailings back at once: `stopped_*` is the global stop, `breaker_*` the gateway's trouble.

    None where it does not hold. `stop_reason`: why the service has stopped by itself, None if a person has;
    `known_until`: what has left since then this database does not know. `probe_at`: before then no message tries
    whether the gateway takes it; None: the next one that is due does.
    """

    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: StopReason | None = None
    known_until: datetime | None = None
    breaker_opened_at: datetime | None = None
    breaker_reason: str | None = None
    probe_at: datetime | None = None

    @property
    def version(self) -> str:
        return version_of(self)


def standing() -> Brakes:
    """How they stand at this moment; everybody may know."""
    query = select(Service, User.name).outerjoin(User, User.id == Service.stopped_by_id).where(Service.id == 1)
    found = db.session.execute(query).one_or_none()
    if found is None:
        return Brakes()
    service, stopped_by = found
    is_open = service.breaker is Breaker.OPEN
    is_ahead = is_open and service.breaker_probe_at and service.breaker_probe_at > clock.database_now(db.session())
    return Brakes(
        stopped_at=service.stopped_at,
        stopped_by=stopped_by,
        stop_reason=service.stop_reason,
        known_until=service.known_until,
        breaker_opened_at=service.breaker_opened_at if is_open else None,
        breaker_reason=service.breaker_reason if is_open else None,
        probe_at=service.breaker_probe_at if is_ahead else None,
    )


def running() -> int:
    """How many mailings the global stop would stop, everybody's."""
    return db.session.scalar(select(func.count()).where(Mailing.state == State.RUNNING)) or 0


def stop_everything(actor: Actor) -> None:
    """The global stop: after this commit nothing of any mailing is armed; mailings may start and be selected for.

    Whoever may change anything may press it: in an emergency nobody looks for an administrator. Pressed again, the
    first press stands.
    """
    require_change(actor)
    with transaction() as session:
        now = clock.database_now(session)
        stopped = rows_changed(
            session,
            update(Service)
            .where(Service.id == 1, Service.stopped_at.is_(None))
            .values(stopped_at=now, stopped_by_id=actor.id),
        )
    if stopped:
        logger.warning("everything stopped", extra={"user_id": actor.id})


def stop_itself(session: Session, now: datetime, reason: StopReason, known_until: datetime | None) -> bool:
    """The service's own global stop, within the caller's transaction. False: it had stopped itself before.

    A stop that a person has pressed stays theirs and gets the reason besides: who lets it go on has to know both.
    """
    again = Service.stop_reason.is_not(None) if reason is StopReason.ASLEEP else false()
    guarded = update(Service).where(Service.id == 1, ~again)
    stopped_at = func.coalesce(Service.stopped_at, literal(now, UtcDateTime()))
    values = {"stopped_at": stopped_at, "stop_reason": reason, "known_until": known_until}
    return rows_changed(session, guarded.values(**values)) > 0


def go_on(actor: Actor, seen: datetime | None = None) -> None:
    """Take the global stop back. Only an administrator: one who stopped it may not know why others did, too.

    `seen`: when the stop began that this person has looked at; None: whichever holds. Raises Conflict if another
    one holds by now: whoever pressed that one may have a reason of their own.
    """
    require_administration(actor)
    with transaction() as session:
        pulse.lock(session)
        stopped_at = session.scalar(select(Service.stopped_at).where(Service.id == 1).with_for_update())
        if stopped_at is None:
            return
        if seen is not None and stopped_at != seen:
            raise Conflict("stopped_anew")
        none = {"stopped_at": None, "stopped_by_id": None, "stop_reason": None, "known_until": None}
        session.execute(update(Service).where(Service.id == 1).values(**none))
        # A person has looked, which is worth as much as a worker's beat: the next one does not stop it again.
        pulse.mark(session, clock.database_now(session))
    logger.warning("sending goes on", extra={"user_id": actor.id})


def pause_spent(spent: Mapping[int, Shortage]) -> None:
    """Pause mailings whose canary or budget is used up: a person decides. Until then arming finds nothing left.

    Asks again what is left, once the mailing is locked: a person may have decided since the arming.
    """
    for mailing_id, shortage in spent.items():
        with transaction() as session:
            session.execute(select(Mailing.id).where(Mailing.id == mailing_id).with_for_update(key_share=True))
            still_short = select(Allowance.scope).where(Allowance.scope == mailing_id, _is_short(shortage))
            paused = rows_changed(
                session,
                update(Mailing)
                .where(Mailing.id == mailing_id, Mailing.state == State.RUNNING, still_short.exists())
                .values(state=State.PAUSED, pause_reason=shortage.reason, updated_at=clock.database_now(session)),
            )
            if paused:
                announcing.announce(session, WebhookKind.MAILING_PAUSED, mailing_id)
        if paused:
            logger.info("mailing paused", extra={"mailing_id": mailing_id, "reason": shortage.reason.value})


def _is_short(shortage: Shortage) -> ColumnElement[bool]:
    if shortage.reason is PauseReason.CANARY:
        return Allowance.canary_left == 0
    return Allowance.parts_left < shortage.parts
