"""Do the examples in docs/webhooks.md tell our requests from others'?"""

import re
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from config import ROOT
from dashboard import clock
from dashboard.domain.webhooks import signing

DOCUMENT = (ROOT / "docs" / "webhooks.md").read_text()
BODY = '{"type":"ping","data":{"title":"Осень\'s $HOME \\\\n"}}'


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


def signed(secret: str, minutes_ago: float = 0) -> Mapping[str, str]:
    at = clock.now() - timedelta(minutes=minutes_ago)
    return signing.headers("msg_1", at, BODY.encode(), [signing.new_secret(), secret])


@pytest.mark.parametrize(
    "secret_given, body, minutes_ago, is_ours",
    [(True, BODY, 0, True), (False, BODY, 0, False), (True, BODY + " ", 0, False), (True, BODY, 6, False)],
)
def test_the_example_in_python_knows_us(secret_given: bool, body: str, minutes_ago: float, is_ours: bool) -> None:
    names: dict[str, Any] = {}
    secret = signing.new_secret()
    exec(example("python"), names)

    known = secret if secret_given else signing.new_secret()

    assert names["is_genuine"](known, signed(secret, minutes_ago), body.encode()) is is_ours


def test_the_example_in_a_shell_gives_our_signature() -> None:
    secret = signing.new_secret()
    headers = signed(secret)
    given = {"SECRET": secret, "WEBHOOK_ID": headers["webhook-id"], "BODY": BODY}

    said = subprocess.run(
        ["sh", "-c", example("sh")],
        env={"PATH": "/usr/bin:/bin", **given, "WEBHOOK_TIMESTAMP": headers["webhook-timestamp"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() in headers["webhook-signature"].split()
