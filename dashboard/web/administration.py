"""What is there for administrators alone? One page that leads to all of it."""

from flask import Blueprint, Response

from ..domain.permissions import may_administer
from ..marks import requires
from . import respond

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.get("")
@requires(may_administer)
def show() -> Response:
    return respond.page("administration/show.html")
