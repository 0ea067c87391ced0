"""Does docs/engine.md name only parts of the engine and tests that exist?"""

import re
from importlib import import_module
from operator import attrgetter

import pytest

from config import ROOT

DOCUMENT = (ROOT / "docs" / "engine.md").read_text()
DOMAIN = ROOT / "dashboard" / "domain"
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def parts() -> list[str]:
    """Whatever is written as `module.name`, of the domain's modules."""
    modules = "|".join(sorted(path.stem for path in DOMAIN.glob("*.py")))
    return sorted(set(re.findall(rf"`((?:{modules})\.\w+(?:\.\w+)*)`", DOCUMENT)))


def named_tests() -> list[str]:
    return sorted(set(re.findall(r"`(test_\w+)`", DOCUMENT)))


def test_there_is_something_to_check() -> None:
    assert len(parts()) > 30
    assert len(named_tests()) > 60


@pytest.mark.parametrize("name", parts())
def test_every_part_of_the_engine_exists(name: str) -> None:
    module, inside = name.split(".", 1)

    found = attrgetter(inside)(import_module(f"dashboard.domain.{module}"))

    assert found is not None


@pytest.mark.parametrize("name", named_tests())
def test_every_test_exists(name: str) -> None:
    assert f"def {name}(" in TESTS
