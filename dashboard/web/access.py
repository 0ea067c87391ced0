"""May this person open this address? One hook asks it of every request; views only carry marks.

Unmarked, a view is for those who are signed in, and its unsafe methods for those who may change things.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, redirect, session, url_for
from flask_login import UserMixin, current_user, login_user, logout_user
from htmx_flask import request

from ..domain import sessions
from ..domain.errors import Forbidden
from ..domain.permissions import Actor, may_change
from ..domain.users import User

View = TypeVar("View", bound=Callable[..., Any])
Rule = Callable[[Actor], bool]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A path of our own: `//host` and `/\host` would lead elsewhere, control characters are dropped by browsers.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f]*")
LONGEST_PATH = 2000


@dataclass(slots=True)
class Marks:
    """What a view says about who may call it."""

    is_open: bool = False
    is_poll: bool = False
    is_own: bool = False
    rule: Rule | None = None


class CurrentUser(UserMixin):  # type: ignore[misc]
    """Who is signed in; Flask-Login keeps the session's token where other programs keep the user's number."""

    def __init__(self, user: User, token: str) -> None:
        self.id = user.id
        self.name = user.name
        self.email = user.email
        self.role = user.role
        self.language = user.language
        self.theme = user.theme
        self.timezone = user.timezone
        self.actor = user.actor
        self.user = user
        self._token = token

    def get_id(self) -> str:
        return self._token


def open_to_all(view: View) -> View:
    """No login is asked for."""
    marks_of(view).is_open = True
    return view


def own_account(view: View) -> View:
    """Unsafe methods touch nothing but the user's own account: viewers may, too."""
    marks_of(view).is_own = True
    return view


def poll(view: View) -> View:
    """Asked for again and again by an open page, so it is no sign of life: the login is not prolonged."""
    marks_of(view).is_poll = True
    return view


def requires(rule: Rule) -> Callable[[View], View]:
    """Every method, safe ones too, is for those whom this rule of domain/permissions allows."""

    def mark(view: View) -> View:
        marks_of(view).rule = rule
        return view

    return mark


requires_change = requires(may_change)


def marks_of(view: Callable[..., Any]) -> Marks:
    """Kept in the function's own dict, which decorators that use functools.wraps hand on."""
    marks = vars(view).setdefault("access_marks", Marks())
    assert isinstance(marks, Marks)
    return marks


def init_app(app: Flask, is_elsewhere: Callable[[str], bool]) -> None:
    """`is_elsewhere` tells paths that are not for people, and have a guard of their own."""
    open_to_all(app.view_functions["static"])
    app.before_request(lambda: None if is_elsewhere(request.path) else guard())


def guard() -> Response | None:
    """Raises Forbidden. An unknown address passes, and is not found."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or marks_of(view).is_open:
        return None
    if not current_user.is_authenticated:
        return to_sign_in()
    rule = marks_of(view).rule or _rule_by_method(marks_of(view))
    if rule is not None and not rule(actor()):
        raise Forbidden
    return None


def _rule_by_method(marks: Marks) -> Rule | None:
    return None if request.method in SAFE_METHODS or marks.is_own else may_change


def to_sign_in() -> Response:
    """Back to the page the person is looking at once they have signed in, not to a fragment of it."""
    address = url_for("auth.sign_in", next=_page_looked_at())
    if request.htmx or request.accept_mimetypes.best == "application/json":
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address)  # type: ignore[return-value]


def _page_looked_at() -> str | None:
    if request.htmx:
        return local_path(request.htmx.current_url)
    if request.method in ("GET", "HEAD"):
        return local_path(request.full_path.removesuffix("?"))
    return local_path(request.referrer)


def local_path(address: str | None) -> str | None:
    """The path and query of an address of ours; None for anything that could lead elsewhere."""
    if not address or len(address) > LONGEST_PATH:
        return None
    if "://" in address:
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        if parts.netloc != request.host:
            return None
        address = parts.path + (f"?{parts.query}" if parts.query else "")
    return address if LOCAL_PATH.fullmatch(address) else None


def load_user(token: str) -> CurrentUser | None:
    user = sessions.resume(token, touch=not is_poll())
    return CurrentUser(user, token) if user else None


def is_poll() -> bool:
    """By the view's mark, or because the page says so of itself (static/js/polling.js): it asks by a timer."""
    if request.method in SAFE_METHODS and "X-Poll" in request.headers:
        return True
    view = current_app.view_functions.get(request.endpoint or "")
    return view is not None and marks_of(view).is_poll


def actor() -> Actor:
    """Who asks, for the domain. Only behind the login."""
    signed_in = user_or_none()
    assert signed_in is not None
    return signed_in.actor


def user_or_none() -> CurrentUser | None:
    return current_user._get_current_object() if current_user.is_authenticated else None


def begin_session(user_id: int, remember: bool) -> None:
    """A fresh session under a fresh token: nothing that was put into the browser before is taken over."""
    end_session()
    token = sessions.begin(user_id, remember, request.remote_addr or "", request.user_agent.string)
    user = sessions.resume(token, touch=False)
    assert user is not None
    login_user(CurrentUser(user, token))
    session.permanent = remember


def end_session() -> None:
    """Ends it here and in the table, so that a copy of the cookie is worth nothing."""
    signed_in = user_or_none()
    if signed_in is not None:
        sessions.end(signed_in.get_id())
    logout_user()
    session.clear()
