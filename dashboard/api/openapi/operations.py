"""What holds for an operation because of where it stands and how it is marked?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from ...marks import SAFE_METHODS, Marks, marks_of
from ...models import Scope
from ..access import scope_of
from ..resources import WITH_BODY, Resource

METHODS = ("get", "post", "put", "patch", "delete")
PLACEHOLDER = re.compile(r"<(?:[^<>]*:)?(\w+)>")
# What else may be refused here, and why is to be read in the view.
ALSO_REFUSED: dict[str, frozenset[int]] = {
    "api_token.sign_in": frozenset({401, 403}),
    "api_token.refresh": frozenset({401}),
    "api_token.verify": frozenset({401}),
    "api_tokens.index": frozenset({404}),
    "api_tokens.make": frozenset({404}),
    "api_users.register": frozenset({403, 409}),
    "api_messages.index": frozenset({404}),
    "api_messages.create": frozenset({404}),
    "api_stop_list.remove": frozenset({404}),
}
# Changed whatever state they are in.
NEVER_IN_THE_WAY = frozenset({"api_clients.put", "api_clients.patch", "api_clients.delete", "api_tokens.end"})
WORDS = {"index": "list", "show": "get"}
# Where the address says better than the view what is meant.
NAMES = {
    "api_index.show": "index",
    "api_messages.change": "messages_patch",
    "api_mailings.of_one": "mailings_statistics",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` as the description writes it; `said` is what it says so far, and is added to."""

    path: str
    method: str
    endpoint: str
    marks: Marks
    scope: Scope
    resource: Resource
    said: dict[str, Any]

    @property
    def id(self) -> str:
        """Good for a function's name in any language: clients_list."""
        subject, _, view = self.endpoint.removeprefix("api_").partition(".")
        return NAMES.get(self.endpoint) or f"{subject}_{WORDS.get(view, view)}"

    @property
    def tag(self) -> str:
        return tag_of(self.resource)

    @property
    def is_safe(self) -> bool:
        return self.method.upper() in SAFE_METHODS

    @property
    def may_be_repeated_by_key(self) -> bool:
        return self.method == "post" and not self.marks.is_open

    @property
    def success(self) -> tuple[str, dict[str, Any]]:
        """The status and what is said of it."""
        return self.successes[0]

    @property
    def successes(self) -> list[tuple[str, dict[str, Any]]]:
        return sorted((status, said) for status, said in self.said["responses"].items() if status.startswith("2"))


def of(app: Flask, paths: dict[str, Any]) -> Iterator[Operation]:
    """In the order of the paths, and for each in the order of METHODS."""
    rules: dict[tuple[str, str], Rule] = {
        (PLACEHOLDER.sub(r"{\1}", rule.rule), method.lower()): rule
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, said in paths.items():
        for method in METHODS:
            if method in said:
                endpoint = rules[path, method].endpoint
                resource = app.blueprints[endpoint.partition(".")[0]]
                assert isinstance(resource, Resource)
                view = app.view_functions[endpoint]
                scope = scope_of(view, method.upper())
                yield Operation(path, method, endpoint, marks_of(view), scope, resource, said[method])


def tag_of(resource: Resource) -> str:
    """As a heading: Stop list."""
    return str(resource.name).removeprefix("api_").replace("_", " ").capitalize()


def refusals(operation: Operation, has_version: bool) -> set[int]:
    """With which statuses it may be refused."""
    found = {422, 429} | ALSO_REFUSED.get(operation.endpoint, frozenset())
    if not operation.marks.is_open:
        found |= {401, 403}
    if operation.method.upper() in WITH_BODY:
        found |= {400, 413, 415}
    if operation.may_be_repeated_by_key:
        found |= {409}
    if "{" in operation.path:
        found |= {404}
        if not operation.is_safe and operation.endpoint not in NEVER_IN_THE_WAY:
            found |= {409}
    if has_version and not operation.is_safe:
        found |= {412}
    return found


def who_may(operation: Operation) -> str:
    """In words."""
    if operation.marks.is_open:
        return "Open to all."
    scope = f"Needs the scope `{operation.scope.value}`"
    if operation.marks.rule is not None:
        return f"{scope}, and is for administrators."
    if operation.is_safe or operation.marks.is_own:
        return f"{scope}."
    return f"{scope}; viewers may not."
