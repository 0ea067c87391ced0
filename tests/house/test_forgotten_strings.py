"""Is any text for people written past gettext: in a template, in a script, in what a view says?

tests/house/test_translations.py reads the pages; this reads the sources, and finds what is seldom shown, too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment

from config import ROOT
from tests.support.visible_text import SPOKEN, WORDS, visible_texts

WORD = re.compile(r"[A-Za-zА-Яа-яЁё]{2,}")
# The same in every language.
NAMES = {"Vestnik", "HTTP", "SMS", "CSV", "API"}
# Strings of a script, without comments, with escapes.
STRING = re.compile(
    r"//[^\n]*|/\*.*?\*/|(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)", re.DOTALL
)
SHOWN = re.compile(
    r"""(?:\.(?:textContent|innerText|innerHTML|title|placeholder|ariaLabel)\s*\+?=\s*
    |\b(?:alert|confirm|prompt)\(\s*
    |setAttribute\(\s*"(?:title|placeholder|aria-label)",\s*)$""",
    re.VERBOSE,
)
# A selector may look like a sentence.
SOUGHT = re.compile(r"\b(?:querySelector|querySelectorAll|closest|matches)\(\s*$")
# Two words beside each other.
PROSE = re.compile(r"[A-Za-zА-Яа-яЁё]{2,}[,.!?]? [A-Za-zА-Яа-яЁё]{2,}")
NOT_PROSE = {"use strict"}
# What shows a sentence on the next page. respond.error takes a code, as tests/house/test_wordings.py knows.
SAY = {"respond.success", "respond.info", "success", "info", "flash"}
# A macro may give attributes back.
ATTRIBUTE = re.compile(r"""[a-z-]+="[^"]*\"""")


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def scripts() -> list[Path]:
    return sorted((ROOT / "static" / "js").glob("*.js"))


def views() -> list[Path]:
    return sorted((ROOT / "dashboard" / "web").rglob("*.py"))


def written_in_template(environment: Environment, source: str) -> list[str]:
    """What stands between the tags of Jinja and is read or heard."""
    pieces = (text if kind == "data" else "" for _line, kind, text in environment.lex(source))
    texts = visible_texts("".join(pieces), is_html=True)
    return [text for text in texts if set(WORD.findall(ATTRIBUTE.sub("", text))) - NAMES]


def written_in_script(source: str) -> list[str]:
    """Strings that are shown, and strings that read like a sentence."""
    found = ((match.group(1), source[: match.start()]) for match in STRING.finditer(source) if match.group(1))
    texts = ((string[1:-1], before) for string, before in found)
    return [
        text
        for text, before in texts
        if (SHOWN.search(before) and WORD.search(text))
        or (PROSE.search(text) and text not in NOT_PROSE and not SOUGHT.search(before))
    ]


def said_in_view(source: str) -> Iterator[str]:
    """What is given to success() as it stands, or put together from what stands there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SAY:
            text = node.args[0]
            is_formatted = isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute)
            if is_formatted or isinstance(text, (ast.Constant, ast.JoinedStr, ast.BinOp)):
                yield ast.unparse(text)


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_writes_text_past_gettext(app: Flask, path: Path) -> None:
    assert written_in_template(app.jinja_env, path.read_text()) == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_attribute_that_holds_words_is_one_that_is_read_here(path: Path) -> None:
    holding = set(re.findall(r"""([a-z-]+)=["'][^"'<>]*\{\{[^}]*?\b_\(""", path.read_text()))

    assert {name for name in holding if name not in SPOKEN and not name.startswith(WORDS)} == set()


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_no_script_writes_text_of_its_own(path: Path) -> None:
    assert written_in_script(path.read_text()) == []


@pytest.mark.parametrize("path", views(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_view_says_anything_past_gettext(path: Path) -> None:
    assert list(said_in_view(path.read_text())) == []


@pytest.mark.parametrize(
    "forgotten",
    [
        "<p>Saved</p>",
        "{% if a %}<p>{{ _('Saved') }} today</p>{% endif %}",
        "<td>{{ n }} клиентов</td>",
        '<button aria-label="Close it"></button>',
        '<input placeholder="Search{{ x }}">',
        '<canvas data-word-sent="Sent"></canvas>',
        '<span data-word="Ticked"></span>',
        "{% block title %}Mailings{% endblock %}",
    ],
)
def test_a_forgotten_text_in_a_template_is_found(app: Flask, forgotten: str) -> None:
    assert written_in_template(app.jinja_env, forgotten)


@pytest.mark.parametrize(
    "forgotten",
    [
        'box.textContent = "Saved";',
        "box.title = 'Готово';",
        "alert(`Gone`);",
        'box.setAttribute("aria-label", "Close");',
        'const words = { failed: "It did not work" };',
        "note(`${count} clients match`);",
    ],
)
def test_a_forgotten_text_in_a_script_is_found(forgotten: str) -> None:
    assert written_in_script(forgotten)


@pytest.mark.parametrize(
    "forgotten",
    [
        'respond.success("Saved.")',
        'respond.success(f"{n} saved")',
        'respond.info("Nothing has changed.")',
        'flash("Hm" + more)',
        'success("{}".format(n))',
    ],
)
def test_a_forgotten_text_in_a_view_is_found(forgotten: str) -> None:
    assert list(said_in_view(forgotten))


def test_what_is_translated_or_no_text_is_left_alone(app: Flask) -> None:
    template = '<p class="soft">{{ _("Saved") }} · {{ n }}</p><code>name</code><span lang="ru">Русский</span>'
    script = 'for (const row of box.querySelectorAll("tbody tr")) row.textContent = row.dataset.wordSaved;'

    assert written_in_template(app.jinja_env, template) == []
    assert written_in_script(script) == []
    assert list(said_in_view('respond.success(_("Saved."))')) == []
