"""How does a mailing come to have something to send again, once it was done or its windows were over?"""

from datetime import datetime

from sqlalchemy.orm import Session

from .. import clock
from ..models import UNDER_WAY, Mailing, State, TimeBasis, WebhookKind
from . import lanes
from .errors import Conflict, Invalid, Problem
from .mailing_drafts import YEARS
from .webhooks import announcing

# Started, and not called off.
REOPENABLE = (*UNDER_WAY, State.FINISHED)


def require_messages(mailing: Mailing) -> None:
    """Raises Conflict where they are kept no longer: nobody could say who has had one."""
    if mailing.folded_at is not None:
        raise Conflict("messages_not_kept")


def prepare(session: Session, mailing: Mailing, ends_at: datetime | None) -> None:
    """Give a locked mailing the later of its end and this one, and its lanes what opens before that.

    `ends_at` is aware, or naive for a mailing by the client's clock. Raises Invalid if no end lies ahead.
    """
    if ends_at is not None:
        _extend(session, mailing, ends_at)
    if mailing.ends_at <= clock.database_now(session):
        raise Invalid([Problem("ends_at", "ends_in_past")])
    lanes.renew(session, mailing)


def _extend(session: Session, mailing: Mailing, ends_at: datetime) -> None:
    is_wall = mailing.time_basis is TimeBasis.CLIENT
    if ends_at.year not in YEARS or (ends_at.tzinfo is None) is not is_wall:
        raise Invalid([Problem("ends_at", "time_invalid")])
    if mailing.ends_wall is None:
        mailing.ends_at = max(mailing.ends_at, ends_at)
    elif ends_at > mailing.ends_wall:
        mailing.ends_wall = ends_at
        mailing.ends_at = lanes.last_end(session, mailing)


def reopen(session: Session, mailing: Mailing) -> None:
    """A finished mailing runs again; what is paused stays so until a person resumes it."""
    mailing.updated_at = clock.database_now(session)
    if mailing.state is State.FINISHED:
        mailing.state, mailing.finished_at = State.RUNNING, None
        announcing.announce(session, WebhookKind.MAILING_RESUMED, mailing.id)
