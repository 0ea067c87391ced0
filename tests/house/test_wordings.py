"""Has every code that a person or a program may meet its words, in either language?

Codes are collected from the sources. What the tests cannot read off a call stands in MADE_ELSEWHERE, so that a new
way of making codes is noticed.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from flask import Flask, get_template_attribute
from flask_babel import force_locale

from config import ROOT
from dashboard.database import db
from dashboard.domain.errors import Problem
from dashboard.domain.mailings import Verb
from dashboard.domain.waiting import Cause
from dashboard.gateway import Reason
from dashboard.models import PauseReason
from dashboard.phone import PhoneProblem
from dashboard.zones import ZoneError
from tests.support.sources import nodes

DOMAIN, WEB, API = (ROOT / "dashboard" / room for room in ("domain", "web", "api"))
# Callables that take a code: which of their arguments, or by which keyword.
TAKE_A_CODE = {
    "Problem": (1, "code"),
    "Conflict": (0, "code"),
    "ValidationError": (0, "message"),
    "Refusal": (1, "code"),
}
# Codes that are put together, or come from somewhere else: by the expression that stands for them.
MADE_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "f'{field}_empty'": ("title_empty", "text_empty"),
    "f'{field}_too_long'": ("title_too_long", "text_too_long"),
    "f'{name}_missing'": ("starts_missing", "ends_missing"),
    "f'cannot_{verb.value}'": tuple(f"cannot_{verb}" for verb in Verb),
    "error.problem": (*PhoneProblem, ZoneError.problem),
    "error.problem.value": tuple(PhoneProblem),
}
# The API's: named after a status, by a field (`complaints_in`), or for several fields at once.
MADE_FOR_PROGRAMS = {"f'http_status_{status}'", "str(message)", "{name: ['given_twice'] for name in twice}"}
# As it came from another call, or from an assignment or a function that `named_in` reads.
HANDED_ON = re.compile(r"(\w+\.)?code")
# Modules that say why a message stands where it stands, beside those that write it into the books.
SAY_WHY = {"breaker", "fan_out", "last_look", "policy"}
CODE_LIKE = re.compile(r"[a-z]+(_[a-z]+)*")
# Strings in these modules that look like codes and are names of something else.
NO_CODES = {"accept", "durations", "hold", "now", "numbers", "of_id", "phones", "resend", "retry"}
# What the audit log is told.
NO_CODES |= {"cancel", "change_text", "create", "decide_unknown", "erase", "message_ids"}


def calls_in(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in nodes(path):
        if isinstance(node, ast.Call):
            function = node.func
            yield node, getattr(function, "id", None) or getattr(function, "attr", "")


def arguments_in(path: Path) -> Iterator[ast.expr]:
    """Whatever is given where a code is expected; of "this if so else that" both."""
    for call, name in calls_in(path):
        position, keyword = TAKE_A_CODE.get(name, (0, ""))
        if name not in TAKE_A_CODE:
            continue
        given = call.args[position : position + 1] + [each.value for each in call.keywords if each.arg == keyword]
        for each in given:
            yield from (each.body, each.orelse) if isinstance(each, ast.IfExp) else (each,)


def all_cautions() -> list[str]:
    """What a person is told before a mailing is launched."""
    calls = [call for path in DOMAIN.rglob("*.py") for call, name in calls_in(path) if name == "Caution"]
    return sorted({ast.literal_eval(call.args[0]) for call in calls})


def named_in(path: Path) -> Iterator[str]:
    """Codes that get a name first: `code = …`, and what functions called `…_fault` return."""
    for node in nodes(path):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_fault"):
            values = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def modules_of(*rooms: Path) -> list[Path]:
    return sorted(path for room in rooms for path in room.rglob("*.py"))


def arguments() -> list[ast.expr]:
    return [each for path in modules_of(DOMAIN, WEB, API) for each in arguments_in(path)]


def imported_in(path: Path) -> set[str]:
    """Modules of the domain, by name."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module.split(".")[-1]} if node.module else set()
            found |= {each.name for each in node.names}
    return found


def for_programs_only() -> list[Path]:
    """Modules of the domain whose codes no page can meet: only the API imports them."""
    asked = {name for path in modules_of(API) for name in imported_in(path)}
    others = {
        name for path in modules_of(ROOT / "dashboard") if API not in path.parents for name in imported_in(path)
    }
    return [path for path in DOMAIN.glob("*.py") if path.stem in asked - others]


def codes_in(paths: Iterable[Path]) -> set[str]:
    paths = list(paths)
    written = {each.value for path in paths for each in arguments_in(path) if isinstance(each, ast.Constant)}
    return {*map(str, written), *(code for path in paths for code in named_in(path))}


def all_codes() -> list[str]:
    """Those that a person may meet on a page."""
    made = {code for codes in MADE_ELSEWHERE.values() for code in codes}
    return sorted({*codes_in({*modules_of(DOMAIN, WEB)} - {*for_programs_only()}), *made, "sign_in_failed"})


