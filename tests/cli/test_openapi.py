"""Does the command write down what is served?"""

import json
from pathlib import Path

from flask import Flask


def test_the_description_is_printed_as_it_is_served(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["openapi"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == app.test_client().get("/api/v1/openapi.json").json


def test_the_description_and_the_collection_are_written_into_files(app: Flask, tmp_path: Path) -> None:
    files = [tmp_path / "openapi.json", tmp_path / "collection.json"]

    done = app.test_cli_runner().invoke(args=["openapi", "--output", str(files[0]), "--postman", str(files[1])])

    assert (done.exit_code, done.output) == (0, "")
    assert json.loads(files[0].read_text())["openapi"] == "3.1.0"
    assert json.loads(files[1].read_text())["info"]["schema"].endswith("/v2.1.0/collection.json")
