"""What does a view say about who may call it? Pages and the API mark alike; the guard of each reads the marks.

Unmarked, a view is for those who are signed in, and its unsafe methods for those who may change things.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .domain.permissions import Actor, may_change

View = TypeVar("View", bound=Callable[..., Any])
Kind = TypeVar("Kind")
Rule = Callable[[Actor], bool]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Marks:
    is_open: bool = False
    is_own: bool = False
    rule: Rule | None = None


def open_to_all(view: View) -> View:
    """Nobody is asked who they are."""
    marks_of(view).is_open = True
    return view


def own_account(view: View) -> View:
    """Unsafe methods touch nothing but the user's own account: viewers may, too."""
    marks_of(view).is_own = True
    return view


def requires(rule: Rule) -> Callable[[View], View]:
    """Every method, safe ones too, is for those whom this rule of domain/permissions allows."""

    def mark(view: View) -> View:
        marks_of(view).rule = rule
        return view

    return mark


requires_change = requires(may_change)


def rule_of(view: Callable[..., Any], method: str) -> Rule | None:
    """Whom this method of the view is for; None: everybody who is signed in."""
    marks = marks_of(view)
    return marks.rule or (None if method in SAFE_METHODS or marks.is_own else may_change)


def marks_of(view: Callable[..., Any]) -> Marks:
    return kept_by(view, Marks)


def kept_by(view: Callable[..., Any], kind: type[Kind]) -> Kind:
    """Marks of a room's own kind, too. Kept in the function's own dict, which functools.wraps hands on."""
    marks = vars(view).setdefault(f"{kind.__module__}.{kind.__qualname__}", kind())
    assert isinstance(marks, kind)
    return marks
