"""Who may use the API? People register, and administrators let them in."""

from typing import Any

from flask import Response, current_app

from ..domain import registration
from ..domain.errors import Conflict
from ..domain.permissions import may_administer
from ..domain.registration import Policy, Registration
from ..jobs import queues
from ..marks import open_to_all, requires
from . import access, answers
from .access import actor
from .answers import limit_of
from .problems import Refusal
from .rates import creates, limited
from .resources import LARGEST_ID, Resource, row_number
from .schemas import users as schemas

blueprint = Resource("users", __name__, "/users", "Who works with Vestnik")
ONE = f"/<int(max={LARGEST_ID}):user_id>"
SHOWN = schemas.User()


@blueprint.asked("POST", "/register")
@open_to_all
@creates
@limited("20/hour")
@blueprint.takes(schemas.Registration, example=schemas.EXAMPLE)
@blueprint.gives(201, schemas.User)
@blueprint.also_gives(202, schemas.User, "It waits for an administrator's approval", example={"state": "waiting"})
def register(body: dict[str, str]) -> Response:
    """Register as an operator.

    Where the installation asks for approval, the answer is 202: until an administrator has approved, nothing works
    for this user. A name or an e-mail address that is in use is refused with `name_or_email_taken`, which does not
    say which of the two it is; from one network address 20 registrations an hour are looked at.
    """
    settings = current_app.config["SETTINGS"]
    wanted = Registration(**({"language": settings.language, "timezone": settings.timezone} | body))
    policy = Policy(settings.registration)
    try:
        user = registration.register(wanted, policy)
    except Conflict as refusal:
        raise Refusal(403 if refusal.code == "registration_closed" else 409, refusal.code) from None
    return answers.one(SHOWN, user, 202 if user.waiting_since else 201)


@blueprint.asked("GET")
@requires(may_administer)
@blueprint.takes(schemas.UserQuery, "query")
@blueprint.gives(200, schemas.UserPage)
def index(query: dict[str, Any]) -> Response:
    """List users, for administrators; with `waiting=true` those who wait for approval."""
    after = answers.key_of_cursor(query.get("cursor"), row_number) or 0
    limit = limit_of(query)
    found = registration.listed(actor(), query.get("waiting"), after, limit + 1)
    next_key = (found[limit - 1].id,) if len(found) > limit else None
    total, is_exact = registration.counted(actor(), query.get("waiting"))
    return answers.page(SHOWN, found[:limit], total, is_exact, next_key)


@blueprint.asked("GET", "/me")
@blueprint.gives(200, schemas.User)
def me() -> Response:
    """Get the user whose token this is."""
    return answers.one(SHOWN, access.user())


@blueprint.asked("POST", f"{ONE}/approve")
@requires(may_administer)
@blueprint.gives(200, schemas.User)
def approve(user_id: int) -> Response:
    """Let a user in who has registered. For administrators."""
    user = registration.approve(actor(), user_id, tells=bool(current_app.config["SETTINGS"].smtp_url))
    queues.mail_later()
    return answers.one(SHOWN, user)


@blueprint.asked("POST", f"{ONE}/refuse")
@requires(may_administer)
@blueprint.gives(204)
def refuse(user_id: int) -> None:
    """Delete a registration: its name and address are free again. For administrators."""
    registration.refuse(actor(), user_id)
