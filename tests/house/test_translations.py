"""Is the Russian catalogue whole, and does each page speak one language only?"""

import re
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask import Flask, get_template_attribute
from flask_babel import force_locale, ngettext

from config import ROOT
from dashboard.domain.errors import Problem
from tests.house.test_wordings import all_codes, codes_for_programs, worded
from tests.support.every_page import every_page, fill, newcomers_pages, strangers_pages
from tests.support.languages import CYRILLIC, PLACEHOLDER, english_in, foreign_in
from tests.support.visible_text import visible_texts

CATALOGUE = ROOT / "dashboard" / "translations" / "ru" / "LC_MESSAGES" / "messages.po"
# The product's own words for the ledger; documents and people quote them.
LEDGER = {
    "queued": "Ожидает отправки",
    "sending": "Отправляется",
    "sent": "Отправлено",
    "failed": "Не отправлено. Ошибка внешнего API",
    "expired": "Не отправлено. Время клиента вне рассылки",
    "skipped": "Пропущено",
    "cancelled": "Отменено",
    "unknown": "Исход неизвестен",
}

Key = tuple[str | None, str | tuple[str, ...]]


def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ru")


def russian() -> list[Message]:
    return [message for message in catalogue() if message.id]


def in_the_sources() -> set[Key]:
    """What `make translations` would find."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, DEFAULT_KEYWORDS)
    return {(context, message_id) for _file, _line, message_id, _comments, context in found}


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def test_the_catalogue_has_what_the_sources_say_and_nothing_else() -> None:
    kept = {(message.context, message.id) for message in russian()}

    wanted = in_the_sources()
    assert wanted - kept == set(), "`make translations` adds them, then write their Russian"
    assert kept - wanted == set(), "`make translations` removes them"
    assert len(wanted) > 400


def test_nothing_is_left_open_in_the_catalogue() -> None:
    kept = catalogue()

    assert kept.obsolete == {}
    assert [message.id for message in russian() if message.fuzzy] == []
    assert [message.id for message in russian() if not all(forms(message.string))] == []
    assert [m.id for m in russian() if m.pluralizable and len(m.string) != kept.num_plurals] == []


def test_placeholders_and_spaces_at_the_ends_are_those_of_the_english() -> None:
    differing = [
        form
        for message in russian()
        for form in forms(message.string)
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(forms(message.id)[-1]))
        or spaces(form) != spaces(forms(message.id)[-1])
    ]

    assert differing == []


def spaces(text: str) -> tuple[bool, bool]:
    return text != text.lstrip(), text != text.rstrip()


@pytest.mark.parametrize(("n", "form"), [(1, 0), (2, 1), (4, 1), (5, 2), (11, 2), (12, 2), (21, 0), (1_000, 2)])
def test_russian_counts_one_few_and_many(speaker: Flask, n: int, form: int) -> None:
    counted = [message for message in russian() if message.pluralizable and len(set(message.string)) == 3]
    simple = [message for message in counted if set(PLACEHOLDER.findall(message.id[1])) <= {"%(n)s"}]

    with speaker.test_request_context(), force_locale("ru"):
        said = [ngettext(*message.id, n, n=n) for message in simple]

    assert said == [message.string[form] % {"num": n, "n": n} for message in simple]
    assert simple


def test_the_russian_is_russian() -> None:
    written = [form for message in russian() for form in forms(message.string)]

    assert [text for text in written if not CYRILLIC.search(text)] == []
    assert {text: english_in(text) for text in written if english_in(text)} == {}


def test_the_english_in_the_sources_is_english() -> None:
    assert [key for key in in_the_sources() if CYRILLIC.search(str(key[1]))] == []


def test_the_ledger_is_called_what_the_product_calls_it(speaker: Flask) -> None:
    with speaker.test_request_context(), force_locale("ru"):
        status_word = get_template_attribute("components/status.html", "status_word")

        words = {status: str(status_word(status)) for status in LEDGER}

    assert words == LEDGER


def reasons() -> list[str]:
    """The codes that templates/components/reasons.html has words for."""
    source = (ROOT / "templates" / "components" / "reasons.html").read_text()
    return sorted(set(re.findall(r'^ +"(\w+)": _\(', source, re.MULTILINE)))


def test_a_code_has_its_own_words_in_either_language(speaker: Flask) -> None:
    codes = {*all_codes(), *reasons()}
    said = {language: {code: wording(speaker, code, language) for code in codes} for language in ("ru", "en")}

    mixed = {code for code, words in said["ru"].items() if not CYRILLIC.search(words) or english_in(words)}
    mixed |= {code for code, words in said["en"].items() if CYRILLIC.search(words)}
    assert mixed == set()
    assert len(codes) > 200


def wording(app: Flask, code: str, language: str) -> str:
    """Some codes explain a message, some a field, some both, some a pause or why it waits, some are a caution."""
    names = ("reason_text", "problem_text", "pause_text", "waiting_text", "caution_text")
    with app.test_request_context(), force_locale(language):
        macros = [get_template_attribute("components/reasons.html", name) for name in names]
        return next(words for macro in macros if (words := str(macro(code))) not in ("", code))


def test_programs_hear_russian_when_they_ask_for_it(speaker: Flask) -> None:
    """Names of headers and fields stay as they are."""
    said = {
        code: worded(speaker, "ru", "words", Problem("field", code), file="api_problems")
        for code in codes_for_programs()
    }

    assert {code: words for code, words in said.items() if not CYRILLIC.search(words)} == {}


@pytest.mark.parametrize("language", ["ru", pytest.param("en", marks=pytest.mark.slow)])
def test_every_page_speaks_one_language(app: Flask, tmp_path: Path, language: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False

    pages = strangers_pages(app, language)
    pages += newcomers_pages(app, language)
    pages += every_page(app, fill(app, tmp_path, language))
    texts = [(page.name, text) for page in pages for text in visible_texts(page.text, page.is_html)]
    mixed = [(name, text) for name, text in texts if foreign_in(text, language)]

    assert mixed == []
    assert len(pages) > 120
