"""How does a program ask to be told what happens, and see what became of it? Only its own user's webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from flask import Response, current_app, url_for

from ..domain.errors import Conflict
from ..domain.pages import NEWEST
from ..domain.webhooks import deliveries, endpoints
from ..domain.webhooks.deliveries import DeliveryView
from ..domain.webhooks.endpoints import EndpointDraft, EndpointView
from ..jobs import queues
from . import answers
from .access import actor, shown_once
from .answers import limit_of
from .problems import Refusal
from .rates import creates
from .resources import LARGEST_ID, LARGEST_NUMBER, Resource, cursor_of_many
from .schemas import webhooks as schemas

blueprint = Resource("webhooks", __name__, "/webhooks", "Who is told what happens")
ONE = f"/<int(max={LARGEST_ID}):webhook_id>"
SHOWN = schemas.Webhook()


@blueprint.asked("GET")
@blueprint.gives(200, schemas.WebhookPage)
def index() -> Response:
    """List the user's own webhooks, newest first; there are ten at most."""
    found = endpoints.listed(actor())
    return answers.page(SHOWN, found, len(found), True, None)


@blueprint.asked("POST")
@creates
@shown_once
@blueprint.takes(schemas.WebhookInput, example=schemas.EXAMPLE)
@blueprint.gives(201, schemas.MadeWebhook)
def make(body: dict[str, Any]) -> Response:
    """Make a webhook. Its secret is shown this once."""
    view, secret = endpoints.make(actor(), _draft(body), private_allowed=_private_allowed())
    made = {**asdict(view), "is_on": view.is_on, "secret": secret}
    return answers.one(schemas.MadeWebhook(), made, 201, url_for("api_webhooks.show", webhook_id=view.id))


@blueprint.asked("GET", ONE)
@blueprint.gives(200, schemas.Webhook)
def show(webhook_id: int) -> Response:
    """Get a webhook."""
    return answers.one(SHOWN, endpoints.get(actor(), webhook_id))


@blueprint.asked("PUT", ONE)
@blueprint.takes(schemas.WebhookInput, example=schemas.EXAMPLE)
@blueprint.gives(200, schemas.Webhook)
def put(body: dict[str, Any], webhook_id: int) -> Response:
    """Replace what a webhook is told, and where."""
    return _change(_as_read(webhook_id), _draft(body))


@blueprint.asked("PATCH", ONE)
@blueprint.takes(schemas.WebhookInput(partial=True), example={"is_on": False})
@blueprint.gives(200, schemas.Webhook, example=schemas.OFF)
def patch(body: dict[str, Any], webhook_id: int) -> Response:
    """Change some of it. Switched on again, it is told what has waited."""
    view = _as_read(webhook_id)
    kept = EndpointDraft(view.url, view.events, view.description, view.is_on)
    return _change(view, replace(kept, **_given(body)))


@blueprint.asked("DELETE", ONE)
@blueprint.gives(204)
def delete(webhook_id: int) -> None:
    """Delete a webhook, with its log and all that waits for it."""
    with _as_asked_for(webhook_id):
        endpoints.remove(actor(), webhook_id)


@blueprint.asked("POST", f"{ONE}/rotate-secret")
@shown_once
@blueprint.gives(200, schemas.Secret)
def rotate_secret(webhook_id: int) -> dict[str, str]:
    """Give it a new secret, shown this once. For a day the old one signs as well."""
    with _as_asked_for(webhook_id):
        return {"secret": endpoints.rotate_secret(actor(), webhook_id)}


@blueprint.asked("POST", f"{ONE}/ping")
@blueprint.gives(202, schemas.Delivery, example={"event": "ping", **schemas.AGAIN, **schemas.NOT_TRIED})
def ping(webhook_id: int) -> DeliveryView:
    """Send it an event that means nothing."""
    with _as_asked_for(webhook_id):
        delivery_id = endpoints.ping(actor(), webhook_id)
    queues.tell_webhooks_later()
    return deliveries.get(actor(), webhook_id, delivery_id)


@blueprint.asked("GET", f"{ONE}/deliveries")
@blueprint.takes(schemas.DeliveryQuery, "query")
@blueprint.gives(200, schemas.DeliveryPage)
def log(query: dict[str, Any], webhook_id: int) -> Response:
    """List what it was told in the last 30 days, newest first."""
    before = answers.key_of_cursor(query.get("cursor"), cursor_of_many)
    found = deliveries.page(actor(), webhook_id, before or NEWEST, limit_of(query), is_walk=True)
    next_key = (found.next_before,) if found.next_before else None
    return answers.page(schemas.Delivery(), found.items, found.total, found.total_is_exact, next_key)


@blueprint.asked("POST", f"{ONE}/deliveries/<int(max={LARGEST_NUMBER}):delivery_id>/resend")
@blueprint.gives(202, schemas.Delivery, example=schemas.AGAIN)
def resend(webhook_id: int, delivery_id: int) -> DeliveryView:
    """Tell it again, under the same `webhook-id`."""
    with _as_asked_for(webhook_id):
        deliveries.resend(actor(), webhook_id, delivery_id)
    queues.tell_webhooks_later()
    return deliveries.get(actor(), webhook_id, delivery_id)


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return body | ({"events": tuple(kind.value for kind in body["events"])} if "events" in body else {})


def _draft(body: dict[str, Any]) -> EndpointDraft:
    return EndpointDraft(**_given(body))


def _private_allowed() -> bool:
    return bool(current_app.config["SETTINGS"].webhook_private_addresses)


@contextmanager
def _as_asked_for(webhook_id: int) -> Iterator[None]:
    """Held, so that between the look at its version and what is done nobody else changes it."""
    with endpoints.held(actor(), webhook_id) as view:
        answers.require_version(SHOWN, view)
        yield


def _as_read(webhook_id: int) -> EndpointView:
    """Not held, for its address is looked up meanwhile: the change asks for the version that was read."""
    view = endpoints.get(actor(), webhook_id)
    answers.require_version(SHOWN, view)
    return view


def _change(view: EndpointView, draft: EndpointDraft) -> Response:
    try:
        changed = endpoints.change(actor(), view.id, draft, view.version, private_allowed=_private_allowed())
    except Conflict:
        raise Refusal(412, "changed_since") from None
    return answers.one(SHOWN, changed)
