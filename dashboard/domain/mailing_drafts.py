"""Is what somebody wrote a mailing? One check for the page and for programs."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from .audience import Audience
from .client_rules import OPERATOR_CODE
from .errors import Invalid, Problem
from .personalisation import stray_braces

LONGEST_TITLE = 200
# Ten parts of an SMS in Unicode (67 characters each): longer texts are a mistake, and an expensive one.
LONGEST_TEXT = 670


@dataclass(frozen=True, slots=True)
class MailingDraft:
    """What a person or a program writes; instants are aware, window times are the client's own clock."""

    title: str
    text: str
    starts_at: datetime | None
    ends_at: datetime | None
    window_from: time | None
    window_to: time | None
    tags: tuple[str, ...]
    operator_codes: tuple[str, ...]
    everybody: bool

    def audience(self, owner_id: int) -> Audience:
        """Whom it addresses; `everybody` alone counts when it is set."""
        return Audience(owner_id, self.tags, self.operator_codes, self.everybody)


def checked(draft: MailingDraft) -> dict[str, Any]:
    """The columns of `Mailing` for a sound draft. Raises Invalid with every fault at once."""
    problems = [*_wording_problems(draft), *_time_problems(draft), *_audience_problems(draft)]
    if problems:
        raise Invalid(problems)
    return {
        "title": draft.title.strip(),
        "text": draft.text.strip(),
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "window_from": draft.window_from,
        "window_to": draft.window_to,
        "tags": [] if draft.everybody else list(dict.fromkeys(draft.tags)),
        "operator_codes": [] if draft.everybody else list(dict.fromkeys(draft.operator_codes)),
        "everybody": draft.everybody,
    }


def _wording_problems(draft: MailingDraft) -> list[Problem]:
    problems = []
    for field, value, longest in (
        ("title", draft.title.strip(), LONGEST_TITLE),
        ("text", draft.text.strip(), LONGEST_TEXT),
    ):
        if not value:
            problems.append(Problem(field, f"{field}_empty"))
        elif len(value) > longest:
            problems.append(Problem(field, f"{field}_too_long", {"longest": longest, "length": len(value)}))
        elif "\x00" in value:
            problems.append(Problem(field, "control_character"))
    if stray := stray_braces(draft.text):
        problems.append(Problem("text", "placeholder_invalid", {"found": stray}))
    return problems


def _time_problems(draft: MailingDraft) -> list[Problem]:
    problems = []
    if draft.starts_at is None:
        problems.append(Problem("starts_at", "starts_missing"))
    if draft.ends_at is None:
        problems.append(Problem("ends_at", "ends_missing"))
    elif draft.starts_at is not None and draft.ends_at <= draft.starts_at:
        problems.append(Problem("ends_at", "ends_before_start"))
    if (draft.window_from is None) != (draft.window_to is None):
        problems.append(Problem("window_to" if draft.window_to is None else "window_from", "window_half"))
    elif draft.window_from is not None and draft.window_from == draft.window_to:
        problems.append(Problem("window_to", "window_empty"))
    return problems


def _audience_problems(draft: MailingDraft) -> list[Problem]:
    if not (draft.everybody or draft.tags or draft.operator_codes):
        return [Problem("tags", "audience_unchosen")]
    wrong = [code for code in draft.operator_codes if not OPERATOR_CODE.fullmatch(code)]
    return [Problem("operator_codes", "operator_code_invalid", {"code": code[:20]}) for code in wrong[:1]]
