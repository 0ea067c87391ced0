"""How are the limits of a mailing under way changed: all that was asked for, or nothing?"""

from ..database import transaction
from ..models import RateUnit
from . import limits, mailings
from .errors import Invalid, Problem
from .permissions import Actor


def change(
    actor: Actor, mailing_id: int, rate_limit: int | None, rate_unit: RateUnit, budget_parts: int | None
) -> None:
    """Its rate, and its budget if it has one; `limits` says more. Raises NotFound, Conflict and Invalid."""
    problems: list[Problem] = []
    with transaction():
        try:
            limits.change_rate(actor, mailing_id, rate_limit, rate_unit)
        except Invalid as refusal:
            problems += refusal.problems
        if mailings.get(actor, mailing_id).budget_parts is not None:
            try:
                limits.raise_budget(actor, mailing_id, budget_parts or 0)
            except Invalid as refusal:
                problems += refusal.problems
        if problems:
            raise Invalid(problems)
