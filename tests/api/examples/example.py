"""What is an example of another API, and what do several of them have in common?

Each example in its own words: `body` has its fields, docs/api.md (section of `document`) says them in ours. Where
it carries a value that is forbidden here, it stands twice: as it is, refused, and with that value mended.
"""

from dataclasses import dataclass, field
from typing import Any

from dashboard.models import Role

Fields = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """`of`: the thing that its address is about. `adding`: what only we need. `faults`: field and code of each."""

    document: str
    name: str
    theirs: str
    body: Fields | None = None
    of: str = ""
    adding: Fields = field(default_factory=dict)
    by: Role = Role.OPERATOR
    gives: int = 200
    answer: Any = None
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.document}: {self.name}"


ANY_PAGE = {"items": list, "next": object}
PAIR = {"access": str, "refresh": str}
# Theirs have no title, and start by themselves.
LAUNCHED = {"title": "From another program", "launch": True}
AHEAD = {"start_at": "2030-07-18 10:00:00", "end_at": "2030-07-20 18:00:00"}

CLIENT = {"phone_number": "79131111111", "operator_code": "913", "tag": "new_client", "timezone": "GMT+3"}
WHOLE = AHEAD | {"title": "Anew", "text": "Здравствуйте!"}
