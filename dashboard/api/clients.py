"""Whom can programs reach? The directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import Response, url_for
from marshmallow import ValidationError

from ..domain import client_batches, client_lists, clients
from ..domain.client_order import BEGINNING, Ask, Place
from ..domain.client_rules import ClientDraft, canonical_phone
from ..domain.client_search import ClientFilter, Listed
from ..domain.clients import ClientView
from ..domain.errors import Invalid, Problem
from . import answers, problems
from .access import actor, user
from .answers import limit_of
from .rates import creates
from .resources import LARGEST_ID, Resource, row_number
from .schemas import clients as schemas

blueprint = Resource("clients", __name__, "/clients", "Whom mailings can address", {"phone": "phone_number"})
ONE = f"/<int(max={LARGEST_ID}):client_id>"
SHOWN, INPUT = schemas.Client(), schemas.ClientInput()


@blueprint.asked("GET")
@blueprint.takes(schemas.ClientQuery, "query")
@blueprint.gives(200, schemas.ClientPage)
def index(query: dict[str, Any]) -> Response:
    """List clients.

    A walk along `next` meets each client that is there throughout exactly once, whoever comes or goes meanwhile.
    """
    after = answers.key_of_cursor(query.get("cursor"), _place)
    found = client_lists.page(
        actor(),
        _filter(query),
        Ask(after=after) if after else BEGINNING,
        query["order"],
        limit_of(query),
        is_walk=True,
    )
    next_key = (found.next.id, found.next.phone) if found.next else None
    return answers.page(SHOWN, found.items, found.total, found.total_is_exact, next_key)


def _place(client_id: int, phone: str) -> Place:
    if not isinstance(phone, str) or not (phone == "" or (phone.isascii() and phone.isdigit())):
        raise ValueError(phone)
    return Place(row_number(client_id), phone)


def _filter(query: dict[str, Any]) -> ClientFilter:
    if "phone" in query and "search" in query:
        raise Invalid([Problem("search", "phone_and_search")])
    stop = {None: Listed.ANY, True: Listed.YES, False: Listed.NO}[query.get("stop_listed")]
    return ClientFilter(
        q=canonical_phone(query["phone"]) if "phone" in query else query.get("search", ""),
        tag=query.get("tag", ""),
        code=query.get("operator_code", ""),
        timezone=query.get("timezone", ""),
        stop=stop,
    )


@blueprint.asked("POST")
@creates
@blueprint.takes(schemas.ClientInput, example=schemas.EXAMPLE)
@blueprint.gives(201, schemas.Client, example=schemas.WITHOUT_CONSENT)
def create(body: dict[str, Any]) -> Response:
    """Add a client."""
    return _one(clients.add(actor(), _draft(body)), 201)


@blueprint.asked("POST", "/bulk")
@creates
@blueprint.takes(schemas.ClientBatch)
@blueprint.gives(200, schemas.ClientBatchResult, example=schemas.EXAMPLE_OF_VERDICTS)
def create_many(body: dict[str, Any]) -> dict[str, Any]:
    """Add up to 1,000 clients; each gets its own verdict."""
    rows = body["clients"]
    if not 1 <= len(rows) <= schemas.LARGEST_BATCH:
        raise Invalid([Problem("clients", "batch_out_of_range", {"most": schemas.LARGEST_BATCH})])
    read = [_read(row) for row in rows]
    drafts = [row for row in read if isinstance(row, ClientDraft)]
    added = iter(client_batches.add(actor(), drafts))
    verdicts = [next(added) if isinstance(row, ClientDraft) else row for row in read]
    results = [
        {"id": None, "errors": problems.told(verdict.problems)}
        if isinstance(verdict, Invalid)
        else {"id": verdict, "errors": []}
        for verdict in verdicts
    ]
    failed = sum(result["id"] is None for result in results)
    return {"created": len(results) - failed, "failed": failed, "results": results}


def _read(row: Any) -> ClientDraft | Invalid:
    try:
        return _draft(INPUT.load(row))
    except ValidationError as error:
        return Invalid(list(problems.in_messages(error.messages)))


@blueprint.asked("GET", ONE)
@blueprint.gives(200, schemas.Client)
def show(client_id: int) -> Response:
    """Get a client."""
    return _one(client_id)


@blueprint.asked("PUT", ONE)
@blueprint.takes(schemas.ClientInput, example=schemas.EXAMPLE)
@blueprint.gives(200, schemas.Client, example=schemas.WITHOUT_CONSENT)
def put(body: dict[str, Any], client_id: int) -> Response:
    """Replace a client: what is not given is emptied."""
    with _as_asked_for(client_id) as client:
        clients.change(actor(), client_id, _draft(body), client.version)
    return _one(client_id)


@blueprint.asked("PATCH", ONE)
@blueprint.takes(schemas.ClientInput(partial=True), example={"tags": ["vip", "spring"]})
@blueprint.gives(200, schemas.Client, example={"tags": ["vip", "spring"]})
def patch(body: dict[str, Any], client_id: int) -> Response:
    """Change some of a client's fields. A new phone brings its own operator code, unless one is given."""
    with _as_asked_for(client_id) as client:
        kept = ClientDraft(
            phone=client.phone,
            timezone=client.timezone,
            operator_code=None if "phone_number" in body else client.operator_code,
            tags=client.tags,
            attributes=dict(client.attributes),
            consent_source=client.consent_source,
            consent_at=client.consent_at,
        )
        clients.change(actor(), client_id, replace(kept, **_given(body)), client.version)
    return _one(client_id)


@blueprint.asked("DELETE", ONE)
@blueprint.gives(204)
def delete(client_id: int) -> None:
    """Delete a client; the story of its messages stays."""
    with _as_asked_for(client_id):
        clients.delete(actor(), client_id)


@contextmanager
def _as_asked_for(client_id: int) -> Iterator[ClientView]:
    """Held, so that between the look at its version and the change nobody else changes it."""
    with clients.held(actor(), client_id) as client:
        answers.require_version(SHOWN, client)
        yield client


def _one(client_id: int, status: int = 200) -> Response:
    location = url_for("api_clients.show", client_id=client_id) if status == 201 else None
    return answers.one(SHOWN, clients.get(actor(), client_id), status, location)


def _draft(body: dict[str, Any]) -> ClientDraft:
    return ClientDraft(**({"timezone": user().timezone} | _given(body)))


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a draft, as far as they are there; without a time zone, it is the user's own."""
    names = {"phone_number": "phone"}
    values = {names.get(name, name): value for name, value in body.items()}
    if "tags" in values:
        values["tags"] = tuple(values["tags"])
    if values.get("timezone", "") is None:
        values["timezone"] = user().timezone
    return values
