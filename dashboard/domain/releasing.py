"""What becomes of messages that were armed and never called for? They wait anew: no text has left the house."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from .. import clock
from ..database import AnySelect, transaction
from ..models import Flight, Message, Status
from . import bulk, flights
from .armed import Armed
from .flights import in_place
from .moves import move
from .tallies import Place


def release(armed: Collection[Armed], landed: Collection[int], token: str) -> None:
    """Give messages back. `landed`: flights in which nothing is under way any more. May be repeated.

    The flights before their messages, as the sweep locks them when it takes them for lost.
    """
    mine = bulk.any_of(Message.id.expression, [each.id for each in armed])
    with transaction() as session:
        flights.land(session, landed)
        _give_back(session, _places().where(mine, in_place() | _is_leased(token)))


def release_all(token: str) -> None:
    """Give back everything still armed under a token whose calls are all settled."""
    with transaction() as session:
        mine = session.execute(select(Flight.last_id, Flight.first_id).where(Flight.token == token)).all()
        flights.land(session, [flight.last_id for flight in mine])
        for flight in mine:
            in_it = Message.id.between(flight.first_id, flight.last_id)
            _give_back(session, _places().where(in_it, in_place()))
        _give_back(session, _places().where(_is_leased(token)))


def _places() -> AnySelect:
    columns = (Message.id, Message.mailing_id, Message.operator_code, Message.timezone)
    return select(*columns).order_by(Message.id).with_for_update()


def _is_leased(token: str) -> ColumnElement[bool]:
    return Message.lease_until.is_not(None) & (Message.lease_token == token) & (Message.status == Status.SENDING)


def _give_back(session: Session, those: AnySelect) -> None:
    now = clock.database_now(session)
    rows = session.execute(those).all()
    move(session, rows, Place(Status.SENDING), Place(Status.QUEUED), send_after=now)
