"""How fast, how often and how dearly may be sent, and who may change it while it is being sent?"""

import logging
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import update
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore, rows_changed, transaction
from ..models import UNDER_WAY, Allowance, Mailing, PauseReason, RateUnit, Service, State
from . import audit, limit_rules, mailings
from .audit import Thing
from .errors import Conflict, Invalid, Problem
from .limit_rules import (
    CURRENCIES,
    MOST_DAYS,
    MOST_PARTS,
    MOST_PER_PHONE,
    MOST_PER_SECOND,
    MOST_RECIPIENTS,
    Bound,
)
from .permissions import Actor, require_administration

logger = logging.getLogger(__name__)

# A draft is changed as a whole; what has ended sends nothing.
CHANGEABLE = (State.SCHEDULED, *UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the whole installation; None: no limit.

    `rate_limit` a second, in `rate_unit`; a second person approves mailings to more than `approval_above` clients;
    one phone gets at most `frequency_cap` messages within `frequency_days` days (both or neither).
    `price_per_part`, to the ten-thousandth and in `currency` (one of CURRENCIES), limits nothing: it tells what a
    mailing costs.
    """

    rate_limit: int | None = None
    rate_unit: RateUnit = RateUnit.MESSAGES
    approval_above: int | None = None
    frequency_cap: int | None = None
    frequency_days: int | None = None
    price_per_part: Decimal | None = None
    currency: str = CURRENCIES[0]


def current() -> Limits:
    service = db.session.get_one(Service, 1)
    return Limits(
        service.rate_limit,
        service.rate_unit,
        service.approval_above,
        service.frequency_cap,
        service.frequency_days,
        service.price_per_part,
        service.currency,
    )


def change(actor: Actor, limits: Limits) -> None:
    """They hold from the next arming on, for approval from the next launch or start on.

    Raises Forbidden and Invalid.
    """
    require_administration(actor)
    if problems := _problems(limits):
        raise Invalid(problems)
    with transaction() as session:
        before = asdict(current())
        session.execute(update(Service).where(Service.id == 1).values(asdict(limits)))
        audit.note(session, actor, "change_limits", Thing.SERVICE, None, before, asdict(limits))
    logger.info("limits changed", extra={"user_id": actor.id})


def _problems(limits: Limits) -> list[Problem]:
    problems = limit_rules.problems(
        [
            Bound("rate_limit", limits.rate_limit, MOST_PER_SECOND),
            Bound("approval_above", limits.approval_above, MOST_RECIPIENTS, least=0),
            Bound("frequency_cap", limits.frequency_cap, MOST_PER_PHONE),
            Bound("frequency_days", limits.frequency_days, MOST_DAYS),
        ]
    )
    if (limits.frequency_cap is None) != (limits.frequency_days is None):
        missing = "frequency_cap" if limits.frequency_cap is None else "frequency_days"
        problems.append(Problem(missing, "frequency_half"))
    problems += limit_rules.price_problems(limits.price_per_part, limits.currency)
    return problems


def change_rate(actor: Actor, mailing_id: int, rate_limit: int | None, rate_unit: RateUnit) -> None:
    """Of a mailing that is launched and not over; it holds from the next arming on.

    Raises NotFound, Conflict and Invalid.
    """
    if problems := limit_rules.problems([Bound("rate_limit", rate_limit, MOST_PER_SECOND)]):
        raise Invalid(problems)
    with transaction() as session:
        mailing = mailings.locked(session, actor, mailing_id)
        if mailing.state not in CHANGEABLE:
            raise Conflict("cannot_change_limits")
        before = audit.columns(mailing, "rate_limit", "rate_unit")
        mailing.rate_limit, mailing.rate_unit = rate_limit, rate_unit
        if before != audit.columns(mailing, *before):
            audit.note(
                session, actor, "change_rate", Thing.MAILING, mailing_id, before, audit.columns(mailing, *before)
            )
        mailing.updated_at = clock.database_now(session)


def raise_budget(actor: Actor, mailing_id: int, parts: int) -> None:
    """The mailing may use up so many parts in all. Pressed twice, the second time changes nothing.

    One that is paused because its budget is used up stays paused, now for a person to resume. Raises NotFound,
    Conflict, and Invalid for fewer parts than before or no more than are used up.
    """
    if problems := limit_rules.problems([Bound("budget_parts", parts, MOST_PARTS)]):
        raise Invalid(problems)
    with transaction() as session:
        mailing = mailings.locked(session, actor, mailing_id)
        if mailing.state not in CHANGEABLE or mailing.budget_parts is None:
            raise Conflict("cannot_change_limits")
        is_used_up = mailing.pause_reason is PauseReason.BUDGET
        more = parts - mailing.budget_parts
        if more < 0 or (is_used_up and more == 0):
            raise Invalid([Problem("budget_parts", "budget_not_raised", {"limit": mailing.budget_parts})])
        if more:
            old, new = {"budget_parts": mailing.budget_parts}, {"budget_parts": parts}
            audit.note(session, actor, "raise_budget", Thing.MAILING, mailing_id, old, new)
        mailing.budget_parts = parts
        mailing.updated_at = clock.database_now(session)
        if is_used_up:
            mailing.pause_reason = PauseReason.OPERATOR
        # Before its first arming there is no allowance yet; that arming enters the budget as it is then.
        left = update(Allowance).where(Allowance.scope == mailing_id)
        session.execute(left.values(parts_left=Allowance.parts_left + more))


def charge(session: Session, mailing: Mailing, parts: int) -> None:
    """Take parts from the budget of a locked mailing, if it has one. Raises Conflict if so many are not left."""
    if mailing.budget_parts is None or parts <= 0:
        return
    whole = {"scope": mailing.id, "canary_left": mailing.canary_size, "parts_left": mailing.budget_parts}
    session.execute(insert_or_ignore(Allowance), [whole])
    charged = rows_changed(
        session,
        update(Allowance)
        .where(Allowance.scope == mailing.id, Allowance.parts_left >= parts)
        .values(parts_left=Allowance.parts_left - parts),
    )
    if not charged:
        raise Conflict("budget_used_up")
