"""Has every code that a person may meet its words?"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, get_template_attribute
from flask_babel import force_locale

from config import ROOT
from dashboard.domain.errors import Problem
from dashboard.phone import PhoneProblem
from dashboard.zones import ZoneError

# Callables that take a code, and which of their arguments it is.
TAKE_A_CODE = {"Problem": 1, "Conflict": 0, "ValidationError": 0}


def codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        position = TAKE_A_CODE.get(node.func.id, len(node.args))
        for argument in node.args[position : position + 1]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def all_codes() -> list[str]:
    rooms = (ROOT / "dashboard" / "domain", ROOT / "dashboard" / "web")
    written = {code for room in rooms for path in room.rglob("*.py") for code in codes_in(path)}
    return sorted({*written, *PhoneProblem, ZoneError.problem, "sign_in_failed"})


@pytest.mark.parametrize("code", all_codes())
def test_a_code_is_put_into_words(app: Flask, code: str) -> None:
    with app.test_request_context(), force_locale("en"):
        problem_text = get_template_attribute("components/reasons.html", "problem_text")

        words = str(problem_text(Problem("field", code)))

    assert words
    assert words != code
