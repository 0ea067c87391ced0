"""Who has done what? The audit log, to be read. For administrators."""

from typing import Any

from flask import Response

from ..domain import audit_pages
from ..domain.audit_pages import Wanted
from ..domain.pages import NEWEST
from ..domain.permissions import may_administer
from ..marks import requires
from . import answers
from .access import actor
from .answers import limit_of
from .resources import LARGEST_NUMBER, Resource, cursor_of_many
from .schemas import audit as schemas

# The pages' blueprint has the name `audit`.
blueprint = Resource("audit", __name__, "/audit", "Who has done what")


@blueprint.asked("GET")
@requires(may_administer)
@blueprint.takes(schemas.Query, "query")
@blueprint.gives(200, schemas.LinePage)
def index(query: dict[str, Any]) -> Response:
    """List what was done, newest first, by whom, from where, and what was before. For administrators."""
    cursor = answers.key_of_cursor(query.get("cursor"), cursor_of_many) or NEWEST
    wanted = Wanted(
        actor_id=query.get("actor_id"),
        thing=query.get("object_type"),
        object_id=_some(query.get("object_id")),
        verb=query.get("verb", ""),
        since=query.get("since"),
        until=query.get("until"),
    )
    found = audit_pages.page(actor(), wanted, cursor, limit_of(query), is_walk=True)
    next_key = None if found.next_before is None else (found.next_before,)
    return answers.page(schemas.Line(), found.items, found.total, found.total_is_exact, next_key)


def _some(number: int | None) -> int | None:
    """What does not fit the column is nobody's, as 0 is."""
    return number if number is None or 0 < number <= LARGEST_NUMBER else 0
