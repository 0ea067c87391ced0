"""What is there for the API to be asked about? Things of one owner, made anew for each question.

A new address of the API is covered once OBJECTS knows how to make what its arguments stand for, and BODIES what is
sent to it; who may do it follows from the rules in tests/api/test_ownership.py.
"""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from flask import Flask, current_app

from dashboard import clock
from dashboard.api import is_ours
from dashboard.domain import api_tokens, imports, mailings, registration, stop_list
from dashboard.domain.imports import Mapping, MappingDraft, Upload
from dashboard.domain.permissions import Actor
from dashboard.domain.registration import Policy, Registration
from dashboard.domain.webhooks import endpoints
from dashboard.domain.webhooks.endpoints import EndpointDraft
from dashboard.models import KnownPhones, Scope
from tests.factories import PASSWORD
from tests.factories_clients import LIMITS, make_client, numbered
from tests.support.engine import fan_out_all, make_draft, messages_of, schedule

# Method, and the address below /api/v1, its arguments by name alone: ("GET", "/clients/<client_id>").
Route = tuple[str, str]
TITLE = "A sale that is nobody else's business"

_numbers = count(1)


def routes(app: Flask) -> list[Route]:
    """All there are, but for OPTIONS, which asks for nobody's things."""
    return sorted(
        (method, re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"<\1>", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if is_ours(rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS"}
    )


def a_phone() -> str:
    return numbered(next(_numbers))


def a_client(owner: Actor) -> int:
    return make_client(owner, a_phone(), "vip")


def a_draft(owner: Actor) -> int:
    return mailings.create(owner, make_draft(title=TITLE))


def one_that_is_scheduled(owner: Actor) -> int:
    now = clock.now()
    return schedule(owner, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))


def one_that_runs(owner: Actor) -> int:
    a_client(owner)
    return fan_out_all(owner, title=TITLE)


def one_that_rests(owner: Actor) -> int:
    mailing_id = one_that_runs(owner)
    mailings.pause(owner, mailing_id)
    return mailing_id


def a_message(owner: Actor) -> int:
    return messages_of(one_that_runs(owner))[0].id


def a_token(owner: Actor) -> int:
    return api_tokens.make(owner, "another", tuple(Scope))[0].id


def one_who_waits(_owner: Actor) -> int:
    name = f"newcomer{next(_numbers)}"
    wanted = Registration(name, f"{name}@example.com", PASSWORD, "en", "Europe/Moscow")
    return registration.register(wanted, Policy.APPROVAL).id


def a_webhook(owner: Actor) -> int:
    """The owner's only one: nobody may have many."""
    for each in endpoints.listed(owner):
        endpoints.remove(owner, each.id)
    draft = EndpointDraft("https://93.184.216.34/hooks", ("mailing.finished",))
    return endpoints.make(owner, draft, private_allowed=False)[0].id


def a_delivery(owner: Actor) -> int:
    """To that webhook."""
    return endpoints.ping(owner, endpoints.listed(owner)[0].id)


def an_import(owner: Actor) -> int:
    """Looked at, and ready to begin."""
    folder = current_app.config["SETTINGS"].imports_dir
    content, name = a_file(owner)
    with imports.received(io.BytesIO(content), folder) as path:
        import_id = imports.begin(owner, Upload(path, name), "UTC", folder, LIMITS, _as_guessed)
    imports.run(import_id, folder, LIMITS)
    return import_id


def _as_guessed(guessed: Mapping) -> MappingDraft:
    return MappingDraft(guessed, KnownPhones.UPDATE, "UTC")


def a_file(_owner: Actor) -> tuple[bytes, str]:
    return f"phone;tags\n{a_phone()};vip\n".encode(), "clients.csv"


def webhook_body(_owner: Actor) -> dict[str, Any]:
    return {"url": "https://93.184.216.34/hooks", "events": ["mailing.finished"]}


def client_body(_owner: Actor) -> dict[str, Any]:
    return {"phone_number": a_phone(), "tags": ["vip"], "timezone": "Europe/Moscow"}


def mailing_body(_owner: Actor) -> dict[str, Any]:
    return {
        "title": TITLE,
        "text": "Hello",
        "start_at": "2030-03-01T10:00:00+03:00",
        "end_at": "2030-03-02T20:00:00+03:00",
        "filter": {"tags": ["vip"], "operator_codes": None},
    }


def listed_phone(owner: Actor) -> dict[str, Any]:
    """Of a client of the owner's."""
    phone = a_phone()
    make_client(owner, phone)
    stop_list.add_many(owner, [phone])
    return {"phone_number": phone}


# What an argument stands for, unless an address wants one in a state of its own.
OBJECTS: dict[str, Callable[[Actor], int]] = {
    "client_id": a_client,
    "import_id": an_import,
    "mailing_id": a_draft,
    "message_id": a_message,
    "token_id": a_token,
    "user_id": one_who_waits,
    "webhook_id": a_webhook,
    "delivery_id": a_delivery,
}
OBJECTS_OF: dict[Route, Callable[[Actor], int]] = {
    ("POST", "/mailings/<mailing_id>/unschedule"): one_that_is_scheduled,
    ("POST", "/mailings/<mailing_id>/pause"): one_that_runs,
    ("POST", "/mailings/<mailing_id>/cancel"): one_that_runs,
    ("POST", "/mailings/<mailing_id>/resume"): one_that_rests,
}
# What is sent to each address that changes something; None: nothing.
BODIES: dict[Route, Callable[[Actor], Any] | None] = {
    ("POST", "/clients"): client_body,
    ("POST", "/clients/bulk"): lambda owner: {"clients": [client_body(owner)]},
    ("PUT", "/clients/<client_id>"): client_body,
    ("PATCH", "/clients/<client_id>"): lambda _owner: {"tags": ["vip"]},
    ("DELETE", "/clients/<client_id>"): None,
    ("POST", "/erasures"): lambda _owner: {"phone_number": a_phone()},
    ("POST", "/imports"): a_file,
    ("PATCH", "/imports/<import_id>"): lambda _owner: {"timezone": "Asia/Omsk"},
    ("POST", "/imports/<import_id>/start"): None,
    ("POST", "/imports/<import_id>/cancel"): None,
    ("POST", "/mailings"): mailing_body,
    ("POST", "/mailings/preview"): mailing_body,
    ("POST", "/mailings/process-due"): None,
    ("PUT", "/mailings/<mailing_id>"): mailing_body,
    ("PATCH", "/mailings/<mailing_id>"): lambda _owner: {"title": TITLE},
    ("DELETE", "/mailings/<mailing_id>"): None,
    **{
        ("POST", f"/mailings/<mailing_id>/{verb}"): None
        for verb in ("launch", "unschedule", "pause", "resume", "cancel", "approve")
    },
    ("POST", "/mailings/<mailing_id>/resend"): lambda _owner: {"reasons": ["timeout"]},
    ("POST", "/messages"): lambda owner: {"mailing_id": one_that_runs(owner), "client_id": a_client(owner)},
    ("PUT", "/messages/<message_id>"): lambda _owner: {"text": "Hello again"},
    ("PATCH", "/messages/<message_id>"): lambda _owner: {"text": "Hello again"},
    ("DELETE", "/messages/<message_id>"): None,
    ("POST", "/sample-clients"): lambda _owner: {"count": 3},
    ("DELETE", "/sample-clients"): None,
    ("POST", "/stop-list"): lambda _owner: {"phone_numbers": [a_phone()]},
    ("POST", "/stop-list/remove"): listed_phone,
    ("POST", "/token"): lambda _owner: {"username": "nobody", "password": "wrong"},
    ("POST", "/token/refresh"): lambda _owner: {"refresh": "nonsense"},
    ("POST", "/token/verify"): lambda _owner: {"token": "nonsense"},
    ("POST", "/token/revoke"): lambda _owner: {"token": "nonsense"},
    ("POST", "/tokens"): lambda _owner: {"name": "another", "scopes": ["read"]},
    ("DELETE", "/tokens/<token_id>"): None,
    ("POST", "/users/register"): lambda _owner: {"name": "", "email": "", "password": ""},
    ("POST", "/users/<user_id>/approve"): None,
    ("POST", "/users/<user_id>/refuse"): None,
    ("POST", "/webhooks"): webhook_body,
    ("PUT", "/webhooks/<webhook_id>"): webhook_body,
    ("PATCH", "/webhooks/<webhook_id>"): lambda _owner: {"description": "CRM"},
    ("DELETE", "/webhooks/<webhook_id>"): None,
    ("POST", "/webhooks/<webhook_id>/rotate-secret"): None,
    ("POST", "/webhooks/<webhook_id>/ping"): None,
    ("POST", "/webhooks/<webhook_id>/deliveries/<delivery_id>/resend"): None,
}


def request_for(route: Route, owner: Actor) -> tuple[str, str, Any]:
    """Method, path and body of a request that would do it to something of the owner's. KeyError: not covered."""
    method, path = route
    for name in re.findall(r"<(\w+)>", path):
        made = (OBJECTS_OF.get(route) or OBJECTS[name])(owner)
        path = path.replace(f"<{name}>", str(made))
    body = None if method in ("GET", "HEAD") else BODIES[route]
    return method, path, body and body(owner)
