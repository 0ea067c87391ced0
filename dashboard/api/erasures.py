"""How does a program forget a person who asks for it? For administrators."""

from flask import current_app

from ..domain import erasing
from ..domain.erasing import Erasure
from ..domain.permissions import may_administer
from ..marks import requires
from .access import actor
from .resources import Resource
from .schemas import erasures as schemas

blueprint = Resource("erasures", __name__, "/erasures", "People who asked to be forgotten")


@blueprint.asked("POST")
@requires(may_administer)
@blueprint.takes(schemas.OnePhone)
@blueprint.gives(200, schemas.Erasure)
def create(body: dict[str, str]) -> Erasure:
    """Forget a person: everything that leads to this phone goes, whoever's client it is. For administrators.

    Numbers stay: the rows of their messages do, under a pseudonym that begins with 0. What waits is taken back;
    while a message is being sent, or its outcome is unknown, nothing is erased (409). It may be repeated.
    """
    return erasing.erase(actor(), body["phone_number"], current_app.config["SETTINGS"].imports_dir)
