"""Is there a message that waits, and that nobody would ever look for?

It waits in its place, but neither a chunk nor a flight holds that place. No statement of ours leaves one behind; a
repair by hand or a fault of ours might. Without this, its client would be forgotten.
"""

import logging

from sqlalchemy import select, update

from .. import clock
from ..database import rows_changed, transaction
from ..models import WAITING, Chunk, Flight, Message
from . import statistics
from .flights import in_place

logger = logging.getLogger(__name__)


def reclaim(mailing_id: int) -> int:
    """Let the strays of a mailing wait by themselves, and say so. Cheap where the books know of none that wait."""
    counts = statistics.counts(mailing_id)
    if not any(counts[status] for status in WAITING):
        return 0
    with transaction() as session:
        chunk = select(Chunk.last_id).where(
            Chunk.mailing_id == mailing_id, Message.id.between(Chunk.first_id, Chunk.last_id)
        )
        flight = select(Flight.last_id).where(
            Flight.mailing_id == mailing_id, Message.id.between(Flight.first_id, Flight.last_id)
        )
        stray = update(Message).where(Message.mailing_id == mailing_id, in_place())
        found = rows_changed(
            session,
            stray.where(~chunk.exists(), ~flight.exists()).values(send_after=clock.database_now(session)),
        )
    if found:
        logger.error("stray messages reclaimed", extra={"mailing_id": mailing_id, "count": found})
    return found
