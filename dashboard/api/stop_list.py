"""Whom may nobody message? The stop list, by phone."""

from datetime import datetime
from typing import Any

from flask import Response

from ..domain import stop_list, stop_list_pages
from ..domain.stop_list import Outcome
from ..domain.stop_list_pages import Place
from ..zones import YEARS_TOLD
from . import answers
from .access import actor
from .answers import limit_of
from .rates import creates
from .resources import Resource
from .schemas import stop_list as schemas

NAMES = {"phone": "phone_number", "phones": "phone_numbers"}
blueprint = Resource("stop_list", __name__, "/stop-list", "Whom nobody may message", NAMES)


@blueprint.asked("GET")
@blueprint.takes(schemas.EntryQuery, "query")
@blueprint.gives(200, schemas.EntryPage)
def index(query: dict[str, Any]) -> Response:
    """List the phones on the stop list, newest first."""
    after = answers.key_of_cursor(query.get("cursor"), _place)
    found = stop_list_pages.page(actor(), query.get("search", ""), after, limit=limit_of(query), is_walk=True)
    next_key = (found.next.added_at.isoformat(), found.next.phone) if found.next else None
    return answers.page(schemas.Entry(), found.items, found.total, found.total_is_exact, next_key)


def _place(added_at: str, phone: str) -> Place:
    at = datetime.fromisoformat(added_at)
    if at.tzinfo is None or at.year not in YEARS_TOLD or not isinstance(phone, str) or not phone.isalnum():
        raise ValueError(phone)
    return Place(at, phone)


@blueprint.asked("POST")
@creates
@blueprint.takes(schemas.Phones)
@blueprint.gives(200, schemas.Outcome)
def add(body: dict[str, Any]) -> Outcome:
    """Put phones on the stop list."""
    return stop_list.add_many(actor(), body["phone_numbers"])


@blueprint.asked("POST", "/remove")
@blueprint.takes(schemas.OnePhone)
@blueprint.gives(204)
def remove(body: dict[str, str]) -> None:
    """Take a phone off the stop list. (A phone stands in no address, which others may log.)"""
    stop_list.remove(actor(), body["phone_number"])
