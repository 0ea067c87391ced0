"""Do the files for containers and systemd hold what they promise, as far as one can tell without an engine?"""

import os
import re
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from config import ROOT, Settings
from dashboard.cli.supervisor import WORKER, programs
from dashboard.domain.delivery import GIVE_UP_WRITING_SECONDS
from dashboard.jobs import queues
from tests.support import deploy
from tests.support.installation import free_port

CALL_SECONDS = 10.0
SETTINGS = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
ROLES = {("flask", "web"), ("flask", "scheduler"), *(("flask", "worker", queue) for queue in queues.QUEUES)}
# What stands in a container instead of Debian's Python.
PYTHON = re.compile(r"^python\b")


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=600, **more)


def test_compose_follows_its_own_schema() -> None:
    checked = run(deploy.tools() / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", deploy.COMPOSE)

    assert checked.returncode == 0, checked.stdout


def test_the_dockerfile_has_nothing_to_complain_about() -> None:
    checked = run(deploy.tools() / "hadolint", deploy.DOCKERFILE)

    assert checked.returncode == 0, checked.stdout


def test_kubernetes_knows_every_field() -> None:
    checked = run(deploy.tools() / "kubernetes-validate", "--strict", "--quiet", *deploy.MANIFESTS)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_knows_every_line(tmp_path: Path) -> None:
    """In a folder of its own, with a program that is there."""
    for unit in deploy.UNITS:
        text = unit.read_text().replace("/opt/vestnik/.venv/bin/flask", shutil.which("true") or "/bin/true")
        (tmp_path / unit.name).write_text(text)

    checked = run("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))

    ours = [line for line in checked.stderr.splitlines() if "vestnik" in line]
    assert (checked.returncode, ours) == (0, [])


def test_every_setting_that_is_named_exists() -> None:
    named = deploy.settings_named()

    assert {file: names - SETTINGS for file, names in named.items() if names - SETTINGS} == {}
    assert all(named[file] for file in ("Dockerfile", "compose.env.example", "k8s"))


def test_every_command_that_is_given_exists(app: Flask) -> None:
    given = deploy.commands()

    for _flask, name, *arguments in given:
        command = app.cli.commands[name]
        command.make_context(name, list(arguments))
    assert set(given) >= ROLES


def test_every_command_that_people_are_told_exists(app: Flask) -> None:
    told = deploy.commands_told()

    for each in told:
        group: Any = app.cli
        for word in each.split():
            if hasattr(group, "commands"):
                assert word in group.commands, each
                group = group.commands[word]
    assert told >= {"db upgrade", "users create", "doctor", "backup", "restore", "restored"}


def test_a_command_on_a_server_gets_the_settings_user_and_folders_of_the_units(tmp_path: Path) -> None:
    """By a stand-in for systemd-run that says what it is told: the real one wants systemd to run the machine."""
    stand_in = tmp_path / "systemd-run"
    stand_in.write_text("""#!/bin/sh\nprintf '%s\\0' "$@"\n""")
    stand_in.chmod(0o755)
    unit = (ROOT / "deploy/systemd/vestnik-migrate.service").read_text().splitlines()
    typed = ["users", "create", "Anna Maria $HOME", "--email", "anna@example.com"]

    told = run(deploy.COMMAND, *typed, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}).stdout.split("\0")[:-1]

    options, command = told[: told.index("--")], told[told.index("--") + 1 :]
    given = {each.removeprefix("--property=") for each in options if each.startswith("--property=")}
    assert command == ["/opt/vestnik/.venv/bin/flask", *typed]
    assert given <= set(unit)
    wanted = {"User", "Group", "WorkingDirectory", "EnvironmentFile", "Environment", "StateDirectory"}
    assert wanted <= {each.partition("=")[0] for each in given}
    # A password is asked for on a terminal, a pipe stays one, and what went wrong is the exit code.
    assert {"--pty", "--pipe", "--wait"} <= set(options)


@pytest.mark.parametrize("way", ["compose", "k8s", "systemd"])
def test_every_role_is_started_everywhere(way: str) -> None:
    if way == "compose":
        services = deploy.compose()["services"].values()
        started = {tuple(each.get("command", ())) for each in services if "profiles" not in each}
    elif way == "k8s":
        started = {tuple(pod["containers"][0]["command"]) for _name, pod in deploy.pods()}
    else:
        wanted = re.findall(r"vestnik-(\S+)\.service", (ROOT / "deploy/systemd/vestnik.target").read_text())
        called = [each.replace("sender@1", "worker@sending") for each in wanted]
        started = {("flask", *each.split("@")) for each in called} | {("flask", "db", "upgrade")}
        assert (
            "ExecStart=/opt/vestnik/.venv/bin/flask db upgrade"
            in (ROOT / "deploy/systemd/vestnik-migrate.service").read_text()
        )

    assert started >= ROLES | {("flask", "db", "upgrade")}


def test_whoever_needs_no_pages_does_without_them_everywhere(settings: Settings) -> None:
    """Who has them is told apart by FLASK_APP, and the same as where Vestnik starts its processes itself."""
    supervised = {tuple(each.command[5:]) for each in programs(settings) if WORKER in each.command}
    services = [each for each in deploy.compose()["services"].values() if "command" in each]
    pods = [pod["containers"][0] for _name, pod in deploy.pods()]
    units = {unit.name: WORKER in unit.read_text() for unit in deploy.UNITS}

    small = {
        "compose": {
            tuple(takewhile(lambda word: not word.startswith("-"), each["command"][1:]))
            for each in services
            if each.get("environment", {}).get("FLASK_APP") == WORKER
        },
        "k8s": {
            tuple(each["command"][1:])
            for each in pods
            if {"name": "FLASK_APP", "value": WORKER} in each.get("env", [])
        },
    }

    # A cluster has a gateway; the simulator is for those who try Vestnik out.
    roles = {("scheduler",), ("worker", "sending"), ("worker", "background")}
    assert supervised == small["compose"] == roles | {("gateway",)}
    assert small["k8s"] == roles
    assert {name for name, is_small in units.items() if is_small} == {
        "vestnik-scheduler.service",
        "vestnik-sender@.service",
    }


def test_who_sends_gets_the_time_to_end_its_calls_and_to_write_how_they_ended() -> None:
    needed = CALL_SECONDS + GIVE_UP_WRITING_SECONDS
    unit = (ROOT / "deploy/systemd/vestnik-sender@.service").read_text()

    given = {
        "compose": deploy.seconds(deploy.compose()["services"]["sender"]["stop_grace_period"]),
        "k8s": dict(deploy.pods())["vestnik-sender"]["terminationGracePeriodSeconds"],
        "systemd": int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0]),
    }

    assert {way: time for way, time in given.items() if time <= needed} == {}
    # systemd tells the parent only; a child that got the signal itself would die in the middle of its calls.
    assert "KillMode=mixed" in unit


