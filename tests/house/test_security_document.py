"""Does docs/security.md name only tests that exist, and does each file of tests/security stand in it?"""

import re

import pytest

from config import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
NAMED = sorted(set(re.findall(r"`(test_\w+)`", DOCUMENT)))


@pytest.mark.parametrize("name", NAMED)
def test_every_test_exists(name: str) -> None:
    assert f"def {name}(" in TESTS


def test_no_module_of_these_tests_is_forgotten() -> None:
    modules = sorted((ROOT / "tests" / "security").glob("test_*.py"))

    forgotten = [
        path.name for path in modules if not set(NAMED) & set(re.findall(r"def (test_\w+)", path.read_text()))
    ]

    assert forgotten == []
    assert len(modules) >= 6
