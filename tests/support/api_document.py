"""What does docs/api.md say, in a form that a test can hold it to?"""

import re
from dataclasses import dataclass
from typing import Any

from config import ROOT

METHODS = re.compile(r"([A-Z, ]+) (/.*)")
# Pages for people beside the API; tests/journeys look at them.
PAGES = ("`/docs/`", "`/redoc/`", "the page `/`")
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Document:
    """The text between one heading and the next."""

    text: str

    @property
    def tables(self) -> list[list[list[str]]]:
        """Each a list of rows, the first of which heads the columns."""
        found: list[list[list[str]]] = []
        was_row = False
        for line in self.text.splitlines():
            is_row = line.startswith("|")
            if is_row and not set(line) <= set("|-"):
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                found = [*found[:-1], [*found[-1], cells]] if was_row else [*found, [cells]]
            was_row = is_row
        return found

    def blocks(self, language: str) -> str:
        """All fenced blocks in this language, one after the other."""
        return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL))


def section(heading: str) -> Document:
    text = (ROOT / "docs" / "api.md").read_text()
    found = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^## |^### |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return Document(found[1])


@dataclass(frozen=True)
class Mapping:
    """How another API's requests are said here, by the two tables below its name."""

    addresses: dict[str, str]
    fields: dict[str, str]

    def translated(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is refused keeps its name; `filter.tags[]` is a list, also of one."""
        ours: dict[str, Any] = {}
        for name, value in _flat(body):
            place = self.fields[name]
            *path, last = (name if place == "—" else place).removesuffix("[]").split(".")
            inner = ours
            for step in path:
                inner = inner.setdefault(step, {})
            inner[last] = [value] if place.endswith("[]") and not isinstance(value, list | None) else value
        return ours


def mapping(heading: str) -> Mapping:
    addresses, *rest = section(heading).tables
    return Mapping(dict(_addresses(addresses[1:])), dict(_fields(rest[0][1:])) if rest else {})


def _addresses(rows: list[list[str]]) -> list[tuple[str, str]]:
    """`GET /clients/` → `GET /clients`, a pair for each method."""
    found = []
    for theirs, ours, _remark in rows:
        said = METHODS.fullmatch(theirs.strip("`"))
        if said is None or ours in PAGES:
            continue  # a file, or a page
        for method in said[1].split(", "):
            other = METHODS.fullmatch(ours.strip("`"))
            found.append((f"{method} {said[2]}", other[0] if other else f"{method} {ours.strip('`')}"))
    return found


def _fields(rows: list[list[str]]) -> list[tuple[str, str]]:
    found = []
    for theirs, ours, _remark in rows:
        for name in CODE.findall(theirs):
            place = CODE.findall(ours)
            found.append((name, place[0] if place else name if ours == "the same" else "—"))
    return found


def _flat(body: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    flat = []
    for name, value in body.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{before}{name}.")
        else:
            flat.append((before + name, value))
    return flat
