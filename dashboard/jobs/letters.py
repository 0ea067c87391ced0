"""What does a letter say? Its two sides come from templates/mail, in the language of whoever reads it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from babel import dates
from flask import current_app
from flask_babel import force_locale

from .. import mail, zones
from ..domain import digest, password_changes, users
from ..domain.mails import Due
from ..domain.users import User
from ..mail import Letter, MailServer

# What the templates of a kind are told beside `user`, `address` (of the dashboard) and the row's params.
Content = dict[str, Any]


def deliver(due: Due) -> None:
    """Write and send one letter; nothing for one that has become pointless. Raises MailError."""
    settings = current_app.config["SETTINGS"]
    letter = write(due)
    if letter is not None:
        mail.send(MailServer.of(settings.smtp_url, settings.mail_from), letter)


def write(due: Due) -> Letter | None:
    """None: there is nobody any more whom it is for."""
    user = password_changes.recipient(due.address) if due.user_id is None else users.active(due.user_id)
    if user is None:
        return None
    base = current_app.config["SETTINGS"].public_address
    more = CONTENTS[due.kind](user, base) if due.kind in CONTENTS else {}
    told = {"user": user, "address": base, **due.params, **more}
    with force_locale(user.language):
        text = current_app.jinja_env.get_template(f"mail/{due.kind}.txt").make_module(told)
        html = current_app.jinja_env.get_template(f"mail/{due.kind}.html").render(
            told,
            language=user.language,
            subject=str(text.subject),  # type: ignore[attr-defined]
        )
    subject = " ".join(str(text.subject).split())  # type: ignore[attr-defined]
    return Letter(to=due.address, subject=subject, text=str(text).strip() + "\n", html=html)


def _link(user: User, base: str) -> Content:
    """Made here, so that it lies in no table before it is sent."""
    return {"link": link(base, password_changes.issue(user.id, password_changes.MAILED))}


def _invitation(user: User, base: str) -> Content:
    return {"link": link(base, password_changes.issue(user.id, password_changes.HANDED))}


def link(base: str, token: str) -> str:
    """At which a password is set (web/passwords)."""
    return f"{base}/password/{token}"


def _digest(user: User, _base: str) -> Content:
    """How its day and instants are written."""
    zone = zones.zone(user.timezone)

    def moment(instant: str) -> str:
        local = datetime.fromisoformat(instant).astimezone(zone)
        return str(dates.format_datetime(local, "d MMMM y, HH:mm", locale=user.language))

    def worded_day(day: str) -> str:
        return str(dates.format_date(date.fromisoformat(day), "long", locale=user.language))

    return {"moment": moment, "worded_day": worded_day}


CONTENTS: dict[str, Callable[[User, str], Content]] = {
    "password_forgotten": _link,
    password_changes.INVITATION: _invitation,
    digest.KIND: _digest,
}
