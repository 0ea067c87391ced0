"""Why was a verb refused? A small family of errors; each edge turns them into its own answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default_field


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one input field; `code` is worded by the templates, `params` fill the wording in."""

    field: str
    code: str
    params: Mapping[str, str | int] = default_field(default_factory=dict)


class DomainError(Exception):
    """A verb was refused, and nothing was changed."""


class NotFound(DomainError):
    """There is no such object, or not for this actor: the two look alike on purpose."""


class Forbidden(DomainError):
    """The actor's role does not allow it; `code` says why, where that is not the role alone."""

    def __init__(self, code: str | None = None) -> None:
        super().__init__(code or "")
        self.code = code


class Conflict(DomainError):
    """The object's state does not allow it, or somebody was quicker; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Invalid(DomainError):
    """The input has faults, each with its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(f"{problem.field}: {problem.code}" for problem in problems))
        self.problems = tuple(problems)
