"""Which extensions serve the pages, and how are they set up?"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app
from flask_babel import Babel, get_locale, get_translations
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx

from ..domain import sessions
from . import access, context

# Everything a page needs comes from our own static files; nothing runs or styles inline.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
# A Redis that does not answer must not hold up a sign-in.
REDIS_TIMEOUT_SECONDS = 1

babel = Babel()
csrf = CSRFProtect()
htmx = Htmx()
login = LoginManager()
talisman = Talisman()
# Counts in Redis, and in this process while Redis is away: a brake that fails must not shut the door.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, swallow_errors=True)


def was_refused(response: Response) -> bool:
    """What `deduct_when` counts: a form that came back with what is wrong (respond.page)."""
    return response.status_code == 422


def creates(view: Callable[..., Any]) -> Callable[..., Any]:
    """What may be made in a minute, by user or address, is limited as in the API (API_CREATE_RATE_LIMIT)."""
    return limiter.limit(_create_rate, key_func=_maker, methods=["POST"])(view)


def _create_rate() -> str:
    return str(current_app.config["SETTINGS"].api_create_rate_limit)


def _maker() -> str:
    user = access.user_or_none()
    return f"user:{user.id}" if user else get_remote_address()


def init_app(app: Flask, is_elsewhere: Callable[[str], bool]) -> None:
    """The order counts: who is not signed in is sent to the sign-in page before their form is judged."""
    htmx.init_app(app)
    _init_headers(app)
    _init_login(app)
    access.init_app(app, is_elsewhere)
    csrf.init_app(app)
    _init_limiter(app)
    babel.init_app(app, locale_selector=context.language, timezone_selector=context.timezone)
    _speak_quickly(app)


def _init_headers(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    talisman.init_app(
        app,
        content_security_policy=CONTENT_SECURITY_POLICY,
        # In production a proxy ends TLS and redirects; the certificate is its business.
        force_https=False,
        strict_transport_security=settings.production,
        session_cookie_secure=settings.production,
        session_cookie_samesite=app.config["SESSION_COOKIE_SAMESITE"],
        frame_options="DENY",
        referrer_policy="same-origin",
    )


def _init_login(app: Flask) -> None:
    login.init_app(app)
    # The session is a row of our own, bound to a token; Flask-Login's guesses by address are not needed.
    login.session_protection = None
    login.user_loader(access.load_user)
    # A remembered session's cookie lives as long as its row, by which it is judged.
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.IDLE_REMEMBERED


def _init_limiter(app: Flask) -> None:
    app.config.setdefault("RATELIMIT_STORAGE_URI", _storage_address(app.config["SETTINGS"].redis_url))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", _storage_options())
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "vestnik")
    limiter.init_app(app)


def _storage_address(redis_url: str) -> str:
    """The library behind Flask-Limiter has its own word for a unix socket."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url


def _storage_options() -> dict[str, Any]:
    return {"socket_connect_timeout": REDIS_TIMEOUT_SECONDS, "socket_timeout": REDIS_TIMEOUT_SECONDS}


def _speak_quickly(app: Flask) -> None:
    """Templates keep each language's catalogue: Flask-Babel looks for it anew for each word, which takes longer
    than the word itself, and a poll says eighty."""
    catalogues: dict[str, Any] = {}

    def catalogue() -> Any:
        locale = get_locale()
        name = str(locale.language) if locale else ""
        if name not in catalogues:
            catalogues[name] = get_translations()
        return catalogues[name]

    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, count: catalogue().ungettext(one, many, count),
        pgettext=lambda about, text: catalogue().upgettext(about, text),
        npgettext=lambda about, one, many, count: catalogue().unpgettext(about, one, many, count),
        newstyle=True,
    )
