"""What is there for administrators alone? One page that leads to all of it."""

from flask import Blueprint, Response

from ..domain.permissions import may_administer
from . import respond
from .access import requires

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.get("")
@requires(may_administer)
def show() -> Response:
    return respond.page("administration/show.html")
