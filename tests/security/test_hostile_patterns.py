"""Can a text be so made that one of our patterns, or one of our readers, takes ages over it?

Every pattern of the project is asked about texts that make careless patterns slow: repeats of what it knows,
almost whole matches with a wrong end, brackets in brackets. A careless one takes a hundred times as long for ten
times the text; so growth is what `make test` measures, and only the long list looks at a clock.
"""

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest

from config import ROOT
from dashboard import phone, zones
from dashboard.domain import client_rules, personalisation, user_rules
from dashboard.domain.imports import cells
from dashboard.redaction import Redactor
from tests.support.sources import nodes

SEEDS = (
    *(" ", "\t", "\n", "\u00a0", "0", "7", "a", "_", "я", "-", "+", ".", ",", ":", "/", "\\", "@", "=", "!"),
    *("{", "{{", "{{ ", "{{a", "{{a ", "{{ a }", "}}", "<", "<a", "<:", "#{{", "((((", "[[[[", "a.", "a@", "@a."),
    *("1.0", "1e", "1E+", "0,0", "12.", "12/", "UTC", "UTC+", "GMT ", "+ ", "20", "2020-", "10:", "a=", "//"),
    *("postgres", "//# sourceMappingURL=", "/*# sourceMappingURL=", "/v1/send/", "mailing-", "aB1_", "\ud800"),
)
# What stands before and behind them: a beginning that matches, an end that does not.
AROUND = (("", "!"), ("{{", "!"), ("a@", "@"), ("7", "\x00"), ("/", "\n"), ("UTC", "x"), ("", ""))
SMALL, LARGE, LONGEST = 1_000, 10_000, 100_000
# Less than this a clock cannot tell from its own noise.
NOISE_SECONDS = 0.001
# For ten times the text; what looks at each place again for each other would take a hundred times as long.
MOST_GROWTH = 40
LONGEST_SECONDS = 0.1
Ask = Callable[[str], object]


@dataclass(frozen=True)
class Written:
    """A pattern as it stands in a file, and how it is asked."""

    where: str
    pattern: re.Pattern[str]
    is_of_the_whole: bool

    def ask(self, text: str) -> object:
        if self.is_of_the_whole:
            return self.pattern.fullmatch(text) or self.pattern.match(text)
        return sum(1 for _ in self.pattern.finditer(text))


FILES = sorted([*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "config.py"])
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


@cache
def everything() -> str:
    return "\n".join(path.read_text() for path in FILES)


def written() -> Iterator[Written]:
    for path in FILES:
        name = str(path.relative_to(ROOT))
        for call in nodes(path):
            if _is_about_patterns(call):
                assert isinstance(call, ast.Call)
                yield _read(path, name, call)


def _is_about_patterns(node: ast.AST) -> bool:
    """What is put together while we run is so of what is ours: rules of the URL map, secrets word for word."""
    if not isinstance(node, ast.Call) or not node.args or isinstance(node.args[0], ast.Call):
        return False
    called = ast.unparse(node.func)
    return (called.startswith("re.") and called.removeprefix("re.") in FUNCTIONS) or called.endswith("Regexp")


def _read(path: Path, name: str, call: ast.Call) -> Written:
    """A text that stands there; else the module knows what it has put together."""
    where = f"{name}:{call.lineno}"
    function = ast.unparse(call.func).removeprefix("re.")
    assigned = re.match(r"(\w+) = ", path.read_text().splitlines()[call.lineno - 1])
    if not isinstance(call.args[0], ast.Constant):
        assert assigned, f"{where}: what this pattern is, nobody can read here"
        module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
        return Written(where, vars(module)[assigned[1]], _is_asked_of_the_whole(assigned[1]))
    flags = re.DOTALL | re.MULTILINE | re.IGNORECASE if len(call.args) > 1 else re.NOFLAG
    is_whole = function in ("fullmatch", "match") or bool(assigned and _is_asked_of_the_whole(assigned[1]))
    return Written(where, re.compile(call.args[0].value, flags), is_whole)


def _is_asked_of_the_whole(name: str) -> bool:
    asked = set(re.findall(rf"\b{name}\.(\w+)\(", everything())) & FUNCTIONS
    return bool(asked) and asked <= {"fullmatch", "match"}


def _tried(reader: Ask, text: str) -> object:
    """A refusal is an answer."""
    try:
        return reader(text)
    except ValueError as refusal:
        return refusal


# They take what somebody has sent, before anything has cut it.
READERS: dict[str, Ask] = {
    "phone": partial(_tried, phone.normalise),
    "zone": partial(_tried, zones.normalise),
    "placeholders": personalisation.placeholders,
    "stray braces": personalisation.stray_braces,
    "user's name": user_rules.problem_with_name,
    "e-mail": user_rules.problem_with_email,
    "attribute's name": client_rules.is_attribute_name,
    "a line of the log": Redactor().text,
    "a cell's phone": partial(_tried, cells.phone_of),
    "a cell's zone": partial(_tried, cells.zone_of),
    "a cell's tags": partial(_tried, cells.tags_of),
    "a cell's instant": partial(_tried, lambda text: cells.instant_of(text, "UTC")),
}


@cache
def asked() -> dict[str, Ask]:
    """Each pattern of ours by the line it stands in, and what reads with several of them."""
    return {each.where: each.ask for each in written()} | READERS


def hostile(size: int, seeds: tuple[str, ...] = SEEDS, around: tuple[tuple[str, str], ...] = AROUND) -> list[str]:
    return [before + seed * (size // len(seed)) + behind for seed in seeds for before, behind in around]


def seconds(ask: Ask, texts: list[str]) -> float:
    """Of this process's own work."""
    start = time.process_time()
    for text in texts:
        ask(text)
    return time.process_time() - start


def test_every_pattern_is_asked() -> None:
    assert len(asked()) > 50 + len(READERS)
    assert "re.VERBOSE" not in everything()


def test_ten_times_the_text_takes_no_hundred_times_as_long() -> None:
    small, large = (hostile(size, SEEDS[::2], AROUND[:2]) for size in (SMALL, LARGE))

    growth = {name: seconds(ask, large) / max(seconds(ask, small), NOISE_SECONDS) for name, ask in asked().items()}

    assert {name: round(grown) for name, grown in growth.items() if grown > MOST_GROWTH} == {}


def test_a_careless_pattern_would_be_noticed() -> None:
    small, large = ([" " * size + "!"] for size in (500, 5_000))
    careless = re.compile(r"\s+$").search

    assert seconds(careless, large) / seconds(careless, small) > MOST_GROWTH


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_100_kb_take_no_tenth_of_a_second() -> None:
    slow = {
        (name, text[:40]): spent
        for name, ask in asked().items()
        for text in hostile(LONGEST)
        if (spent := seconds(ask, [text])) > LONGEST_SECONDS
    }

    assert slow == {}
