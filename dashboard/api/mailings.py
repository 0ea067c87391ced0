"""What do programs send to whom? Mailings, written and changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any

from flask import Response, url_for

from .. import zones
from ..domain import mailing_lists, mailings, reopening
from ..domain.errors import Invalid, Problem
from ..domain.mailing_drafts import MailingDraft
from ..domain.mailings import Verb, allowed_verbs
from ..domain.pages import Cursor, behind, in_order
from ..jobs import queues
from ..models import Mailing, RateUnit, Scope, State, TimeBasis
from . import answers, repeating
from .access import actor, require_scope, user
from .answers import limit_of
from .rates import creates
from .resources import LARGEST_ID, Resource, cursor_of
from .schemas import mailings as schemas
from .schemas.mailings import STANDS, Action

NAMES = {
    "starts_at": "start_at",
    "starts_wall": "start_at",
    "ends_at": "end_at",
    "ends_wall": "end_at",
    "window_from": "window.from",
    "window_to": "window.to",
    "tags": "filter.tags",
    "operator_codes": "filter.operator_codes",
    "excluded_tags": "filter.exclude.tags",
    "excluded_mailing_id": "filter.exclude.mailing_id",
    "rate_limit": "rate.limit",
}
blueprint = Resource("mailings", __name__, "/mailings", "What is sent to whom", NAMES)
ONE = f"/<int(max={LARGEST_ID}):mailing_id>"
SHOWN, INPUT = schemas.Mailing(), schemas.MailingInput()


@blueprint.asked("GET")
@blueprint.takes(schemas.MailingQuery, "query")
@blueprint.gives(200, schemas.MailingPage)
def index(query: dict[str, Any]) -> Response:
    """List mailings."""
    state, search = query.get("state"), query.get("search", "")
    found = mailing_lists.walk(actor(), state, place_in(query), limit_of(query), search)
    met, last = in_order(found, query["order"])
    items = [told(mailing) for mailing in met]
    return answers.page(SHOWN, items, found.total, found.total_is_exact, (last,) if last else None)


def place_in(query: dict[str, Any]) -> Cursor:
    """Where a page of mailings begins, or of what there is one of for each. Raises Refusal."""
    met: Cursor | None = answers.key_of_cursor(query.get("cursor"), cursor_of)
    return behind(met.before if met else None, query["order"])


@blueprint.asked("POST")
@creates
@blueprint.takes(schemas.NewMailing, example=schemas.EXAMPLE)
@blueprint.gives(201, schemas.Mailing)
def create(body: dict[str, Any]) -> Response:
    """Write a mailing: a draft, or with `launch` one that starts at its time (scope `send`)."""
    draft = draft_of(body)
    if body["launch"]:
        require_scope(Scope.SEND)
        mailing_id = mailings.launch(actor(), draft, form_key=repeating.form_key())
        queues.work_later()
    else:
        mailing_id = mailings.create(actor(), draft, repeating.form_key())
    return one(mailing_id, 201)


@blueprint.asked("GET", ONE)
@blueprint.gives(200, schemas.Mailing)
def show(mailing_id: int) -> Response:
    """Get a mailing."""
    return one(mailing_id)


@blueprint.asked("PUT", ONE)
@blueprint.takes(schemas.MailingInput, example=schemas.EXAMPLE_OF_DRAFT)
@blueprint.gives(200, schemas.Mailing, example=STANDS[State.DRAFT])
def put(body: dict[str, Any], mailing_id: int) -> Response:
    """Replace a draft."""
    draft = draft_of(body)
    with as_asked_for(mailing_id) as mailing:
        mailings.change(actor(), mailing_id, draft, mailing.version)
    return one(mailing_id)


@blueprint.asked("PATCH", ONE)
@blueprint.takes(schemas.MailingInput(partial=True), example={"title": "Summer sale"})
@blueprint.gives(200, schemas.Mailing, example=STANDS[State.DRAFT] | {"title": "Summer sale"})
def patch(body: dict[str, Any], mailing_id: int) -> Response:
    """Change some of a draft's fields; a filter, a window or a rate is replaced as a whole.

    A filter with tags or operator codes ends `everybody`, and `everybody` ends such a filter.
    """
    if schemas.has_conditions(body):
        body = {"everybody": False} | body
    with as_asked_for(mailing_id) as mailing:
        kept = INPUT.load(_input_of(mailing))
        if body.get("time_basis", mailing.time_basis) is not mailing.time_basis:
            kept = {name: value for name, value in kept.items() if name not in ("start_at", "end_at")}
        mailings.change(actor(), mailing_id, draft_of(kept | body), mailing.version)
    return one(mailing_id)


@blueprint.asked("DELETE", ONE)
@blueprint.gives(204)
def delete(mailing_id: int) -> None:
    """Delete a draft. What has been launched keeps its story: cancel it."""
    with as_asked_for(mailing_id):
        mailings.remove(actor(), mailing_id)


@contextmanager
def as_asked_for(mailing_id: int) -> Iterator[Mailing]:
    """Held, so that between the look at its version and the change nobody else changes it."""
    with mailings.held(actor(), mailing_id) as mailing:
        require_version(mailing)
        yield mailing


def require_version(mailing: Mailing) -> None:
    """Of a mailing that is held. Raises Refusal (412)."""
    answers.require_version(SHOWN, told(mailing))


def one(mailing_id: int, status: int = 200) -> Response:
    location = url_for("api_mailings.show", mailing_id=mailing_id) if status == 201 else None
    return answers.one(SHOWN, told(mailings.get(actor(), mailing_id)), status, location)


def told(mailing: Mailing) -> dict[str, Any]:
    """Times in the user's zone; by the clients' clocks, as these show them."""
    return {
        **_input_of(mailing),
        "id": mailing.id,
        "owner_id": mailing.owner_id,
        "state": mailing.state,
        "pause_reason": mailing.pause_reason,
        "awaits_approval": mailing.awaits_approval,
        "time_basis": mailing.time_basis,
        "window": mailing.window_from and {"from": mailing.window_from, "to": mailing.window_to},
        "rate": mailing.rate_limit and {"limit": mailing.rate_limit, "unit": mailing.rate_unit},
        "actions": sorted(_actions(mailing)),
        "created_at": mailing.created_at,
        "updated_at": mailing.updated_at,
        "started_at": mailing.started_at,
        "finished_at": mailing.finished_at,
        "messages_folded_at": mailing.folded_at,
    }


def _actions(mailing: Mailing) -> set[Action]:
    """Whatever they are called in the domain; the verbs themselves check again, also who asks."""
    found = {
        Action.LAUNCH if verb is Verb.SCHEDULE else Action(verb.value) for verb in allowed_verbs(mailing.state)
    }
    if mailing.awaits_approval and mailing.state is State.SCHEDULED:
        found.add(Action.APPROVE)
    if mailing.state in reopening.REOPENABLE and mailing.folded_at is None:
        found.add(Action.RESEND)
    return found


def _input_of(mailing: Mailing) -> dict[str, Any]:
    """As a program would write it."""
    zone = zones.zone(user().timezone)
    starts = mailing.starts_wall or mailing.starts_at.astimezone(zone)
    ends = mailing.ends_wall or mailing.ends_at.astimezone(zone)
    exclude = {"tags": list(mailing.excluded_tags), "mailing_id": mailing.excluded_mailing_id}
    return {
        "title": mailing.title,
        "text": mailing.text,
        "time_basis": mailing.time_basis.value,
        "start_at": starts.isoformat(),
        "end_at": ends.isoformat(),
        "filter": {
            "tags": list(mailing.tags) or None,
            "operator_codes": list(mailing.operator_codes) or None,
            "exclude": exclude if any(exclude.values()) else None,
        },
        "everybody": mailing.everybody,
        "window": mailing.window_from
        and mailing.window_to
        and {"from": mailing.window_from.isoformat(), "to": mailing.window_to.isoformat()},
        "rate": mailing.rate_limit and {"limit": mailing.rate_limit, "unit": mailing.rate_unit.value},
        "canary_size": mailing.canary_size,
        "budget_parts": mailing.budget_parts,
    }


def draft_of(body: dict[str, Any]) -> MailingDraft:
    """Raises Invalid where a time cannot be read by the clock that counts."""
    wanted, window, rate = body.get("filter") or {}, body.get("window") or {}, body.get("rate") or {}
    exclude = wanted.get("exclude") or {}
    return MailingDraft(
        title=body.get("title", ""),
        text=body.get("text", ""),
        **_times(body),
        window_from=window.get("from"),
        window_to=window.get("to"),
        tags=tuple(wanted.get("tags") or ()),
        operator_codes=tuple(wanted.get("operator_codes") or ()),
        everybody=body.get("everybody", False),
        excluded_tags=tuple(exclude.get("tags") or ()),
        excluded_mailing_id=exclude.get("mailing_id"),
        rate_limit=rate.get("limit"),
        rate_unit=rate.get("unit", RateUnit.MESSAGES),
        canary_size=body.get("canary_size"),
        budget_parts=body.get("budget_parts"),
    )


def _times(body: dict[str, Any]) -> dict[str, Any]:
    basis = body.get("time_basis", TimeBasis.INSTANT)
    starts, ends = body.get("start_at"), body.get("end_at")
    if basis is TimeBasis.INSTANT:
        zone = zones.zone(user().timezone)
        return {"time_basis": basis, "starts_at": _instant(starts, zone), "ends_at": _instant(ends, zone)}
    aware = [name for name, at in (("starts_wall", starts), ("ends_wall", ends)) if at and at.tzinfo is not None]
    if aware:
        raise Invalid([Problem(name, "offset_by_clients_clock") for name in aware])
    return {"time_basis": basis, "starts_at": None, "ends_at": None, "starts_wall": starts, "ends_wall": ends}


def _instant(at: datetime | None, zone: tzinfo) -> datetime | None:
    """Without an offset it is read on the user's clock."""
    return at.replace(tzinfo=zone) if at is not None and at.tzinfo is None else at