def complaints_in(path: Path) -> Iterator[str]:
    """What fields and schemas say of what they cannot read: the values of `error_messages`."""
    names = ("COMMON", "error_messages", "default_error_messages")
    for node in nodes(path):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
            continue
        if ast.unparse(node.targets[0]) in names:
            yield from (str(each.value) for each in node.value.values if isinstance(each, ast.Constant))


def codes_for_programs() -> list[str]:
    """Those that only programs meet, and the statuses that name a problem where it has no code of its own."""
    told = {code for path in modules_of(API) for code in complaints_in(path)}
    statuses = {f"http_status_{status}" for status in (400, 403, 404, 405, 413, 415, 422, 429, 500)}
    return sorted(codes_in([*modules_of(API), *for_programs_only()]) | told | statuses | {"given_twice"})


def reasons_in(path: Path) -> Iterator[str]:
    """Every string that looks like a code and names neither a column nor a key of a dictionary."""
    keys = {id(key) for node in nodes(path) if isinstance(node, ast.Dict) for key in node.keys}
    columns = {column.key for table in db.metadata.tables.values() for column in table.columns}
    constants = (node for node in nodes(path) if isinstance(node, ast.Constant) and id(node) not in keys)
    strings = (node.value for node in constants if isinstance(node.value, str))
    yield from (each for each in strings if CODE_LIKE.fullmatch(each) and each not in columns | NO_CODES)


def writes_the_books(path: Path) -> bool:
    imports = (node for node in nodes(path) if isinstance(node, ast.ImportFrom))
    return any(name.name == "Place" for each in imports if each.module == "tallies" for name in each.names)


def all_reasons() -> list[str]:
    """Why messages stand where they stand, as the engine and the gateway say it."""
    modules = [path for path in DOMAIN.glob("*.py") if path.stem in SAY_WHY or writes_the_books(path)]
    return sorted({*(code for path in modules for code in reasons_in(path)), *Reason, "http_400", "http_599"})


def worded(app: Flask, language: str, macro: str, *arguments: object, file: str = "reasons") -> str:
    with app.test_request_context(), force_locale(language):
        return str(get_template_attribute(f"components/{file}.html", macro)(*arguments)).strip()


def test_where_a_code_is_expected_stands_one_that_can_be_read_here() -> None:
    unread = {ast.unparse(each) for each in arguments() if not isinstance(each, ast.Constant)}

    unknown = unread - MADE_ELSEWHERE.keys() - MADE_FOR_PROGRAMS
    assert {each for each in unknown if not HANDED_ON.fullmatch(each)} == set()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_code_is_put_into_words(speaker: Flask, language: str) -> None:
    said = {code: worded(speaker, language, "problem_text", Problem("field", code)) for code in all_codes()}

    assert {code for code, words in said.items() if words in ("", code)} == set()
    assert len(said) > 150


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_code_that_a_program_may_hear_is_put_into_words(speaker: Flask, language: str) -> None:
    """By the API's own table, or by the pages'."""
    codes = codes_for_programs()

    said = {
        code: worded(speaker, language, "words", Problem("field", code), file="api_problems") for code in codes
    }

    assert {code for code, words in said.items() if words in ("", code)} == set()
    assert {"scope_not_granted", "field_unknown", "not_whole", "idempotency_key_reused"} <= set(codes)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_why_a_message_stands_where_it_stands_is_put_into_words(speaker: Flask, language: str) -> None:
    said = {
        code: {worded(speaker, language, macro, code) for macro in ("reason_text", "problem_text")}
        for code in all_reasons()
    }

    assert {code for code, words in said.items() if words <= {"", code}} == set()
    assert len(said) > 20


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_caution_is_put_into_words(speaker: Flask, language: str) -> None:
    said = {code: worded(speaker, language, "caution_text", Problem("", code)) for code in all_cautions()}

    assert {code for code, words in said.items() if words in ("", code)} == set()
    assert said


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_cause_of_waiting_and_of_a_pause_has_words_of_its_own(speaker: Flask, language: str) -> None:
    pauses = [each for each in PauseReason if each is not PauseReason.OPERATOR]

    said = [worded(speaker, language, "waiting_text", each, None) for each in Cause]
    said += [worded(speaker, language, "pause_text", each) for each in pauses]

    assert "" not in said
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    "file, macro, code",
    [
        ("reasons", "reason_text", "stop_list"),
        ("status", "status_word", "sent"),
        ("status", "state_word", "running"),
    ],
)
def test_of_a_table_of_words_only_the_one_looked_up_is_translated(
    own_app: Flask, monkeypatch: pytest.MonkeyPatch, file: str, macro: str, code: str
) -> None:
    """A poll that translated whole tables spent a quarter of its time on it."""
    translated: list[str] = []

    def note(message: str) -> str:
        translated.append(message)
        return message

    monkeypatch.setitem(own_app.jinja_env.globals, "gettext", note)

    with own_app.app_context():
        said = get_template_attribute(f"components/{file}.html", macro)(code)

    assert [said] == translated
