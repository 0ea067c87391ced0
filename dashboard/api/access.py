"""Which program asks, for whom, and may it? One hook asks it of every request; views only carry marks.

`Authorization: Bearer <JWT>` is a program that has signed in by name and password: it may what its user may.
`Authorization: Token <API token>` may that within its scopes. Cookies count for nothing here, so no page can be
made to send a request. Unmarked, a view's safe methods want the scope `read`, all others `write`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, g, request

from ..domain import api_tokens, permissions
from ..domain.errors import Forbidden
from ..domain.permissions import Actor
from ..domain.users import User
from ..models import Scope
from . import signed_tokens
from .problems import Refusal

View = TypeVar("View", bound=Callable[..., Any])

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Vestnik", Token realm="Vestnik"'}


@dataclass(slots=True)
class Marks:
    """What a view says about who may call it. `is_own`: it touches only the user's own account, so viewers may.

    `is_shown_once`: its answer holds a secret, which is not kept for a repeated request.
    """

    is_open: bool = False
    is_own: bool = False
    is_shown_once: bool = False
    scope: Scope | None = None
    rule: Callable[[Actor], bool] | None = None


def open_to_all(view: View) -> View:
    """Nobody is asked who they are."""
    marks_of(view).is_open = True
    return view


def own_account(view: View) -> View:
    marks_of(view).is_own = True
    return view


def shown_once(view: View) -> View:
    """Its answer holds a secret."""
    marks_of(view).is_shown_once = True
    return view


def requires(rule: Callable[[Actor], bool]) -> Callable[[View], View]:
    """For those whom this rule of domain/permissions allows."""

    def mark(view: View) -> View:
        marks_of(view).rule = rule
        return view

    return mark


def sends(view: View) -> View:
    """It lets messages leave: the scope `send`. Whether the user may, the domain asks."""
    marks_of(view).scope = Scope.SEND
    return view


def marks_of(view: Callable[..., Any]) -> Marks:
    """Kept in the function's own dict, which decorators that use functools.wraps hand on."""
    marks = vars(view).setdefault("api_marks", Marks())
    assert isinstance(marks, Marks)
    return marks


def identify() -> None:
    """Whose token comes with the request, if the view asks for one and it is good."""
    g.api_user, g.api_scopes = None, frozenset()
    if not _is_open():
        g.api_user, g.api_scopes = _who() or (None, frozenset())


def guard() -> None:
    """Raises Refusal (401, 403) and Forbidden."""
    if _is_open():
        return
    if g.api_user is None:
        code = "token_invalid" if request.headers.get("Authorization") else "token_missing"
        raise Refusal(401, code, CHALLENGE)
    marks = marks_of(current_app.view_functions[request.endpoint or ""])
    is_safe = request.method in SAFE_METHODS
    require_scope(marks.scope or (Scope.READ if is_safe else Scope.WRITE))
    rule = marks.rule or (None if is_safe or marks.is_own else permissions.may_change)
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
    if scheme.lower() == "token":
        return api_tokens.resume(token.strip())
    return None


def actor() -> Actor:
    """Who asks, for the domain. Not in views that are open to all."""
    user: User = g.api_user
    return user.actor


def user() -> User:
    found: User = g.api_user
    return found
