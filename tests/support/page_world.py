"""What is there for the pages to be asked about? Things of one owner, made anew for each question.

A new address of the pages is covered once `OBJECTS` knows how to make what its arguments stand for. `NAMED` says
how a thing is named where the path says nothing of it: in what is asked for, or in what is sent. Who may do it
follows from the rules in tests/security/test_page_ownership.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import select

from dashboard.api import is_ours
from dashboard.database import db
from dashboard.domain import client_bulk, sessions, trials
from dashboard.domain.client_bulk import Selection
from dashboard.domain.permissions import Actor
from dashboard.gateway import Verdict
from dashboard.models import Client, ClientVerb, UserSession

from . import api_world
from .engine import ScriptedGateway, deliver, make_draft, messages_of, saying

# Method and endpoint: ("GET", "clients.show").
Route = tuple[str, str]


@dataclass(frozen=True)
class Question:
    method: str
    path: str
    sent: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Naming:
    """What is asked for in the address, and what is sent by the form, of a thing with this number."""

    thing: Callable[[Actor], int]
    asked: Callable[[int], dict[str, Any]] = lambda _id: {}
    sent: Callable[[int], dict[str, Any]] = lambda _id: {}


def routes(app: Flask) -> dict[Route, str]:
    """The rules of all addresses for people."""
    return {
        (method, rule.endpoint): rule.rule
        for rule in app.url_map.iter_rules()
        if not is_ours(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def a_change(owner: Actor) -> int:
    """That waits."""
    selection = Selection(ids=(api_world.a_client(owner),))
    return client_bulk.begin(owner, ClientVerb.ADD_TAG, selection, client_bulk.extent(owner, selection), "vip")


def a_trial(owner: Actor) -> int:
    return trials.begin(owner, make_draft(title=api_world.TITLE), owner.id, api_world.a_phone())


def an_unknown_message(owner: Actor) -> int:
    mailing_id = api_world.one_that_runs(owner)
    deliver(ScriptedGateway(saying(Verdict.UNCERTAIN, "timeout")))
    return messages_of(mailing_id)[0].id


def a_listed_client(owner: Actor) -> int:
    listed = api_world.listed_phone(owner)["phone_number"]
    return db.session.scalars(select(Client.id).where(Client.phone == listed, Client.owner_id == owner.id)).one()


def a_session(owner: Actor) -> int:
    """Of another browser's."""
    sessions.begin(owner.id, remember=False)
    return db.session.scalars(select(UserSession.id).order_by(UserSession.id.desc())).first() or 0


def phone_of(client_id: int) -> str:
    return str(db.session.get_one(Client, client_id).phone)


# What an argument stands for, unless an address wants one in a state of its own.
OBJECTS: dict[str, Callable[[Actor], int | str]] = {
    **api_world.OBJECTS,
    "change_id": a_change,
    "session_id": a_session,
    "trial_id": a_trial,
    "filename": lambda _owner: "img/mark.svg",
    "token": lambda _owner: "nonsense",
}
OBJECTS_OF: dict[Route, Callable[[Actor], int]] = {
    ("POST", "mailings.unschedule"): api_world.one_that_is_scheduled,
    ("POST", "mailings.pause"): api_world.one_that_runs,
    ("POST", "mailings.cancel"): api_world.one_that_runs,
    ("POST", "mailings.resume"): api_world.one_that_rests,
}
# Whose things they are does not stand in the path.
NAMED: dict[Route, Naming] = {
    ("GET", "clients.bulk"): Naming(api_world.a_client, asked=lambda id_: {"verb": "delete", "id": id_}),
    ("POST", "clients.begin_bulk"): Naming(
        api_world.a_client, sent=lambda id_: {"verb": "delete", "id": id_, "count": 1, "through": id_}
    ),
    ("POST", "mailings.discard"): Naming(api_world.a_draft, asked=lambda id_: {"mailing_id": id_}),
    ("POST", "mailings.keep"): Naming(api_world.a_draft, asked=lambda id_: {"mailing_id": id_}),
    ("POST", "mailings.preview"): Naming(api_world.a_draft, asked=lambda id_: {"mailing_id": id_}),
    ("POST", "mailings.send_trial"): Naming(api_world.a_draft, asked=lambda id_: {"mailing_id": id_}),
    ("GET", "single_messages.new"): Naming(api_world.a_client, asked=lambda id_: {"client": id_}),
    ("POST", "single_messages.new"): Naming(
        api_world.one_that_runs, sent=lambda id_: {"mailing": id_, "phone": api_world.a_phone()}
    ),
    ("POST", "single_messages.preview"): Naming(
        api_world.one_that_runs, sent=lambda id_: {"mailing": id_, "phone": api_world.a_phone()}
    ),
    ("POST", "stop_list.remove"): Naming(a_listed_client, sent=lambda id_: {"phone": phone_of(id_)}),
    ("GET", "unknowns.ask"): Naming(an_unknown_message, asked=lambda id_: {"resend": id_}),
    ("POST", "unknowns.decide"): Naming(an_unknown_message, asked=lambda id_: {"resend": id_}),
}


def question(route: Route, rule: str, owner: Actor, looked_at: dict[str, int | str]) -> Question:
    """What would do it to something of the owner's. KeyError: not covered. Needs an application context.

    `looked_at` keeps what has been made to be looked at only, which may be done again and again.
    """
    method, _endpoint = route
    path = rule
    for converter, name in re.findall(r"<(?:([^:<>]*):)?(\w+)>", rule):
        if method != "GET" or name not in looked_at:
            looked_at[name] = (OBJECTS_OF.get(route) or OBJECTS[name])(owner)
        made = looked_at[name]
        path = path.replace(f"<{converter}:{name}>" if converter else f"<{name}>", str(made))
    naming = NAMED.get(route)
    if naming is None:
        return Question(method, path)
    thing = naming.thing(owner)
    asked = naming.asked(thing)
    return Question(method, f"{path}?{urlencode(asked)}" if asked else path, naming.sent(thing))
