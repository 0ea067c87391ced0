"""Where does one go on from an answer? From a thing that was made, or stands first in a list."""

import re
from collections.abc import Sequence
from typing import Any

from .operations import Operation

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def add(operations: Sequence[Operation]) -> None:
    """To `links` of the answers."""
    for operation in operations:
        if "{" in operation.path:
            continue
        status, success = operation.success
        where = {"201": "/id", "200": "/items/0/id"}.get(status)
        if where is None or (status == "200" and not _is_list(operation)):
            continue
        found = {
            after.id: {"operationId": after.id, "parameters": {_name(after): f"$response.body#{where}"}}
            for after in operations
            if after.path.startswith(operation.path + "/{") and after.path.count("{") == 1
        }
        if found:
            success["links"] = found


def schema_of(said: dict[str, Any]) -> Any:
    """Of an operation's answer in JSON; None if it has none."""
    for status, response in said.get("responses", {}).items():
        if str(status).startswith("2"):
            return response.get("content", {}).get("application/json", {}).get("schema")
    return None


def _name(operation: Operation) -> str:
    match = PLACEHOLDER.search(operation.path)
    assert match
    return match[1]


def _is_list(operation: Operation) -> bool:
    """Of things that have numbers."""
    for medium in operation.success[1].get("content", {}).values():
        items = medium["example"].get("items", []) if isinstance(medium["example"], dict) else []
        return operation.method == "get" and any("id" in each for each in items)
    return False
