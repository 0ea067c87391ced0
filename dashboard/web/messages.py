"""What is the story of one message?"""

from flask import Blueprint, Response, request

from ..domain import messages, versions
from ..domain import waiting as waits
from ..domain.messages import MessageStory
from ..domain.waiting import Waiting
from ..models import Status
from . import respond
from .access import actor, poll

# Numbers of messages, which are the gateway's msgIds, stay below this.
LARGEST_MSG_ID = 2**53
ONE = f"/<int(max={LARGEST_MSG_ID}):message_id>"

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


@blueprint.get(ONE)
def show(message_id: int) -> Response:
    message, waiting = _told(message_id)
    return respond.page("messages/show.html", message=message, waiting=waiting, version=_version(message, waiting))


@blueprint.get(f"{ONE}/live")
@poll
def live(message_id: int) -> Response:
    """204 while the story is the one that the page says it has."""
    message, waiting = _told(message_id)
    version = _version(message, waiting)
    if request.args.get("version") == version:
        return respond.not_modified()
    return respond.partial("messages/_live.html", message=message, waiting=waiting, version=version)


def _told(message_id: int) -> tuple[MessageStory, Waiting | None]:
    message = messages.get(actor(), message_id)
    return message, waits.reason(message_id) if message.status is Status.QUEUED else None


def _version(message: MessageStory, waiting: Waiting | None) -> str:
    return versions.version_of((message, waiting))
