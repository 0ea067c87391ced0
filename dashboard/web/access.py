"""May this person open this address? One hook asks it of every request; views only carry marks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, redirect, session, url_for
from flask_login import UserMixin, current_user, login_user, logout_user
from htmx_flask import request

from ..domain import sessions
from ..domain.errors import Forbidden
from ..domain.permissions import Actor
from ..domain.users import User
from ..marks import SAFE_METHODS, View, kept_by, marks_of, open_to_all, rule_of

# A path of our own: `//host` and `/\host` would lead elsewhere, control characters are dropped by browsers.
LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f]*")
LONGEST_PATH = 2000


@dataclass(slots=True)
class PageMarks:
    """What only a page's view says; whom it is for is said by marks.Marks."""

    is_poll: bool = False


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


def poll(view: View) -> View:
    """Asked for again and again by an open page, so it is no sign of life: the login is not prolonged."""
    page_marks_of(view).is_poll = True
    return view


def page_marks_of(view: Callable[..., Any]) -> PageMarks:
    return kept_by(view, PageMarks)


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
    rule = rule_of(view, request.method)
    if rule is not None and not rule(actor()):
        raise Forbidden
    return None


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
    return view is not None and page_marks_of(view).is_poll


def actor() -> Actor:
    """Who asks, for the domain. Only behind the login."""
    return signed_in().actor


def signed_in() -> CurrentUser:
    """Only behind the login."""
    user = user_or_none()
    assert user is not None
    return user


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
    user = user_or_none()
    if user is not None:
        sessions.end(user.get_id())
    logout_user()
    session.clear()
