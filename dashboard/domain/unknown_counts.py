"""In which mailings, and how often, does nobody know whether a message reached its client?"""

from sqlalchemy import Subquery, func, literal, select

from ..database import db
from ..models import Dimension, Mailing, Status, Tally
from .permissions import Actor, visible


def by_mailing() -> Subquery:
    """`mailing_id` and `n`, above 0, of everybody's mailings.

    Every page asks, so the conditions are written out: a database that plans without knowing the values would not
    take the index that holds only these few tallies.
    """
    n = func.sum(Tally.change)
    return (
        select(Tally.mailing_id, n.label("n"))
        .where(Tally.dimension == literal(Dimension.STATUS, literal_execute=True))
        .where(Tally.status == literal(Status.UNKNOWN.value, literal_execute=True))
        .group_by(Tally.mailing_id)
        .having(n > literal(0, literal_execute=True))
        .subquery()
    )


def total(actor: Actor) -> int:
    """In all mailings that this actor may see."""
    found = by_mailing()
    query = (
        select(func.coalesce(func.sum(found.c.n), 0))
        .join(Mailing, Mailing.id == found.c.mailing_id)
        .where(visible(Mailing.owner_id, actor))
    )
    return int(db.session.scalar(query) or 0)
