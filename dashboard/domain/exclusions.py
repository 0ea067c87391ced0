"""Which mailing's clients can another one leave out?

Only of a mailing that has selected all of its clients, and still keeps them, is it known who they are.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from ..database import db
from ..models import Mailing
from .errors import Invalid, Problem
from .permissions import Actor

MOST_OFFERED = 200


@dataclass(frozen=True, slots=True)
class MailingTitle:
    id: int
    title: str


def offered(owner: Actor) -> list[MailingTitle]:
    """The newest of the owner's own."""
    query = (
        select(Mailing.id, Mailing.title).where(_tells(owner.id)).order_by(Mailing.id.desc()).limit(MOST_OFFERED)
    )
    return [MailingTitle(*row) for row in db.session.execute(query)]


def require(session: Session, owner_id: int, mailing_id: int | None) -> None:
    """Raises Invalid for one that cannot be left out; None: none is.

    Held, so that its messages do not go before this transaction has said that they are needed.
    """
    if mailing_id is None:
        return
    wanted = select(Mailing.id).where(Mailing.id == mailing_id, _tells(owner_id))
    if session.scalar(wanted.with_for_update(read=True)) is None:
        raise Invalid([Problem("excluded_mailing_id", "excluded_mailing_unknown")])


def _tells(owner_id: int) -> ColumnElement[bool]:
    return and_(Mailing.owner_id == owner_id, Mailing.fanned_out_at.is_not(None), Mailing.folded_at.is_(None))
