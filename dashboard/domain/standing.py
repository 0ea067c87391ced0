"""Where does a message stand in the ledger? Not all of that is in its row: what is in the air lies in a flight."""

from sqlalchemy import ColumnElement, case, literal, select

from ..models import Flight, Message, Status
from .flights import in_place


def is_in_flight() -> ColumnElement[bool]:
    """Armed from its place, and its outcome not yet written."""
    flight = select(Flight.last_id).where(
        Flight.mailing_id == Message.mailing_id, Message.id.between(Flight.first_id, Flight.last_id)
    )
    return in_place() & flight.exists()


def status() -> ColumnElement[Status]:
    """The status that the ledger shows."""
    return case((is_in_flight(), literal(Status.SENDING, Message.status.type)), else_=Message.status)


def stands_at(wanted: Status) -> ColumnElement[bool]:
    """The messages of one status, by the index that serves it where there is one."""
    if wanted is Status.SENDING:
        return (Message.status == wanted) | is_in_flight()
    if wanted is Status.QUEUED:
        return (Message.status == wanted) & ~is_in_flight()
    return Message.status == wanted if wanted is Status.SENT else Message.unsent == wanted
