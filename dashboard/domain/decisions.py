"""What does a mailing wait for a person to decide, and what has that person to know?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import UNDER_WAY, Allowance, Heartbeat, Mailing, PauseReason, State, Status, User
from . import limits, reopening
from .permissions import Actor, may_administer, may_change, may_launch
from .statistics import Counts

# Something is due, and for so long nobody has looked what. A worker sweeps every two seconds.
WORKERS_ARE_GONE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Approval:
    """Of a mailing that a second person has to agree to. `is_own`: this actor has launched it, so cannot."""

    asked_by: str | None
    asked_at: datetime | None
    is_own: bool
    may_approve: bool


@dataclass(frozen=True, slots=True)
class Canary:
    """How the first few went. `open_` have no outcome yet: they are being sent, or wait for another try."""

    size: int
    sent: int
    failed: int
    unknown: int
    open_: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Parts of SMS."""

    parts: int
    used: int


def approval(session: Session, actor: Actor, mailing: Mailing) -> Approval | None:
    if not mailing.awaits_approval or mailing.state is not State.SCHEDULED:
        return None
    is_own = mailing.launched_by_id == actor.id
    asked_by = session.scalar(select(User.name).where(User.id == mailing.launched_by_id))
    return Approval(asked_by, mailing.launched_at, is_own, may_administer(actor) and not is_own)


def canary(mailing: Mailing, counts: Counts) -> Canary | None:
    """While the mailing waits for the "go on"."""
    if mailing.canary_size is None or mailing.pause_reason is not PauseReason.CANARY:
        return None
    sent, failed, unknown = counts[Status.SENT], counts[Status.FAILED], counts[Status.UNKNOWN]
    return Canary(
        mailing.canary_size, sent, failed, unknown, max(0, mailing.canary_size - sent - failed - unknown)
    )


def budget(session: Session, mailing: Mailing) -> Budget | None:
    """Before the first arming nothing is used up."""
    if mailing.budget_parts is None:
        return None
    left = session.scalar(select(Allowance.parts_left).where(Allowance.scope == mailing.id))
    return Budget(mailing.budget_parts, 0 if left is None else mailing.budget_parts - left)


def may_limit(actor: Actor, mailing: Mailing) -> bool:
    """Change its rate, or raise its budget."""
    return may_change(actor) and mailing.state in limits.CHANGEABLE


def resendable(actor: Actor, mailing: Mailing, counts: Counts) -> int:
    """How many failed ones this actor may let wait anew."""
    is_open = may_launch(actor) and mailing.state in reopening.REOPENABLE and mailing.started_at is not None
    return counts[Status.FAILED] if is_open else 0


def workers_gone_since(session: Session, mailing: Mailing, waiting: int, now: datetime) -> datetime | None:
    """When a worker last looked, if something of this mailing is due and none has looked since."""
    is_due = (
        (mailing.state is State.RUNNING or (waiting > 0 and mailing.state not in UNDER_WAY))
        if mailing.started_at is not None
        else mailing.state is State.SCHEDULED and not mailing.awaits_approval and mailing.starts_at <= now
    )
    if not is_due:
        return None
    looked_at = session.scalar(select(Heartbeat.at).where(Heartbeat.name == "sweep"))
    return looked_at if looked_at is not None and now - looked_at > WORKERS_ARE_GONE else None
