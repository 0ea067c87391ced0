"""What is a button called in this language, and which words of a text belong to the other one?"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from babel.support import Translations

from config import ROOT

FOLDER = ROOT / "dashboard" / "translations"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")
CYRILLIC = re.compile(r"[А-Яа-яЁё]")
# Three letters and more: shorter ones are units, initials and the like.
LATIN = re.compile(r"[A-Za-z]{3,}")
ZONE = re.compile(r"\b[A-Z]\w+/[A-Z]\w+(?:[-/]\w+)*")
# What programs are told by name: addresses, headers, types of content, fields in quotation marks, events.
TECHNICAL = re.compile(
    r"https?://\S*|\b[A-Za-z]+/[a-z]+(?:-[a-z]+)*\b|«\w+»"
    r"|\b(?:Idempotency-Key|Content-Type|Retry-After|webhook-[a-z]+|webhook_id)\b"
    r"|\b(?:SMTP_URL|GATEWAY_TOKEN)\b|\b(?:mailing|messages)\.[a-z]+\b|\b(?:vst|whsec|msg)_[\w…]+"
)
# What Russian text writes in Latin letters, too; `name` is the attribute of our examples.
NOT_ENGLISH = {
    *("Vestnik", "API", "CSV", "XLSX", "SMS", "UTC", "UTF", "GMT", "HTTP", "Windows", "Excel", "name"),
    *("Aegis", "FAS", "FreeOTP", "Google", "Authenticator", "Microsoft"),
    *(
        "JSON",
        "ISO",
        "POST",
        "DNS",
        "TLS",
        "Authorization",
        "Standard",
        "Webhooks",
        "null",
        "true",
        "false",
        "ping",
    ),
}

Say = Callable[..., str]


def saying(language: str) -> Say:
    """`say("Pause")`: what stands on the button; `say("Found: %(n)s", n=3)`: the sentence."""
    catalogue = _catalogue(language)

    def say(text: str, **values: Any) -> str:
        words = str(catalogue.gettext(text))
        # The sources are English; elsewhere what the catalogue does not know is a slip of the test's.
        assert language == "en" or words != text, f"{language} has no words for {text!r}"
        return words % values if values else words

    return say


@cache
def _catalogue(language: str) -> Any:
    return Translations.load(FOLDER, [language])


def english_in(text: str) -> list[str]:
    told_by_name = TECHNICAL.sub("", PLACEHOLDER.sub("", re.sub(r"\{\{\w+\}\}", "", text)))
    without_names = ZONE.sub("", told_by_name)
    return [word for word in LATIN.findall(without_names) if word not in NOT_ENGLISH]


def foreign_in(text: str, language: str) -> list[str]:
    return english_in(text) if language == "ru" else CYRILLIC.findall(text)
