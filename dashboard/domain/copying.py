"""How does a mailing that exists become a new draft?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from .. import clock
from ..database import db
from ..models import Mailing, Role, TimeBasis
from . import mailing_drafts, mailings
from .mailing_drafts import LONGEST_TITLE
from .permissions import Actor, require_change

DAY = timedelta(days=1)


def copy(actor: Actor, mailing_id: int, entitle: Callable[[str], str], zone: tzinfo) -> int:
    """A new draft with the same words, audience and limits, for the same owner; answers its id.

    `entitle` makes the new title of the old one. A start that has passed moves by whole days of `zone`'s calendar
    to the next day on which that time lies ahead, and the end with it. Raises NotFound and Forbidden.
    """
    require_change(actor)
    mailing = mailings.get(actor, mailing_id)
    # It addresses its owner's clients, whoever copies it.
    owner = actor if mailing.owner_id == actor.id else Actor(mailing.owner_id, Role.OPERATOR)
    times = _moved_walls(mailing, zone) if mailing.time_basis is TimeBasis.CLIENT else _moved(mailing, zone)
    draft = mailing_drafts.of(mailing)
    return mailings.create(owner, replace(draft, title=entitle(mailing.title)[:LONGEST_TITLE], **times))


def _moved(mailing: Mailing, zone: tzinfo) -> dict[str, Any]:
    """By the calendar of the zone, so that ten in the morning stays ten in the morning in another season."""
    walls = [at.astimezone(zone).replace(tzinfo=None) for at in (mailing.starts_at, mailing.ends_at)]
    days = _days_until_ahead(walls[0], zone)
    if days == timedelta(0):
        return {"starts_at": mailing.starts_at, "ends_at": mailing.ends_at}
    starts_at, ends_at = ((wall + days).replace(tzinfo=zone) for wall in walls)
    # An hour that the clocks repeat may have swallowed a mailing of minutes.
    least_end = starts_at + (mailing.ends_at - mailing.starts_at)
    return {"starts_at": starts_at, "ends_at": ends_at if ends_at > starts_at else least_end}


def _moved_walls(mailing: Mailing, zone: tzinfo) -> dict[str, Any]:
    assert mailing.starts_wall is not None
    assert mailing.ends_wall is not None
    days = _days_until_ahead(mailing.starts_wall, zone)
    return {"starts_wall": mailing.starts_wall + days, "ends_wall": mailing.ends_wall + days}


def _days_until_ahead(wall: datetime, zone: tzinfo) -> timedelta:
    now = clock.database_now(db.session()).astimezone(zone).replace(tzinfo=None)
    return timedelta(0) if wall > now else ((now - wall) // DAY + 1) * DAY
