"""What becomes of messages that were armed and never called for? They wait anew: no text has left the house."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnyRow, AnySelect, transaction
from ..models import Flight, Message, Status
from . import bulk, flights
from .armed import Armed
from .flights import in_place
from .moves import move
from .tallies import Place


def release(armed: Collection[Armed], landed: Collection[int], token: str) -> None:
    """Give messages back. `landed`: flights in which nothing is under way any more. May be repeated.

    The flights before their messages, as the sweep locks them when it takes them for lost. That counts as a try:
    so it is known whether a worker that was suspended for long has armed a message again, and calls for it now.
    """
    tries = {(each.id, each.tries) for each in armed}
    mine = bulk.any_of(Message.id.expression, [each.id for each in armed])
    with transaction() as session:
        flights.land(session, landed)
        rows = session.execute(_places().where(mine, in_place() | _is_leased(token))).all()
        _give_back(session, [row for row in rows if (row.id, row.tries) in tries])


def release_all(token: str) -> None:
    """Give back everything still armed under a token whose calls are all settled."""
    with transaction() as session:
        mine = session.execute(select(Flight.last_id, Flight.first_id).where(Flight.token == token)).all()
        flights.land(session, [flight.last_id for flight in mine])
        for flight in mine:
            in_it = Message.id.between(flight.first_id, flight.last_id)
            _give_back(session, session.execute(_places().where(in_it, in_place())).all())
        _give_back(session, session.execute(_places().where(_is_leased(token))).all())


def _places() -> AnySelect:
    columns = (Message.id, Message.mailing_id, Message.operator_code, Message.timezone, Message.tries)
    return select(*columns).order_by(Message.id).with_for_update()


def _is_leased(token: str) -> ColumnElement[bool]:
    return Message.lease_until.is_not(None) & (Message.lease_token == token) & (Message.status == Status.SENDING)


def _give_back(session: Session, rows: Sequence[AnyRow]) -> None:
    now = clock.database_now(session)
    move(session, rows, Place(Status.SENDING), Place(Status.QUEUED), send_after=now)
