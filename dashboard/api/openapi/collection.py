"""Which requests show all of the API in one run? A collection for Postman (v2.1), which other programs read, too.

Its order is a story that works from the first request to the last, on an empty installation as on a full one, and
leaves nothing behind but a cancelled mailing. What later requests need, tests of earlier ones put into variables.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from .steps import LAST, STEPS, Step

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
VARIABLES = {
    "base_url": "http://127.0.0.1:8000",
    "username": "an administrator's name",
    "password": "",
}
FORM, EDGE = "multipart/form-data", "vestnik-collection"
METHODS = ("get", "post", "put", "patch", "delete")
# In a body: a number, not a text.
BARE = re.compile(r'"\{\{#(\w+)\}\}"')
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Times that suit whenever it runs: it starts at once, and nobody's window is open for the next two hours.
BEFORE_EACH = """\
const later = (minutes) => new Date(Date.now() + minutes * 60000).toISOString();
pm.collectionVariables.set("now", later(0));
pm.collectionVariables.set("tomorrow", later(24 * 60));
pm.collectionVariables.set("next_week", later(7 * 24 * 60));
pm.collectionVariables.set("window_from", later(120).slice(11, 16));
pm.collectionVariables.set("window_to", later(180).slice(11, 16));
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An operation of the description."""

    path: str
    method: str
    said: dict[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.said["operationId"])

    @property
    def success(self) -> int:
        return next(int(status) for status in self.said["responses"] if status.startswith("2"))

    @property
    def tag(self) -> str:
        return str(self.said["tags"][0])

    @property
    def media(self) -> dict[str, Any]:
        """What may be sent, by type."""
        found: dict[str, Any] = self.said.get("requestBody", {}).get("content", {})
        return found


def of(document: dict[str, Any]) -> dict[str, Any]:
    """From the description."""
    known = {
        said[method]["operationId"]: _Asked(path, method, said[method])
        for path, said in document["paths"].items()
        for method in METHODS
        if method in said
    }
    told = {step.operation for step in (*STEPS, *LAST)}
    others = [_by_itself(asked) for asked in known.values() if asked.id not in told]
    steps = [(known[step.operation], step) for step in (*STEPS, *others, *LAST) if step.operation in known]
    return {
        "info": {
            "name": document["info"]["title"],
            "description": "Set base_url, username and password (an administrator's); run it from top to bottom.",
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{access}}", "type": "string"}]},
        "variable": [{"key": key, "value": value} for key, value in VARIABLES.items()],
        "event": [_script("prerequest", BEFORE_EACH.splitlines())],
        "item": [
            {"name": tag, "item": [_item(asked, step) for asked, step in group]}
            for tag, group in groupby(steps, lambda pair: pair[0].tag)
        ],
    }


def _by_itself(asked: _Asked) -> Step:
    """What the story does not tell is asked for as its example has it."""
    saves = {_name_for_id(asked): "id"} if asked.success == 201 else {}
    return Step(asked.id, saves=saves)


def _name_for_id(asked: _Asked) -> str:
    """client_id, of /clients."""
    return asked.path.rpartition("/")[2].replace("-", "_").removesuffix("s") + "_id"


def _item(asked: _Asked, step: Step) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": asked.method.upper(),
        "description": asked.said.get("description", ""),
        "header": [{"key": "Accept-Language", "value": "en"}],
        "url": _url(asked, step),
    }
    if not asked.said["security"]:
        request["auth"] = {"type": "noauth"}
    body = _body(asked, step)
    if body is not None:
        medium = next(iter(asked.media))
        is_form = medium == FORM
        request["header"].append(
            {"key": "Content-Type", "value": f"{FORM}; boundary={EDGE}" if is_form else medium}
        )
        text = _form(body) if is_form else BARE.sub(r"{{\1}}", json.dumps(body, ensure_ascii=False, indent=2))
        language = "text" if is_form else "json"
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": language}}}
    name = asked.said["summary"] + (f": {step.note}" if step.note else "")
    return {"name": name, "request": request, "response": [], "event": [_script("test", _checks(asked, step))]}


def _body(asked: _Asked, step: Step) -> Any:
    if step.body is not None:
        return step.body
    return next((medium["example"] for medium in asked.media.values()), None)


def _form(fields: dict[str, str]) -> str:
    """A form with a file, written out: a collection cannot carry a file beside it."""
    parts = []
    for name, value in fields.items():
        filename = '; filename="clients.csv"' if name == "file" else ""
        parts.append(f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n{value}\r\n')
    return "".join(parts) + f"--{EDGE}--\r\n"


def _url(asked: _Asked, step: Step) -> dict[str, Any]:
    path = PLACEHOLDER.sub(r"{{\1}}", asked.path)
    query = [{"key": key, "value": value} for key, value in step.query.items()]
    asked_for = "&".join(f"{key}={value}" for key, value in step.query.items())
    text = "{{base_url}}" + path + (f"?{asked_for}" if asked_for else "")
    return {"raw": text, "host": ["{{base_url}}"], "path": path.strip("/").split("/"), "query": query}


def _checks(asked: _Asked, step: Step) -> Iterable[str]:
    """JavaScript: what is expected, and what is kept."""
    wanted = step.status or asked.success
    statuses = list(wanted) if isinstance(wanted, tuple) else [wanted]
    says = " or ".join(map(str, statuses))
    yield f'pm.test("{asked.id} answers {says}", () => pm.expect(pm.response.code).to.be.oneOf({statuses}));'
    for variable, path in step.saves.items():
        yield f'pm.collectionVariables.set("{variable}", pm.response.json().{path});'


def _script(listen: str, lines: Iterable[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}
