"""Does the supervisor bring back what dies, and stop everything in order? With real small programs."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config import ROOT
from dashboard.cli import supervisor
from tests.support.settings import make_settings

# Notes its start and, a moment after it was told to stop, its end.
PROGRAM = """
import pathlib, signal, sys, time
name, journal, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
def note(what):
    with journal.open("a") as file:
        file.write(f"{name} {what}\\n")
def end(*_):
    time.sleep(seconds)
    note("ends")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("starts")
while True:
    time.sleep(60)
"""
SUPERVISOR = """
import pathlib, sys
from dashboard.cli.supervisor import Program, supervise
program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def command(name, seconds):
    return [sys.executable, "-c", program, name, str(folder / "journal"), str(seconds)]
work = Program("work", command("work", 0.5))
supervise([work, Program("ground", command("ground", 0), ground=True)], folder)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a blank in its name, as people's folders have."""
    (tmp_path / "r u n").mkdir()
    return tmp_path / "r u n"


@pytest.fixture
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SUPERVISOR, PROGRAM, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: sorted(journal(folder)) == ["ground starts", "work starts"])
        yield process
    finally:
        process.kill()
        process.communicate()


def journal(folder: Path) -> list[str]:
    path = folder / "journal"
    return path.read_text().splitlines() if path.exists() else []


def until(is_so: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.05)


def programs(running: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(running.pid).children()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_others_stand_on_is_stopped_after_them(
    number: signal.Signals, running: subprocess.Popen[str], folder: Path
) -> None:
    children = programs(running)

    running.send_signal(number)
    _, told = running.communicate(timeout=15)

    assert journal(folder)[-2:] == ["work ends", "ground ends"]
    assert not [child for child in children if child.is_running()]
    assert (running.returncode, told) == (0, "")


def test_what_is_killed_is_started_again(running: subprocess.Popen[str], folder: Path) -> None:
    next(child for child in programs(running) if "work" in child.cmdline()).kill()

    until(lambda: journal(folder).count("work starts") == 2)
    running.terminate()
    _, told = running.communicate(timeout=15)

    assert told == "work ended (SIGKILL); starting it again\n"


def test_a_supervisor_killed_outright_leaves_no_orphan(running: subprocess.Popen[str], folder: Path) -> None:
    running.kill()

    until(lambda: sorted(journal(folder)[-2:]) == ["ground ends", "work ends"])


def test_only_the_programs_that_are_wanted_are_in_the_table(tmp_path: Path) -> None:
    own = make_settings(tmp_path, SENDERS="3")
    given = make_settings(
        tmp_path,
        REDIS_URL="redis://cache/0",
        GATEWAY_URL="https://gateway.example.com",
        GATEWAY_TOKEN="a.b.c",
    )

    assert [(program.name, program.processes) for program in supervisor.programs(own)] == [
        ("redis", 1),
        ("simulator", 1),
        ("scheduler", 1),
        ("sender", 3),
        ("background", 1),
        ("webhooks", 1),
        ("web", 1),
    ]
    assert [program.name for program in supervisor.programs(given)] == [
        "scheduler",
        "sender",
        "background",
        "webhooks",
        "web",
    ]


def test_the_time_to_stop_fits_into_what_people_are_promised() -> None:
    assert supervisor.WORK_SECONDS_TO_STOP + supervisor.GROUND_SECONDS_TO_STOP < 20


def test_who_calls_a_slow_gateway_is_given_the_time_to_hear_its_answer(tmp_path: Path) -> None:
    usual, slow = make_settings(tmp_path), make_settings(tmp_path, GATEWAY_TIMEOUT_SECONDS="45")

    given = [
        {each.name: each.seconds_to_stop for each in supervisor.programs(settings)} for settings in (usual, slow)
    ]

    callers = {"sender": 47.0, "background": 47.0}
    assert set(given[0].values()) == {supervisor.WORK_SECONDS_TO_STOP}
    assert {name: seconds for name, seconds in given[1].items() if seconds > 45} == callers
