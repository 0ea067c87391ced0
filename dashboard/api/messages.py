"""What becomes of each message, and what can a program do with one?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import Response, url_for

from ..domain import client_story, message_feed, message_lists, messages, single_messages, unknown_outcomes
from ..domain.errors import Conflict, Invalid, Problem
from ..domain.message_feed import Place
from ..domain.message_walks import Sought
from ..domain.messages import MessageStory
from ..domain.pages import Order, in_order
from ..domain.unknown_outcomes import Decision
from ..jobs import queues
from ..models import Scope, Status
from . import answers, mailings, statistics
from .access import actor, require_scope, sends
from .answers import limit_of
from .rates import creates
from .resources import LARGEST_ID, LARGEST_NUMBER, Resource, row_number
from .schemas import messages as schemas

blueprint = Resource("messages", __name__, "/messages", "What becomes of each message")
ONE = f"/<int(max={LARGEST_NUMBER}):message_id>"
SHOWN, ROW = schemas.Message(), schemas.MessageRow()


@blueprint.asked("GET")
@blueprint.takes(schemas.MessageQuery, "query")
@blueprint.gives(200, schemas.MessagePage)
def index(query: dict[str, Any]) -> Response:
    """List messages: of one mailing by phone, of one client or of all mailings from the newest or oldest on."""
    if "client_id" in query:
        return _of_client(query)
    if "mailing_id" in query:
        return _of_mailing(query["mailing_id"], query)
    return _of_all(query)


@mailings.blueprint.asked("GET", f"{mailings.ONE}/messages", endpoint="messages")
@mailings.blueprint.takes(schemas.OfMailing, "query")
@mailings.blueprint.gives(200, schemas.MessagePage)
def of_mailing(query: dict[str, Any], mailing_id: int) -> Response:
    """List a mailing's messages, by phone."""
    return _of_mailing(mailing_id, query)


@statistics.blueprint.asked("GET", "/messages", endpoint="messages")
@statistics.blueprint.takes(schemas.OfStatus, "query")
@statistics.blueprint.gives(200, schemas.MessagePage)
def of_status(query: dict[str, Any]) -> Response:
    """List the messages of one status, over all mailings."""
    return _of_all(query)


def _of_mailing(mailing_id: int, query: dict[str, Any]) -> Response:
    after = answers.key_of_cursor(query.get("cursor"), _phone)
    found = message_lists.page(actor(), mailing_id, _sought(query), after=after, limit=limit_of(query))
    next_key = (found.next_after,) if found.next_after is not None else None
    return answers.page(ROW, found.items, found.total, found.total is not None, next_key)


def _of_all(query: dict[str, Any]) -> Response:
    begins = answers.key_of_cursor(query.get("cursor"), _place)
    order = query.get("order", Order.NEWEST)
    found = message_feed.page(actor(), _sought(query), begins, limit_of(query), order)
    next_key = (found.next.mailing_id, found.next.phone) if found.next else None
    return answers.page(ROW, found.items, None, False, next_key)


def _of_client(query: dict[str, Any]) -> Response:
    """Few: one for each mailing."""
    found = client_story.page(
        actor(),
        query["client_id"],
        mailings.place_in(query),
        limit_of(query),
        mailing_id=query.get("mailing_id"),
        sought=_sought(query),
        is_walk=True,
    )
    met, last = in_order(found, query["order"])
    items = message_lists.of_ids([item.id for item in met])
    return answers.page(ROW, items, found.total, found.total_is_exact, (last,) if last else None)


def _phone(phone: str) -> str:
    if not isinstance(phone, str) or not (phone.isascii() and phone.isdigit() and len(phone) <= 12):
        raise ValueError(phone)
    return phone


def _place(mailing_id: int, phone: str) -> Place:
    return Place(row_number(mailing_id), _phone(phone) if phone else "")


def _sought(query: dict[str, Any]) -> Sought:
    sought = Sought(status=query.get("status"), since=query.get("since"), until=query.get("until"))
    return replace(
        sought,
        reason=query.get("reason", ""),
        code=query.get("operator_code", ""),
        zone=query.get("timezone", ""),
        phone=query.get("phone", ""),
    )


@blueprint.asked("POST")
@creates
@sends
@blueprint.takes(schemas.NewMessage, example={"mailing_id": 7, "client_id": 1})
@blueprint.gives(201, schemas.Message, example=schemas.QUEUED)
def create(body: dict[str, int]) -> Response:
    """Add one message to a mailing that has started, to one client (scope `send`)."""
    for name in ("mailing_id", "client_id"):
        if not 0 < body[name] <= LARGEST_ID:
            raise Invalid([Problem(name, "client_unknown" if name == "client_id" else "mailing_unknown")])
    message_id = single_messages.create(actor(), body["mailing_id"], body["client_id"])
    queues.work_later()
    return _one(message_id, 201)


@blueprint.asked("GET", ONE)
@blueprint.gives(200, schemas.Message)
def show(message_id: int) -> Response:
    """Get a message with its attempts."""
    return _one(message_id)


@blueprint.asked("PUT", ONE, endpoint="put")
@blueprint.asked("PATCH", ONE)
@blueprint.takes(schemas.MessageChange, example=schemas.CHANGED)
@blueprint.gives(200, schemas.Message, example=schemas.QUEUED | schemas.CHANGED | {"has_own_text": True})
def change(body: dict[str, Any], message_id: int) -> Response:
    """Give a queued message a text of its own, or resolve an unknown outcome (to resend it: scope `send`)."""
    with _as_asked_for(message_id) as message:
        if ("text" in body) == ("resolve" in body):
            raise Invalid([Problem("text", "text_or_resolve")])
        if "text" in body:
            single_messages.change_text(actor(), message_id, body["text"])
        else:
            _resolve(message, body["resolve"], body)
    queues.work_later()
    return _one(message_id)


def _resolve(message: MessageStory, decision: Decision, body: dict[str, Any]) -> None:
    if decision is Decision.RESEND:
        require_scope(Scope.SEND)
    if message.status is not Status.UNKNOWN:
        raise Conflict("message_not_unknown")
    unknown_outcomes.decide(actor(), message.mailing_id, decision, [message.id], body["end_at"])


@blueprint.asked("DELETE", ONE)
@blueprint.gives(204)
def delete(message_id: int) -> None:
    """Cancel a queued message; what has left the house cannot be unsent (409 says where it stands)."""
    with _as_asked_for(message_id):
        single_messages.cancel(actor(), message_id)


@contextmanager
def _as_asked_for(message_id: int) -> Iterator[MessageStory]:
    """Held, so that between the look at its version and the change it neither leaves nor is changed by others."""
    with single_messages.held(actor(), message_id) as message:
        answers.require_version(SHOWN, message)
        yield message


def _one(message_id: int, status: int = 200) -> Response:
    location = url_for("api_messages.show", message_id=message_id) if status == 201 else None
    return answers.one(SHOWN, messages.get(actor(), message_id), status, location)
