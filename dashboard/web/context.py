"""What is every template told, and in which language and time zone does it speak?"""

from datetime import tzinfo
from functools import cached_property, lru_cache
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import get_locale

from .. import zones
from ..domain import brakes, permissions, registration, unknown_counts, user_rules
from .access import CurrentUser, user_or_none

# Kept before and beyond the sign-in, so that its page, too, is as the person wants it.
LANGUAGE_COOKIE = "vestnik_language"
THEME_COOKIE = "vestnik_theme"
LANGUAGES = (("ru", "Русский"), ("en", "English"))
# Offered for a choice, from west to east; any other one may be typed.
TIMEZONES = (
    "UTC",
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Novosibirsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
)


class Ui:
    """How the page looks to this person."""

    languages = LANGUAGES
    timezones = TIMEZONES

    @cached_property
    def language(self) -> str:
        return str(get_locale() or language())

    @cached_property
    def theme(self) -> str:
        user = user_or_none()
        chosen = user.theme if user else request.cookies.get(THEME_COOKIE)
        return chosen if chosen in user_rules.THEMES else "auto"

    @cached_property
    def timezone(self) -> str:
        return zone_name()


class May:
    """What this person may do at all; the answers are domain/permissions'. Nobody may do anything."""

    def __init__(self, user: CurrentUser | None) -> None:
        self._user = user

    @property
    def change(self) -> bool:
        return self._user is not None and permissions.may_change(self._user.actor)

    @property
    def launch(self) -> bool:
        return self._user is not None and permissions.may_launch(self._user.actor)

    @property
    def administer(self) -> bool:
        return self._user is not None and permissions.may_administer(self._user.actor)


class Asks:
    """What waits for a decision of this person? Read when a page asks; parts of pages do not."""

    def __init__(self, user: CurrentUser | None) -> None:
        self._user = user

    @cached_property
    def unknown(self) -> int:
        """Messages of which nobody knows whether they arrived."""
        return unknown_counts.total(self._user.actor) if self._user else 0

    @cached_property
    def waiting(self) -> int:
        """Registrations, for who may approve them."""
        user = self._user
        if user is None or not permissions.may_administer(user.actor):
            return 0
        return registration.counted(user.actor, is_waiting=True)[0]


class ServiceState:
    """Has sending stopped? Read when a page asks; most parts of pages do not."""

    @property
    def halted(self) -> bool:
        """A person, or the service itself, has stopped everything."""
        return self.brakes.stopped_at is not None

    @property
    def stopped(self) -> bool:
        """The gateway is in trouble."""
        return self.brakes.breaker_opened_at is not None

    @cached_property
    def brakes(self) -> brakes.Brakes:
        return brakes.standing()


def init_app(app: Flask) -> None:
    app.context_processor(told)
    app.add_template_global(sprite)


def told() -> dict[str, Any]:
    """Beside Flask-Login's `current_user`."""
    return {
        "ui": Ui(),
        "may": May(user_or_none()),
        "asks": Asks(user_or_none()),
        "service": ServiceState(),
        "oidc": current_app.config["SETTINGS"].oidc,
        "passwords_open": current_app.config["SETTINGS"].passwords_open,
        "has_mail": has_mail(),
        "simulated": current_app.config["SETTINGS"].simulated,
    }


def has_mail() -> bool:
    """Do letters leave this installation?"""
    return bool(current_app.config["SETTINGS"].smtp_url)


def sprite() -> str:
    """The address of all signs. A page shows twenty, and each time it would take as long as a filled-in cell."""
    return _sprite(request.script_root)


@lru_cache(maxsize=8)
def _sprite(_root: str) -> str:
    """`_root`: where a proxy has put the application."""
    return url_for("static", filename="img/icons.svg")


def language() -> str:
    """The user's; else the one chosen on this browser, the one the browser asks for, the installation's."""
    user = user_or_none()
    chosen = user.language if user else request.cookies.get(LANGUAGE_COOKIE)
    if chosen in user_rules.LANGUAGES:
        return str(chosen)
    default = current_app.config["SETTINGS"].language
    return request.accept_languages.best_match(user_rules.LANGUAGES, default) or default


def timezone() -> tzinfo:
    return zones.zone(zone_name())


def zone_name() -> str:
    user = user_or_none()
    return user.timezone if user else current_app.config["SETTINGS"].timezone
