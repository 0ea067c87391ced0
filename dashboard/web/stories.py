"""What has happened to this mailing, message or client, in order of time? The page of `flask story`."""

from flask import Blueprint, Response

from ..domain import story
from ..domain.story import Kind
from . import respond
from .access import actor
from .messages import LARGEST_MSG_ID
from .paging import LARGEST_ID

blueprint = Blueprint("stories", __name__)


@blueprint.get(f"/mailings/<int(max={LARGEST_ID}):mailing_id>/story")
def of_mailing(mailing_id: int) -> Response:
    return _show(Kind.MAILING, mailing_id)


@blueprint.get(f"/messages/<int(max={LARGEST_MSG_ID}):message_id>/story")
def of_message(message_id: int) -> Response:
    return _show(Kind.MESSAGE, message_id)


@blueprint.get(f"/clients/<int(max={LARGEST_ID}):client_id>/story")
def of_client(client_id: int) -> Response:
    return _show(Kind.CLIENT, client_id)


def _show(kind: Kind, number: int) -> Response:
    return respond.page("story/show.html", story=story.of(actor(), kind, number))
