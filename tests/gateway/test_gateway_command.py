"""Do `flask gateway` and `flask gateway check` do what they say?"""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import requests
from flask import Flask

from dashboard.cli.gateway import gateway

# A program of its own, as `flask gateway` is one: signals and kills are real.
PROGRAM = """
import sys
from types import SimpleNamespace
from flask import Flask
from flask.cli import ScriptInfo
from dashboard.cli.gateway import gateway

app = Flask("alone")
app.config["SETTINGS"] = SimpleNamespace(simulator_port=0, gateway_token="from-the-settings")
gateway.main(sys.argv[1:], obj=ScriptInfo(create_app=lambda: app))
"""


@pytest.fixture
def start():
    started = []

    def start(*arguments):
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        started.append(program)
        address = next(word for word in program.stdout.readline().split() if word.startswith("http"))
        return program, address.rstrip(";")

    yield start
    for program in started:
        program.kill()
        program.wait()
        program.stdout.close()


def _send(url, message_id):
    return requests.post(
        f"{url}/v1/send/{message_id}",
        json={"id": message_id, "phone": 79001234567, "text": "text"},
        headers={"Authorization": "Bearer from-the-settings"},
        timeout=5,
    ).status_code


@pytest.fixture
def run(settings):
    """Runs the command in this process against the given gateway."""

    def run(url, *arguments, token="a-token-for-tests"):
        app = Flask("alone")
        app.config["SETTINGS"] = replace(settings, gateway_url=url, gateway_token=token)
        app.cli.add_command(gateway)
        return app.test_cli_runner().invoke(args=["gateway", *arguments])

    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_simulator_ends_at_once_and_cleanly_on_a_signal(start, number):
    program, url = start("--faults", '{"hang_after": 1}')
    with requests.Session() as kept:
        kept.get(f"{url}/stats", timeout=5)
        program.send_signal(number)

        assert program.wait(15) == 0


def test_what_was_accepted_outlives_a_kill(start, tmp_path):
    path = tmp_path / "accepted.jsonl"
    program, url = start("--log", str(path), "--faults", '{"http_503": 1, "phones": ["7"]}')
    statuses = [_send(url, number) for number in (1, 2, 3)]
    program.kill()
    program.wait()

    _, url = start("--log", str(path), "--recognise-repeats")
    _send(url, 3)
    _send(url, 4)

    assert statuses == [200, 200, 200]
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [1, 2, 3, 4]


def test_a_port_that_is_taken_is_told_in_one_sentence(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("http://unused", "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 1
    assert result.output.startswith("Error: The simulator cannot start on 127.0.0.1:")


def test_faults_that_make_no_sense_stop_the_start(run):
    result = run("http://unused", "--faults", '{"http_777": 1}')

    assert result.exit_code == 2
    assert "http_777" in result.output


def test_the_check_says_that_the_gateway_is_well(run, simulator):
    result = run(simulator.url, "check")

    assert result.exit_code == 0
    assert "accepts the token" in result.output


@pytest.mark.parametrize(
    ("token", "explanation"),
    [("wrong", "check GATEWAY_TOKEN"), ("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln", "it has run out")],
)
def test_the_check_says_why_a_token_may_be_refused(run, simulator, token, explanation):
    result = run(simulator.url, "check", token=token)

    assert result.exit_code == 1
    assert explanation in result.output
    assert token not in result.output


def test_the_check_says_that_nobody_answers(run):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    result = run(f"http://127.0.0.1:{port}", "check")

    assert result.exit_code == 1
    assert "the connection was refused" in result.output


def test_the_check_says_that_somebody_else_answers(run, answering):
    result = run(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").url, "check")

    assert result.exit_code == 1
    assert "check GATEWAY_URL" in result.output


def test_the_check_says_that_the_settings_cannot_work(run):
    result = run("http://gateway", "check", token="two words")

    assert result.exit_code == 1
    assert "without spaces" in result.output
