"""Do the rooms import only rightward? The contracts stand in pyproject.toml."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT

LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as f; f()",
    "--no-logo",
]


def test_all_import_contracts_hold() -> None:
    done = subprocess.run([*LINT, "--no-cache"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_inside_the_house_imports_are_relative() -> None:
    absolute = re.compile(r"^\s*(from|import) dashboard\b", re.MULTILINE)
    modules = (ROOT / "dashboard").rglob("*.py")

    assert [str(path) for path in modules if absolute.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [("domain.pages", "web"), ("jobs.asked", "api"), ("web.shared", "api"), ("api.shared", "web")],
)
def test_a_room_that_imports_leftward_or_its_neighbour_breaks_them(
    tmp_path: Path, module: str, imported: str
) -> None:
    rooms = [
        *("cli", "web", "api", "jobs", "marks", "domain", "gateway", "models", "mail", "metrics", "logs"),
        *("database", "connections", "clock", "phone", "zones", "origin", "redaction", "meanwhile"),
    ]
    for room in rooms:
        folder = tmp_path / "dashboard" / room
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (tmp_path / "dashboard" / "__init__.py").touch()
    room, name = module.split(".")
    (tmp_path / "dashboard" / room / f"{name}.py").write_text(f"import dashboard.{imported}\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())

    done = subprocess.run([*LINT, "--no-cache"], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 1
    assert f"dashboard.{room} is not allowed to import dashboard.{imported}" in done.stdout
