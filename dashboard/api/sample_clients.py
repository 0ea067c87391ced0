"""How does an administrator get clients to try things out with, and get rid of them?"""

from ..domain import sample_clients
from ..domain.errors import Invalid, Problem
from ..domain.permissions import may_administer
from ..marks import requires
from .access import actor
from .resources import Resource
from .schemas import sample_clients as schemas

blueprint = Resource("sample_clients", __name__, "/sample-clients", "Clients to try things out with")


@blueprint.asked("POST")
@requires(may_administer)
@blueprint.takes(schemas.Wanted, example={"count": sample_clients.USUAL})
@blueprint.gives(200, schemas.Added)
def add(body: dict[str, int]) -> dict[str, int]:
    """Add clients to try things out with, of all Russian time zones; they are the asker's. For administrators.

    Who is missing is added, who has one of their phones already stays. `flask demo` makes the same ones. Their
    numbers may be somebody's: do not message them through a real gateway.
    """
    if not 1 <= body["count"] <= sample_clients.MOST:
        raise Invalid([Problem("count", "limit_out_of_range", {"most": sample_clients.MOST})])
    return {"added": sample_clients.add(actor(), body["count"])}


@blueprint.asked("DELETE")
@requires(may_administer)
@blueprint.gives(200, schemas.Removed)
def remove() -> dict[str, int]:
    """Remove those that stand as they were made: who has been changed stays. For administrators."""
    return {"removed": sample_clients.remove(actor())}