def test_nothing_runs_as_root_or_may_write_into_its_image() -> None:
    for name, pod in deploy.pods():
        assert pod["securityContext"]["runAsNonRoot"], name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False), name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert {"requests", "limits"} <= container["resources"].keys(), name
    for name, service in deploy.compose()["services"].items():
        assert service["image"].startswith("postgres:") or service["read_only"], name
    assert [step.told for step in deploy.steps() if step.word == "USER"] == ["10001:10001"]


def test_the_image_takes_what_it_needs_and_no_data_folder_or_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    sources = [
        source
        for step in deploy.steps()
        if step.word == "COPY" and "--from" not in step.told
        for source in step.told.split()[:-1]
    ]

    assert ignored[ignored.index("*")] == "*"
    assert {source.split("/")[0] for source in sources} == {each[1:] for each in ignored if each.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_steps_of_the_image_make_a_vestnik_that_serves_its_pages(tmp_path: Path) -> None:
    """In a clean folder, with this machine's Python instead of the image's."""
    for step in deploy.steps():
        if step.stage == 0 and step.word == "COPY":
            copy(step.told, tmp_path)
        elif step.stage == 0 and step.word == "RUN":
            done = run("sh", "-ec", PYTHON.sub(sys.executable, step.told), cwd=tmp_path, env=clean())
            assert done.returncode == 0, done.stdout + done.stderr
    environ = clean() | {
        **{"FLASK_APP": "wsgi", "FLASK_SKIP_DOTENV": "1", "VESTNIK_ENV": "production", "SECRET_KEY": "k" * 40},
        **{"GATEWAY_URL": "https://gateway.example.com", "GATEWAY_TOKEN": "a.b.c"},
        **{"DATA_DIR": str(tmp_path / "data"), "PORT": str(free_port()), "REDIS_URL": "redis://127.0.0.1:1/0"},
    }
    flask = tmp_path / ".venv" / "bin" / "flask"
    (tmp_path / "data").mkdir()

    migrated = run(flask, "db", "upgrade", cwd=tmp_path, env=environ)
    web = subprocess.Popen([flask, "web"], cwd=tmp_path, env=environ)
    try:
        alive = [run(flask, "alive", "web", cwd=tmp_path, env=environ) for _ in range(5)]
    finally:
        web.terminate()
        ended = web.wait(30)

    assert migrated.returncode == 0, migrated.stderr
    assert any(each.returncode == 0 for each in alive), alive[-1].stderr
    assert ended == 0
    assert (tmp_path / "static" / "vendor" / "htmx.min.js").stat().st_size > 10_000
    assert list((tmp_path / "dashboard").rglob("messages.mo"))
    assert not (tmp_path / "node_modules").exists()
    assert not list((tmp_path / ".venv").rglob("redis-server"))


def copy(told: str, target: Path) -> None:
    *sources, into = told.split()
    for source in sources:
        to = (
            target / into / Path(source).name if into.endswith("/") and not source.endswith("/") else target / into
        )
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("vendor", "__pycache__", "*.mo"))
        else:
            shutil.copyfile(ROOT / source, to)


def clean() -> dict[str, str]:
    """As a container begins: nothing of this machine's virtual environment or settings."""
    kept = ("HOME", "PATH", "PIP_", "UV_", "NPM_", "npm_", "SSL_", "http", "https", "no_proxy", "HTTP", "NO_PROXY")
    inherited = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    folders = [each for each in inherited["PATH"].split(":") if ".venv" not in each]
    return inherited | {"PATH": ":".join(folders)}


def test_the_settings_that_compose_and_kubernetes_give_are_enough(tmp_path: Path) -> None:
    for names in ("compose.env.example", "k8s"):
        given = deploy.settings_named()[names] | deploy.settings_named()["Dockerfile"]
        values = {
            **{"SECRET_KEY": "k" * 40, "GATEWAY_URL": "https://gateway.example.com", "GATEWAY_TOKEN": "a.b.c"},
            **{"DATABASE_URL": "postgresql://vestnik:secret@postgres/vestnik", "VESTNIK_ENV": "production"},
        }

        settings = Settings.from_environ({name: values.get(name, "") for name in given})

        assert settings.production
        assert settings.gateway_timeout_seconds == CALL_SECONDS
