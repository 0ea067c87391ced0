"""What is the story of one message?"""

from flask import Blueprint, Response

from ..domain import messages
from ..domain import waiting as waits
from ..models import Status
from . import respond
from .access import actor

# Numbers of messages, which are the gateway's msgIds, stay below this.
LARGEST_ID = 2**53

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


@blueprint.get(f"/<int(max={LARGEST_ID}):message_id>")
def show(message_id: int) -> Response:
    message = messages.get(actor(), message_id)
    waiting = waits.reason(message_id) if message.status is Status.QUEUED else None
    return respond.page("messages/show.html", message=message, waiting=waiting)
