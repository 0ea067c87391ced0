"""Does a machine that lacks something get one sentence with the way out?"""

import ast
import importlib.util
import re
import subprocess
import sys
from types import ModuleType

import pytest

from config import ROOT

REGISTRY = "https://packages.example.com/simple"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap = _load("bootstrap")
assets = _load("assets")


def test_the_script_parses_on_old_pythons() -> None:
    ast.parse((ROOT / "scripts" / "bootstrap.py").read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 13)])
def test_a_python_that_does_not_fit_is_told_which_one_does(version: tuple[int, int]) -> None:
    problem = bootstrap.python_problem(version)

    assert problem.startswith(f"Vestnik needs Python 3.11 or 3.12, and this is {version[0]}.{version[1]}: ")
    assert "make PYTHON=" in problem


def test_a_python_that_fits_is_taken() -> None:
    assert bootstrap.python_problem((3, 11)) == bootstrap.python_problem((3, 12)) == ""


def test_the_script_ends_with_that_sentence_and_nothing_else() -> None:
    old = "import sys, runpy; sys.version_info = (3, 8, 1); runpy.run_path(sys.argv[1], run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", old, str(ROOT / "scripts" / "bootstrap.py")], capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [bootstrap.python_problem((3, 8))]


def test_a_debian_without_venv_is_told_the_package() -> None:
    problem = bootstrap.venv_problem(lambda name: None if name == "ensurepip" else name)

    assert f"sudo apt install python3.{sys.version_info.minor}-venv" in problem
    assert bootstrap.venv_problem(lambda name: name) == ""


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            f"Looking in indexes: {REGISTRY}\nERROR: Could not find a version that satisfies it\n"
            "ERROR: No matching distribution found for pycurl==7.49.0",
            "There is no ready-made build of pycurl 7.49.0 for this machine",
        ),
        (
            f"WARNING: Retrying after connection broken by 'NewConnectionError': {REGISTRY}\n"
            "ERROR: No matching distribution found for flask==3.1.3",
            "The package index cannot be reached",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "A package differs from the one in the lock file"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        (f"ERROR: 403 Client Error for {REGISTRY}/flask", "The Python packages could not be installed"),
    ],
)
def test_what_pip_says_becomes_one_sentence_without_addresses(output: str, sentence: str) -> None:
    problem = bootstrap.install_problem(output)

    assert problem.startswith(sentence)
    assert "\n" not in problem
    assert "packages.example.com" not in problem


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            f"npm error code ENOTFOUND\nnpm error request to {REGISTRY} failed",
            "npm's registry cannot be reached",
        ),
        (
            f"npm error code E404\nnpm error 404 Not Found - GET {REGISTRY}/x",
            "404 Not Found - GET <address>",
        ),
        ("", "npm gave no reason"),
    ],
)
def test_what_npm_says_becomes_one_sentence_without_addresses(output: str, sentence: str) -> None:
    problem = assets.npm_problem(output)

    assert problem.startswith(sentence)
    assert "packages.example.com" not in problem


def test_pages_find_every_vendored_file_and_no_source_map_is_asked_for() -> None:
    for name in assets.FILES:
        content = (assets.VENDOR / name).read_bytes()
        assert content
        assert re.search(rb"sourceMappingURL=(?!data:)", content) is None
        assert not [address for address in assets.ELSEWHERE if address.encode() in content]
