"""Which program asks, for whom, and may it? One hook asks it of every request; views only carry marks.

`Authorization: Bearer <JWT>` is a program that has signed in by name and password: it may what its user may.
`Authorization: Token <API token>` may that within its scopes. Cookies count for nothing here, so no page can be
made to send a request. Unmarked, a view's safe methods want the scope `read`, all others `write`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, g, request

from .. import origin
from ..domain import api_tokens
from ..domain.errors import Forbidden
from ..domain.permissions import Actor
from ..domain.users import User
from ..marks import SAFE_METHODS, View, kept_by, marks_of, rule_of
from ..models import Scope
from . import signed_tokens
from .problems import Refusal

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Vestnik", Token realm="Vestnik"'}


@dataclass(slots=True)
class ApiMarks:
    """What only a view of the API says; whom it is for is said by marks.Marks.

    `is_shown_once`: its answer holds a secret, which is not kept for a repeated request. `scope`: where the
    method alone does not say which. `taken`: where in a request it looks: json, query, files.
    """

    is_shown_once: bool = False
    scope: Scope | None = None
    taken: set[str] = field(default_factory=set)


def shown_once(view: View) -> View:
    """Its answer holds a secret."""
    api_marks_of(view).is_shown_once = True
    return view


def sends(view: View) -> View:
    """It lets messages leave: the scope `send`. Whether the user may, the domain asks."""
    api_marks_of(view).scope = Scope.SEND
    return view


def api_marks_of(view: Callable[..., Any]) -> ApiMarks:
    return kept_by(view, ApiMarks)


def scope_of(view: Callable[..., Any], method: str) -> Scope:
    """Which a token needs for it."""
    return api_marks_of(view).scope or (Scope.READ if method in SAFE_METHODS else Scope.WRITE)


def identify() -> None:
    """Whose token comes with the request, if the view asks for one and it is good."""
    g.api_user, g.api_scopes = None, frozenset()
    origin.is_api(None)
    if not _is_open():
        g.api_user, g.api_scopes = _who() or (None, frozenset())


def guard() -> None:
    """Raises Refusal (401, 403) and Forbidden."""
    if _is_open():
        return
    if g.api_user is None:
        code = "token_invalid" if request.headers.get("Authorization") else "token_missing"
        raise Refusal(401, code, CHALLENGE)
    view = current_app.view_functions[request.endpoint or ""]
    require_scope(scope_of(view, request.method))
    rule = rule_of(view, request.method)
    if rule is not None and not rule(actor()):
        raise Forbidden


def _is_open() -> bool:
    """Which methods an address knows (OPTIONS) is no secret: it is the same for all, whatever is there."""
    return request.method == "OPTIONS" or marks_of(current_app.view_functions[request.endpoint or ""]).is_open


def require_scope(scope: Scope) -> None:
    """Raises Refusal (403)."""
    if scope not in g.api_scopes:
        raise Refusal(403, "scope_not_granted")


def _who() -> tuple[User, frozenset[Scope]] | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = signed_tokens.user_of(token.strip())
        return (user, frozenset(Scope)) if user else None
    found = api_tokens.resume(token.strip()) if scheme.lower() == "token" else None
    if found is None:
        return None
    origin.is_api(found[1].id)
    return found[0], found[1].scopes


def actor() -> Actor:
    """Who asks, for the domain. Not in views that are open to all."""
    user: User = g.api_user
    return user.actor


def user() -> User:
    found: User = g.api_user
    return found
