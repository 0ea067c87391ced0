"""Does the API do what its description says, whatever is sent to it?

schemathesis reads the served description, sends what fits it and what does not, and walks along its links. Nothing
that it gets may break on our side, or be other than described.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from dashboard.api import rates, signed_tokens
from dashboard.api.repeating import HEADER, LONGEST_KEY
from dashboard.domain import token_families
from dashboard.models import Role
from tests.factories import make_user
from tests.support.served import served

CONFIG = """
seed = {seed}
continue-on-failure = true
headers = {{ Authorization = "Bearer {token}" }}

[generation]
max-examples = {examples}
database = "none"
no-shrink = true

# What no schema can say is refused with 422: a number that is no phone, an end before its start. A version that
# somebody made up is not the one there is: 412.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]

[phases.coverage]
enabled = {coverage}

[phases.stateful]
max-steps = 12

[phases.stateful.generation]
max-examples = {walks}
"""


@dataclass
class Told:
    """What came of it."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def app(own_app: Flask) -> Flask:
    """Its answers are counted."""
    return own_app


@pytest.fixture
def bearer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    """An administrator's, who signed in for the whole test: an API token of his own could be revoked in it."""
    monkeypatch.setattr(rates, "_rates", lambda: ())
    monkeypatch.setitem(app.config, "JWT_ACCESS_TOKEN_EXPIRES", timedelta(hours=3))
    with app.app_context():
        user = make_user(Role.ADMINISTRATOR)
        return signed_tokens.pair(token_families.begin(user.id)).access


def attack(app: Flask, config: str) -> Told:
    told = Told()

    @app.after_request
    def count(response: Any) -> Any:
        told.requests += 1
        told.statuses[response.status_code] += 1
        return response

    with served(app) as url:
        schema = schemathesis.openapi.from_url(
            f"{url}/api/v1/openapi.json", config=SchemathesisConfig.from_str(config)
        )
        for event in from_schema(schema).execute():
            for what, example in _failures(event):
                told.failures[what] += 1
                told.examples.setdefault(what, example)
    return told


@schemathesis.hook
def before_call(_context: Any, case: schemathesis.Case, **_more: Any) -> None:
    """Another Idempotency-Key each time: a repeated one is answered with what may have been deleted since."""
    key = (case.headers or {}).get(HEADER)
    if isinstance(key, str) and 0 < len(key) < LONGEST_KEY - 40:
        case.headers[HEADER] = f"{key}{uuid.uuid4()}"


def _failures(event: events.EngineEvent) -> Iterator[tuple[str, str]]:
    if isinstance(event, events.NonFatalError):
        yield f"{event.label}: {event.info.title}", event.info.format()
    elif isinstance(event, events.FatalError):
        raise event.exception
    elif isinstance(event, events.ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    what = f"{failure.operation}: {check.name}: {failure.title}"
                    yield what, f"{failure.message}\n{check.failure_info.code_sample}"


def report(told: Told) -> str:
    return "\n".join(f"{count} × {what}\n{told.examples[what][:1500]}\n" for what, count in told.failures.items())


def test_nothing_that_fits_or_breaks_the_description_makes_an_answer_that_does_not_fit_it(
    app: Flask, bearer: str
) -> None:
    config = CONFIG.format(token=bearer, seed=1, examples=3, walks=5, coverage="false")

    told = attack(app, config)

    assert not told.failures, report(told)
    assert told.requests > 200
    assert not [status for status in told.statuses if status >= 500]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_requests_are_answered_as_described(app: Flask, bearer: str) -> None:
    config = CONFIG.format(token=bearer, seed=2, examples=170, walks=300, coverage="true")

    told = attack(app, config)

    assert not told.failures, report(told)
    assert told.requests >= 10_000
    assert not [status for status in told.statuses if status >= 500]
