"""Do the commands of docs/api.md do what they say, typed as they stand there?"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from dashboard.domain import fan_out, starting
from tests.api.conftest import Program
from tests.factories import PASSWORD
from tests.support.api_document import section
from tests.support.served import served


def typed(folder: Path, *command: str, **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_shells_commands_lead_to_a_launched_mailing(app: Flask, program: Program, tmp_path: Path) -> None:
    commands = section("curl").blocks("sh")

    with served(app) as url:
        printed = typed(
            tmp_path,
            *("bash", "-euo", "pipefail", "-c", commands),
            VESTNIK=url,
            NAME=program.user.name,
            PASSWORD=PASSWORD,
        )

    pair, token, added, preview, mailing, launched, statistics = map(
        json.loads, filter(None, printed.splitlines())
    )
    assert pair["access"]
    assert token["token"].startswith("vst_")
    assert (added["created"], added["failed"]) == (2, 0)
    assert (preview["recipients"], preview["first_reading"][:10]) == (2, "Dear Анна,")
    assert (mailing["state"], launched["state"]) == ("draft", "scheduled")
    assert statistics["mailing_id"] == mailing["id"]
    assert [each["name"] for each in program.get("/tokens").json] == ["CRM", "test"]


def test_pythons_commands_do_what_their_comments_say(app: Flask, program: Program, tmp_path: Path) -> None:
    commands = section("Python").blocks("python")

    with served(app) as url:
        typed(tmp_path, sys.executable, "-c", commands, VESTNIK=url, TOKEN=program.token)

    (client,), (mailing,) = program.get("/clients").json["items"], program.get("/mailings").json["items"]
    with app.app_context():
        starting.start_due()
        while fan_out.one_range():
            pass
    messages = program.get(f"/mailings/{mailing['id']}/messages").json["items"]
    assert (set(client["tags"]), client["attributes"]) == ({"vip", "spring"}, {"name": "Вера"})
    assert [each["client_id"] for each in messages] == [client["id"]]


@pytest.mark.parametrize("heading", ["curl", "Python"])
def test_no_block_of_the_quick_start_is_in_a_language_that_nothing_runs(heading: str) -> None:
    fences = [line for line in section(heading).text.splitlines() if line.startswith("```") and line != "```"]

    assert set(fences) <= {"```sh", "```python"}
