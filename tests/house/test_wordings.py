"""Has every code that a person may meet its words, in either language?

Codes are collected from the sources. What the tests cannot read off a call stands in MADE_ELSEWHERE, so that a new
way of making codes is noticed.
"""

import ast
import re
from collections.abc import Iterator
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

DOMAIN, WEB = ROOT / "dashboard" / "domain", ROOT / "dashboard" / "web"
# Callables that take a code: which of their arguments, or by which keyword.
TAKE_A_CODE = {"Problem": (1, "code"), "Conflict": (0, "code"), "ValidationError": (0, "message")}
# Codes that are put together, or come from somewhere else: by the expression that stands for them.
MADE_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "f'{field}_empty'": ("title_empty", "text_empty"),
    "f'{field}_too_long'": ("title_too_long", "text_too_long"),
    "f'{name}_missing'": ("starts_missing", "ends_missing"),
    "f'cannot_{verb.value}'": tuple(f"cannot_{verb}" for verb in Verb),
    "error.problem": (*PhoneProblem, ZoneError.problem),
    "error.problem.value": tuple(PhoneProblem),
}
# As it came from another call, or from an assignment or a function that `named_in` reads.
HANDED_ON = re.compile(r"(\w+\.)?code")
# Modules that say why a message stands where it stands, beside those that write it into the books.
SAY_WHY = {"breaker", "fan_out", "last_look", "policy"}
CODE_LIKE = re.compile(r"[a-z]+(_[a-z]+)*")
# Strings in these modules that look like codes and are names of something else.
NO_CODES = {"accept", "durations", "hold", "now", "of_id", "phones", "resend", "retry"}


def calls_in(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
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
    for node in ast.walk(ast.parse(path.read_text())):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_fault"):
            values = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def arguments() -> list[ast.expr]:
    return [each for room in (DOMAIN, WEB) for path in sorted(room.rglob("*.py")) for each in arguments_in(path)]


def all_codes() -> list[str]:
    written = {each.value for each in arguments() if isinstance(each, ast.Constant)}
    made = {code for codes in MADE_ELSEWHERE.values() for code in codes}
    named = {code for room in (DOMAIN, WEB) for path in room.rglob("*.py") for code in named_in(path)}
    return sorted({*map(str, written | made | named), "sign_in_failed"})


def reasons_in(path: Path) -> Iterator[str]:
    """Every string that looks like a code and names neither a column nor a key of a dictionary."""
    tree = ast.parse(path.read_text())
    keys = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    columns = {column.key for table in db.metadata.tables.values() for column in table.columns}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in keys)
    strings = (node.value for node in constants if isinstance(node.value, str))
    yield from (each for each in strings if CODE_LIKE.fullmatch(each) and each not in columns | NO_CODES)


def writes_the_books(path: Path) -> bool:
    imports = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
    return any(name.name == "Place" for each in imports if each.module == "tallies" for name in each.names)


def all_reasons() -> list[str]:
    """Why messages stand where they stand, as the engine and the gateway say it."""
    modules = [path for path in DOMAIN.glob("*.py") if path.stem in SAY_WHY or writes_the_books(path)]
    return sorted({*(code for path in modules for code in reasons_in(path)), *Reason, "http_400", "http_599"})


def worded(app: Flask, language: str, macro: str, *arguments: object) -> str:
    with app.test_request_context(), force_locale(language):
        return str(get_template_attribute("components/reasons.html", macro)(*arguments)).strip()


def test_where_a_code_is_expected_stands_one_that_can_be_read_here() -> None:
    unread = {ast.unparse(each) for each in arguments() if not isinstance(each, ast.Constant)}

    assert {each for each in unread - MADE_ELSEWHERE.keys() if not HANDED_ON.fullmatch(each)} == set()


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", all_codes())
def test_a_code_is_put_into_words(speaker: Flask, code: str, language: str) -> None:
    words = worded(speaker, language, "problem_text", Problem("field", code))

    assert words
    assert words != code


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", all_reasons())
def test_why_a_message_stands_where_it_stands_is_put_into_words(speaker: Flask, code: str, language: str) -> None:
    said = {worded(speaker, language, macro, code) for macro in ("reason_text", "problem_text")}

    assert said - {"", code}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", all_cautions())
def test_a_caution_is_put_into_words(speaker: Flask, code: str, language: str) -> None:
    assert worded(speaker, language, "caution_text", Problem("", code)) not in ("", code)


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
    app_context: Flask, monkeypatch: pytest.MonkeyPatch, file: str, macro: str, code: str
) -> None:
    """A poll that translated whole tables spent a quarter of its time on it."""
    translated: list[str] = []

    def note(message: str) -> str:
        translated.append(message)
        return message

    monkeypatch.setitem(app_context.jinja_env.globals, "gettext", note)

    said = get_template_attribute(f"components/{file}.html", macro)(code)

    assert [said] == translated
