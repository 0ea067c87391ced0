"""What do the files that run Vestnik elsewhere say: commands, settings, steps of the image?"""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config import ROOT

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
MANIFESTS = sorted((ROOT / "deploy" / "k8s").glob("*.yaml"))
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.*"))
# Gives a command with the units' settings.
COMMAND = ROOT / "deploy" / "systemd" / "vestnik"
PAGES = (ROOT / "docs" / "operations.md", ROOT / "deploy" / "k8s" / "README.md", COMPOSE, COMMAND)
# What is not ours: the interpreter's, Flask's, the shell's.
FOREIGN = re.compile(r"^(PATH|FLASK_APP|FLASK_SKIP_DOTENV|PYTHON\w+)$")


@dataclass(frozen=True)
class Step:
    """One line of the Dockerfile: `COPY`, `RUN`, …; what it is told; in which stage it stands."""

    word: str
    told: str
    stage: int


def steps() -> list[Step]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    found, stage = [], -1
    for line in lines:
        word, _, told = line.partition(" ")
        stage += word == "FROM"
        found.append(Step(word, told, stage))
    return found


def compose() -> dict[str, Any]:
    """With what it merges in its place, as Compose reads it."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return read


def objects() -> list[dict[str, Any]]:
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text()) if each]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for each in objects():
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        elif each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]


def commands() -> list[tuple[str, ...]]:
    """Every `flask …` that a container or a unit is started or asked with."""
    found = [tuple(service["command"]) for service in compose()["services"].values() if "command" in service]
    checks = [service.get("healthcheck", {}).get("test", []) for service in compose()["services"].values()]
    found += [tuple(check[1:]) for check in checks]
    for _name, pod in pods():
        for container in pod["containers"]:
            found.append(tuple(container["command"]))
            found.append(tuple(container.get("livenessProbe", {}).get("exec", {}).get("command", ())))
    for unit in UNITS:
        for line in re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE):
            queue = "sending" if "worker@" in unit.name else ""
            found.append(("flask", *shlex.split(line.replace("%i", queue))[1:]))
    for told in re.findall(r"\bCMD (\[.*\])", DOCKERFILE.read_text()):
        found.append(tuple(yaml.safe_load(told)))
    return sorted({each for each in found if each and each[0] == "flask"})


def commands_told() -> set[str]:
    """What people are told to type, as `users create`: after `flask`, or after the units' own `vestnik`."""
    typed = re.compile(r"(?:\bflask(?: --app wsgi)?|(?:^|[`#;&] *)vestnik) ([a-z]+(?:[ -][a-z]+)*)", re.MULTILINE)
    return {each for page in PAGES for each in typed.findall(page.read_text())}


def settings_named() -> dict[str, set[str]]:
    """The environment's names in each file, but those that are not ours."""
    image = " ".join(step.told for step in steps() if step.word == "ENV")
    named = {"Dockerfile": set(re.findall(r"(\w+)=", image))}
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    named["compose.env.example"] = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    ours = [service for service in compose()["services"].values() if service.get("build")]
    named["docker-compose.yml"] = {name for service in ours for name in service["environment"]}
    named["k8s"] = {
        name
        for each in objects()
        if each["kind"] in ("ConfigMap", "Secret")
        for name in each.get("data", each.get("stringData", {}))
    }
    for unit in UNITS:
        lines = re.findall(r"^Environment=(.*)$", unit.read_text(), re.MULTILINE)
        named[unit.name] = {part.partition("=")[0] for line in lines for part in shlex.split(line)}
    return {file: {name for name in names if not FOREIGN.match(name)} for file, names in named.items()}


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def tools() -> Path:
    """Where the tests' own tools lie."""
    return Path(sys.executable).parent
